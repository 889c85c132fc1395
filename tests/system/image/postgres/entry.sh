#!/bin/sh
# As the official image: the secret is read by root, the server runs as postgres, and until its database is made it
# listens on its socket only.
set -eu
export PGDATA=/var/lib/postgresql/18/docker
POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
mkdir -p "$PGDATA"
chown postgres "$PGDATA"
chmod 0700 "$PGDATA"
as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  pwfile=$(mktemp)
  printf '%s\n' "$POSTGRES_PASSWORD" > "$pwfile"
  chown postgres "$pwfile"
  # shellcheck disable=SC2086  # arguments, as the official image takes them
  as_postgres initdb --username=postgres --pwfile="$pwfile" $POSTGRES_INITDB_ARGS
  rm "$pwfile"
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  as_postgres pg_ctl start --wait --options="-c listen_addresses='' -k /tmp"
  as_postgres psql --no-psqlrc --host=/tmp --command="create database \"$POSTGRES_DB\"" postgres
  as_postgres pg_ctl stop --wait --mode=fast
fi
exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@" -c listen_addresses='*' -k /tmp
