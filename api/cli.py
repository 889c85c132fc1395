"""The command `pgwallet`."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

try:
    import click

    from api import __version__
    from api.cluster.proxy import proxy
    from api.commands.backup import backup, restore
    from api.commands.cluster import cluster
    from api.commands.demo import demo
    from api.commands.doctor import doctor
    from api.commands.events import events
    from api.commands.key import key
    from api.commands.output import Program, progress
    from api.commands.prune import prune
    from api.commands.roles import grant, revoke, roles
    from api.commands.status import status
    from api.commands.txn import adjust, refund, topup, txn
    from api.commands.upgrade import upgrade
    from api.commands.user import user
    from api.commands.wallet import wallet
    from api.commands.webhooks import webhooks
    from api.errors import CommandError
    from api.integrity import verification
    from api.integrity.hash_chain import Finding
    from api.postgres import embedded
    from api.postgres.data_dir import Lock, prepare
    from api.postgres.secret_files import rotate
    from api.server import supervisor
    from api.settings import Settings
    from api.setup import deploy, service_secrets
    from api.setup.administrator import administrator
    from api.urls import libpq_variables, on_socket
except ModuleNotFoundError as missing:
    sys.exit(f"pgwallet: the Python package {missing.name} is missing: run `make install`")

CHECKPOINT = click.Path(dir_okay=False, path_type=Path)
FINDINGS_SHOWN = 1000


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pgwallet", message="%(prog)s %(version)s")
@click.pass_context
def pgwallet(context: click.Context) -> None:
    """A digital wallet whose business logic lives in PostgreSQL.

    Settings come from the environment, then from .env; .env.example lists them. Without DATABASE_URL the commands use
    the embedded PostgreSQL server: the one of a running `pgwallet run`, else one that they start for themselves.
    """
    context.obj = Settings.load()


@pgwallet.command()
@click.pass_obj
def run(settings: Settings) -> None:
    """Set the database up and serve until Ctrl-C."""
    supervisor.run(settings)


@pgwallet.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Serve with a database that is set up already; needs PGWALLET_API_URL."""
    supervisor.serve(settings)


@pgwallet.command()
@click.pass_obj
def relay(settings: Settings) -> None:
    """Deliver webhooks, without serving; needs PGWALLET_API_URL. `run` and `serve` do it too: PGWALLET_RELAY."""
    supervisor.relay(settings)


@pgwallet.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Apply roles, migrations, functions and reference data."""
    password = service_secrets.api_password(settings)
    with administrator(settings, "migrate", fresh=True) as url:
        asyncio.run(
            deploy.migrate(
                url, password=password, seeds="01_*.sql", role=settings.api_role, retention=settings.retention
            )
        )


@pgwallet.command()
@click.pass_obj
def seed(settings: Settings) -> None:
    """Apply all of db/seeds, the demo accounts too."""
    with administrator(settings, "seed") as url:
        asyncio.run(deploy.seed(url))


@pgwallet.command()
@click.option("--checkpoint", type=CHECKPOINT, metavar="FILE", help="Judge only what came after this checkpoint")
@click.option(
    "--full", is_flag=True, help="With a checkpoint: judge everything, and hold it against the checkpoint too"
)
@click.pass_obj
def verify(settings: Settings, *, checkpoint: Path | None, full: bool) -> None:
    """Check every invariant of the ledger and its hash chains; exit status 1 when one is violated."""
    key = service_secrets.checkpoint_key(settings, make=False) if checkpoint is not None else ""
    found = _verify(settings, "verify", verification.Order(key, checkpoint, full or checkpoint is None))
    covered = f" in {found.entries} entries since the checkpoint of {found.since}" if found.since else ""
    warned = f", {found.warnings} warnings" if found.warnings else ""
    click.echo(f"ok: no violations{covered}{warned}")
    if found.unnoted:
        click.echo(f"pgwallet: this run is not on record: {found.unnoted}", err=True)


@pgwallet.command()
@click.pass_obj
def sweep(settings: Settings) -> None:
    """End holds that are due, in wallets that nothing touches; the relay does so about once a second."""
    with administrator(settings, "sweep") as url:
        click.echo(f"ok: {asyncio.run(deploy.sweep(url))} holds ended")


@pgwallet.command()
@click.argument("file", type=CHECKPOINT)
@click.option("--since", type=CHECKPOINT, metavar="FILE", help="Judge only what came after this earlier checkpoint")
@click.pass_obj
def checkpoint(settings: Settings, file: Path, since: Path | None) -> None:
    """Verify the ledger and write to FILE, signed, how far each wallet's hash chain goes."""
    key = service_secrets.checkpoint_key(settings, make=since is None)
    _verify(settings, "checkpoint", verification.Order(key, since, since is None, file))
    click.echo(f"ok: no violations, checkpoint written to {file}")


def _verify(settings: Settings, command: str, order: verification.Order) -> verification.Summary:
    shown = {True: 0, False: 0}

    def report(finding: Finding) -> None:
        shown[finding.is_warning] += 1
        if shown[finding.is_warning] <= FINDINGS_SHOWN:
            click.echo("  ".join(f"{name}={value}" for name, value in finding._asdict().items() if value is not None))

    with administrator(settings, command) as url:
        return asyncio.run(verification.verify(url, order, report, partial(progress, label="entries")))


@pgwallet.command("rotate-key")
@click.option("--discard", is_flag=True, help="End all tokens: keep neither the old key nor those before it.")
@click.pass_obj
def rotate_key(settings: Settings, *, discard: bool) -> None:
    """Make a new key that signs tokens, in the key's file; it is used from the next start of the service on.

    Tokens of the old key stay valid: it is kept beside the new one, in the file with .previous at the end of its name.
    """
    if settings.jwt_secret is not None:
        raise CommandError("JWT_SECRET is set: give it a new value, and JWT_PREVIOUS_SECRETS the old one")
    file = service_secrets.key_file(settings)
    if settings.jwt_secret_file is None:
        prepare(settings.data_dir)
    rotate(file, keep=not discard)
    click.echo(f"new key in {file}; restart the service to use it")


@pgwallet.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def psql(settings: Settings, arguments: tuple[str, ...]) -> None:
    """Open psql as the administrator; ARGUMENTS are psql's own."""
    with administrator(settings, "psql") as url:
        variables = libpq_variables(url)
        program = embedded.program("psql", variables)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # Ctrl-C cancels a query in psql. We set a handler, because psql would inherit "ignore".
        signal.signal(signal.SIGINT, lambda *_: None)
        code = subprocess.call([program, *arguments], env=kept | variables)  # noqa: S603 - psql
    sys.exit(code if code >= 0 else 128 - code)


@pgwallet.command()
@click.option("--role", type=click.Choice(["owner", "api"]), default="owner", help="Whose login: the administrator's")
@click.pass_obj
def url(settings: Settings, role: str) -> None:
    """Print the database's address on one line, for pgbench and other tools. Needs a running server."""
    socket = None
    if settings.embedded and (role == "owner" or settings.api_url is None):
        socket = Lock(settings.data_dir, "url").running()
        if socket is None:
            raise CommandError(f"no server runs on {settings.data_dir}: start one with `pgwallet run`")
    if role == "api":
        click.echo(service_secrets.api_url(settings, socket))
    else:
        click.echo(on_socket(socket) if socket is not None else settings.database_url)


OTHERS = (grant, revoke, roles, backup, restore, upgrade, prune, demo, events, webhooks, cluster, proxy)
for command in (user, wallet, txn, topup, refund, adjust, key, status, doctor, *OTHERS):
    pgwallet.add_command(command)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(level=logging.INFO, format="pgwallet: %(message)s", stream=sys.stderr)
    # sys.exit() lets administrator() stop the server that it started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    pgwallet(prog_name="pgwallet")


if __name__ == "__main__":
    main()
