#!/usr/bin/env bash
# make image-check: build the image, then run the services of compose.yaml from it (check.py). No Docker engine and no
# image registry are needed: the base image is put together from Debian's packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

fail() { echo "image-check: $*" >&2; exit 1; }

[ "$(id -u)" -eq 0 ] || fail "must be root"
missing=()
for program in buildah podman debootstrap unshare ip; do
  command -v "$program" >/dev/null || missing+=("$program")
done
[ ${#missing[@]} -eq 0 ] || fail "missing ${missing[*]} (Debian: apt install buildah podman debootstrap iproute2)"

work=$PWD/build/image
base=$(sed -n 's/^FROM //p' Dockerfile)
mkdir -p "$work/wheels" "$work/run"

# Images and containers of our own, apart from the machine's.
export CONTAINERS_STORAGE_CONF=$work/storage.conf
cat > "$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "${STORAGE_DRIVER:-overlay}"
graphroot = "$work/storage"
runroot = "$work/run"
END

# The official image is this Debian with this Python in /usr/local.
[ "$base" = python:3.13-slim-trixie ] || fail "no recipe for the base image $base"
if ! podman image exists "docker.io/library/$base"; then
  echo "image-check: making a stand-in for $base"
  rm -rf --one-file-system "$work/base"
  # the script of "sid" serves every later release; older debootstraps do not know this one by name
  script=/usr/share/debootstrap/scripts/trixie
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  # in a mount namespace: it leaves /proc mounted
  unshare --mount debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip trixie "$work/base" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" "$script" > "$work/base.log" || fail "see $work/base.log"
  rm -f "$work"/base/usr/lib/python3*/EXTERNALLY-MANAGED "$work"/base/var/cache/apt/archives/*.deb
  ln -s /usr/bin/python3 "$work/base/usr/local/bin/python"
  ln -s /usr/bin/pip3 "$work/base/usr/local/bin/pip"
  tar -C "$work/base" --one-file-system -c . | podman import --quiet - "docker.io/library/$base"
  rm -rf --one-file-system "$work/base"
fi

# The packages come through this machine's pip, however that is set up; the build itself sees no network.
echo "image-check: fetching the packages"
machine=$(uname -m)
.venv/bin/python -m pip --quiet --quiet --disable-pip-version-check download --no-deps --require-hashes -r requirements.txt \
  --only-binary :all: --implementation cp --python-version 3.13 --platform "manylinux_2_34_$machine" \
  --platform "manylinux_2_28_$machine" --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
  --dest "$work/wheels"
printf '[global]\nno-index = true\nfind-links = /wheels\n' > "$work/pip.conf"

build() {
  echo "image-check: building $1"
  unshare --net buildah bud --isolation chroot --network host --format docker --pull-never --quiet \
    --volume "$work/wheels:/wheels:ro" --volume "$work/pip.conf:/etc/pip.conf:ro" --tag "$1" "$2" \
    > "$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "cannot build $1"; }
}
build pgwallet .
build docker.io/library/postgres:18 tests/system/image/postgres

# A network of our own: the ports are free, and a container with "the host's network" has this one.
exec unshare --mount --net .venv/bin/python -m tests.system.image.check
