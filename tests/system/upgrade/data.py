"""A data dir with all that an upgrade must take along, and what is compared afterwards."""

import subprocess
import sys
import tempfile

from tests.command import Pgwallet

# Everything beside the wallets that an operator can have made on the embedded server.
MADE = (
    "create role auditor login password 'a password of one''s own' in role wallet_owner",
    "alter role auditor set work_mem = '7MB'",
    'create database "other\'s \\ one"',
    "alter database \"other's \\ one\" set lock_timeout = '7s'",
    "alter database postgres set lock_timeout = '6s'",
    "alter system set work_mem = '9MB'",
    "alter system set archive_command = 'test \"%f\"'",
    "alter system set archive_mode = on",
    "select pg_create_physical_replication_slot('a_follower')",
)
OTHER = (
    '\\c "other\'s \\ one"',
    "create table kept (n int)",
    "insert into kept select generate_series(1, 1000)",
)
KEPT = (
    "select rolname, rolpassword from pg_authid where rolname in ('auditor', 'wallet_api') order by rolname",
    "select pg_has_role('auditor', 'wallet_owner', 'member')",
    "select coalesce(datname, 'all'), setrole::regrole, setconfig from pg_db_role_setting "
    "left join pg_database d on d.oid = setdatabase order by 1, 2::text",
    "select datacl from pg_database where datname = 'pgwallet'",
    "show work_mem",
    "select count(*), sum(id), max(encode(hash, 'hex')) from wallet.ledger l "
    "join wallet.transactions t on t.id = l.transaction_id",
    '\\c "other\'s \\ one"',
    "select sum(n) from kept",
    "show lock_timeout",
)

DRIVER = """
import os, signal, sys
from api.commands import upgrade
from api.postgres.embedded import Server
from api.cli import main

dies_at = sys.argv.pop(1)
note, finish = upgrade.note, Server.finish_upgrade

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def told(text):
    note(text)
    if dies_at in text.split():
        die()

def finishing(self):
    if dies_at == "swap" and self.upgraded.exists() and not self.pgdata.exists():
        die()
    finish(self)

upgrade.note, Server.finish_upgrade = told, finishing
upgrade._judge = lambda *_: None
main()
"""


def make(wallet: Pgwallet) -> None:
    """Fill the database, and make what is beside it."""
    wallet.call("migrate")
    wallet.call("seed")
    run(wallet, *MADE)
    run(wallet, *OTHER)


def kept(wallet: Pgwallet) -> str:
    return run(wallet, *KEPT)


def run(wallet: Pgwallet, *statements: str, database: str = "pgwallet") -> str:
    """Execute statements as the administrator, and return what they print."""
    each = [part for statement in statements for part in ("-c", statement)]
    return wallet.call("psql", "-XAtq", "--set=ON_ERROR_STOP=1", f"--dbname={database}", *each).strip()


def secrets(wallet: Pgwallet) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in wallet.data_dir.iterdir() if path.is_file() and path.suffix == ""}


def upgraded(wallet: Pgwallet, programs: str, dies_at: str = "never") -> subprocess.CompletedProcess[str]:
    """Upgrade, also to the same version, and kill the command where it says this word."""
    command = [sys.executable, "-P", "-c", DRIVER, dies_at, "upgrade", "--from-binaries", programs]
    return subprocess.run(
        command, env=wallet.environment, cwd=tempfile.gettempdir(), capture_output=True, text=True, check=False
    )
