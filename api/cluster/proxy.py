"""`pgwallet proxy`: the SQL of a PL/Proxy database, through which psql and every other program reach all databases.

Signatures, defaults, types and comments are those of the catalog; where a call goes is decided by WHERE. What is more
than a call elsewhere is a file in db/proxy. docs/deployment/plproxy.md tells how it is used.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from api.cluster import map_file
from api.errors import CommandError
from api.setup.deploy import DB, connected
from api.urls import SECRET, credentials, keywords

if TYPE_CHECKING:
    import asyncpg

    from api.cluster_map import ClusterMap, Member
    from api.settings import Settings

FILES: Final = DB / "proxy"


@dataclass(frozen=True)
class Where:
    """Where calls of a function go. `kind` is one of the names below, `by` the argument that decides, or why not."""

    kind: str
    by: str = ""


ID, ROW, ONE, SUM, OWN, ALL, OUT = "id", "row", "one", "sum", "own", "all", "out"

_SIGN_IN = Where(OUT, "a part of signing in, which the service alone does")
_SECRET = Where(OUT, "is found by a secret that names its database to the service alone")
_EVENTS = Where(OUT, "has a cursor of one database: the service has one for all")
_WEBHOOK = Where(OUT, "webhooks are the same rows on all databases, and the service keeps them so")
_KEY = Where(OUT, "keys are the same rows on all databases, and the service keeps them so")
_RELAY = Where(OUT, "is for the relay of one database")
_VERIFICATION = Where(OUT, "is about the run of one database: `pgwallet cluster verify` verifies all")
_EVERYWHERE = Where(OUT, "must be done on all databases or none, and nothing here is rolled back")
_WALLET, _OWNER, _USER = Where(ID, "p_wallet_id"), Where(ID, "p_owner_id"), Where(ID, "p_user_id")
_NUMBER = Where(ROW, "p_id")
_OWN = Where(OWN)

WHERE: Final[dict[str, Where]] = {
    **dict.fromkeys(("wallet_balance", "wallet_balance_at", "wallet_balance_history", "wallet_recorded"), _WALLET),
    **dict.fromkeys(("wallet_topup", "wallet_spend", "wallet_refund", "wallet_fund", "wallet_give_back"), _WALLET),
    **dict.fromkeys(("wallet_hold", "wallet_capture", "wallet_void", "wallet_holds", "wallet_own_hold"), _WALLET),
    **dict.fromkeys(("wallet_entries", "wallet_entry", "wallet_transaction", "wallet_statement"), _WALLET),
    **dict.fromkeys(("wallet_find_request", "wallet_verify_entry", "wallet_verify_receipt"), _WALLET),
    **dict.fromkeys(("wallet_adjust", "wallet_propose", "wallet_set_limits", "wallet_set_status"), _WALLET),
    **dict.fromkeys(("wallet_inspect_wallet", "wallet_inspect_entries", "wallet_inspect_holds"), _WALLET),
    **dict.fromkeys(("wallet_inspect_statement", "wallet_deliveries"), _WALLET),
    "wallet_can_receive": Where(ID, "p_to_wallet_id"),
    **dict.fromkeys(("wallet_find", "wallet_list", "wallet_open"), _OWNER),
    **dict.fromkeys(("wallet_me", "wallet_inspect_user", "wallet_erase_user", "wallet_sign_out_everywhere"), _USER),
    **dict.fromkeys(("wallet_confirm", "wallet_reject"), _NUMBER),
    "wallet_inspect_transaction": Where(ROW, "p_transaction_id"),
    "wallet_inspect_hold": Where(ROW, "p_hold_id"),
    "wallet_assets": Where(ONE),
    **dict.fromkeys(("wallet_sweep", "wallet_open_holds"), Where(SUM)),
    **dict.fromkeys(("wallet_users", "wallet_confirmations", "wallet_verifications"), Where(ALL)),
    **dict.fromkeys(("wallet_verification_runs", "wallet_search", "wallet_trial_balance"), Where(ALL)),
    **dict.fromkeys(("wallet_in_transit", "wallet_names"), Where(ALL)),
    **dict.fromkeys(("wallet_balances", "wallet_batch", "wallet_transfer", "wallet_preview_transfer"), _OWN),
    **dict.fromkeys(("wallet_register", "wallet_require_username", "wallet_export_user"), _OWN),
    **dict.fromkeys(("wallet_locate", "wallet_audit"), _OWN),
    # not here
    **dict.fromkeys(("wallet_credentials", "wallet_highest_cost", "wallet_rehash", "wallet_change_password"), _SIGN_IN),
    **dict.fromkeys(("wallet_sign_in", "wallet_sign_in_failed", "wallet_sign_in_succeeded"), _SIGN_IN),
    **dict.fromkeys(("wallet_principal", "wallet_sign_out", "wallet_demo_accounts"), _SIGN_IN),
    **dict.fromkeys(("wallet_start_session", "wallet_session", "wallet_end_session"), _SECRET),
    **dict.fromkeys(("wallet_create_password_reset", "wallet_require_password_reset"), _SECRET),
    "wallet_reset_password": _SECRET,
    "wallet_revocations": Where(OUT, "needs a cursor for each database"),
    "wallet_recipients": Where(OUT, "looks in one database: wallet_locate finds a name in any"),
    **dict.fromkeys(("wallet_event_mark", "wallet_event_settled", "wallet_event_feed", "wallet_events"), _EVENTS),
    **dict.fromkeys(("wallet_events_by_id", "wallet_fence_holders", "wallet_newest_event"), _EVENTS),
    "wallet_user_events": _EVENTS,
    **dict.fromkeys(("wallet_create_webhook", "wallet_change_webhook", "wallet_delete_webhook"), _WEBHOOK),
    **dict.fromkeys(("wallet_pause_webhook", "wallet_resume_webhook", "wallet_replay_webhook"), _WEBHOOK),
    **dict.fromkeys(("wallet_rotate_webhook_secret", "wallet_retry_dead_letters", "wallet_test_webhook"), _WEBHOOK),
    **dict.fromkeys(("wallet_webhook", "wallet_webhooks", "wallet_webhook_deliveries"), _WEBHOOK),
    "wallet_webhook_dead_letters": _WEBHOOK,
    **dict.fromkeys(("wallet_create_key", "wallet_key", "wallet_keys", "wallet_revoke_key"), _KEY),
    **dict.fromkeys(("wallet_authorize_key", "wallet_note_key_use"), _SIGN_IN),
    **dict.fromkeys(("wallet_relay_backlog", "wallet_relay_events", "wallet_relay_give_secret"), _RELAY),
    **dict.fromkeys(("wallet_relay_progress", "wallet_relay_take", "wallet_relay_webhooks"), _RELAY),
    **dict.fromkeys(("wallet_prune_deliveries", "wallet_outbox", "wallet_receive", "wallet_conclude"), _RELAY),
    **dict.fromkeys(("wallet_erased_outbox", "wallet_erase_received", "wallet_conclude_erasures"), _RELAY),
    **dict.fromkeys(("wallet_outbox_destinations", "wallet_prune"), _RELAY),
    **dict.fromkeys(
        ("wallet_claim_verification", "wallet_start_verification", "wallet_run_verification"), _VERIFICATION
    ),
    **dict.fromkeys(("wallet_note_verification", "wallet_record_verification", "wallet_verify"), _VERIFICATION),
    "wallet_last_verification": _VERIFICATION,
    **dict.fromkeys(("wallet_create_asset", "wallet_set_role", "wallet_join_cluster"), _EVERYWHERE),
    **dict.fromkeys(("wallet_copy_operator", "wallet_set_retention"), _EVERYWHERE),
    **dict.fromkeys(("wallet_record_login", "wallet_remove_login"), _EVERYWHERE),
    "wallet_whoami": Where(OUT, "tells whose a login to one database is"),
    **dict.fromkeys(("wallet_cross_outbox", "wallet_cross_inbox"), _VERIFICATION),
    "wallet_wal_position": Where(OUT, "tells how far the server of one database is"),
    "wallet_redrive": Where(OUT, "repairs one database after it was restored"),
}
"""Every public function. One that is missing stops the command, and a test."""

ALIVE: Final = {
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
READING: Final = ("wallet_balance_at", "wallet_statement", "wallet_preview_transfer", "wallet_trial_balance")
"""Volatile because of what they wait for; they write nothing."""
COPIED: Final = ("username", "number_of", "home_of")
"""Functions of schema wallet that find the database, as they are there."""

# with an empty search_path, so that all names are whole
FUNCTIONS: Final = """
select p.proname as name, pg_get_function_arguments(p.oid) as arguments,
  pg_get_function_identity_arguments(p.oid) as plain_arguments, pg_get_function_result(p.oid) as result,
  p.proretset as is_set, p.provolatile = 'v' as is_volatile, obj_description(p.oid, 'pg_proc') as comment,
  coalesce(p.proargnames[1:p.pronargs], '{}') as names,
  array(
    select distinct coalesce(nullif(t.typelem, 0), t.oid)::oid
    from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]) || p.prorettype) a (type)
    join pg_type t on t.oid = a.type
  ) as types
from pg_proc p
where p.pronamespace = 'public'::regnamespace and p.proowner = 'wallet_owner'::regrole and p.prokind = 'f'
order by p.proname"""
TYPES: Final = """
select format_type(t.oid, null) as name, t.typtype::text as kind, (
  select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by a.attnum)
  from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
) as columns
from pg_type t where t.oid = any ($1::oid[]) and t.typnamespace = 'wallet'::regnamespace order by 1"""
COPIES: Final = """
select pg_get_functiondef(p.oid) from pg_proc p
where p.pronamespace = 'wallet'::regnamespace and p.proname = any ($1::text[])
order by array_position($1::text[], p.proname::text)"""
ROLES: Final = """
select r.rolname::text as name, r.rolcanlogin as can_login,
  exists (select from pg_roles s where s.rolsuper and pg_has_role(r.oid, s.oid, 'member')) as is_super
from pg_roles r where r.rolname = any ($1::text[])"""


@dataclass(frozen=True)
class Login:
    """A login of the PL/Proxy database, the role that it is in all databases, and that one's password."""

    name: str
    role: str
    password: str | None = None


@click.command()
@click.option("--login", "given", multiple=True, metavar="NAME=ROLE", help="Who is who: repeatable")
@click.option(
    "--logins",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A line NAME=ROLE for each",
)
@click.option("--passwords", is_flag=True, help="With the roles' passwords; without, the proxy's .pgpass has them")
@click.option("--timeout", type=click.IntRange(1, 3600), default=15, show_default=True, help="Seconds of a call")
@click.pass_obj
def proxy(settings: Settings, *, given: tuple[str, ...], file: Path | None, passwords: bool, timeout: int) -> None:
    """Print the SQL that makes an empty database the PL/Proxy door to all databases of PGWALLET_CLUSTER.

    NAME is a login of that database, ROLE the one that it has in the others. No other login gets through, and none as a
    superuser. Apply it again after each change of the map or of pgwallet's version: it replaces what it made before.
    """
    if passwords and sys.stdout.isatty():
        raise CommandError("this would show passwords on the terminal: write to a file, or to psql")
    cluster = map_file.read(settings)
    logins = [_login(text) for text in (*given, *_lines(file))]
    if len({login.name for login in logins}) < len(logins):
        raise CommandError("a login is named twice")
    if passwords:
        logins = [Login(login.name, login.role, _password(login.role, cluster)) for login in logins]
    click.echo(asyncio.run(_script(cluster, logins, timeout)), nl=False)


def _login(text: str) -> Login:
    name, separator, role = (part.strip() for part in text.partition("="))
    # PostgreSQL takes even the quoted word for everybody
    if not separator or not name or not role or "public" in (name.lower(), role.lower()):
        raise CommandError(f"{text!r} is no NAME=ROLE of two logins")
    return Login(name, role)


def _lines(file: Path | None) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file is not None else []
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"the logins cannot be read: {error}") from None
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]


def _password(role: str, cluster: ClusterMap) -> str:
    variable = re.sub(r"[^A-Z0-9]", "_", role.upper()) + "_PASSWORD"
    urls = [url for member in cluster.members for url in (member.api_url, member.relay_url, member.url) if url]
    found = {password for user, password in map(credentials, urls) if user == role and password}
    if password := os.environ.get(variable):
        return password
    if len(found) != 1:
        why = "several passwords" if found else "no password"
        raise CommandError(f"the map has {why} for the role {role}: set {variable}")
    return found.pop()


async def _script(cluster: ClusterMap, logins: list[Login], seconds: int) -> str:
    """Return the SQL. Raises CommandError: a database without address or answer, a role that must not be used."""
    catalog: Catalog | None = None
    for member in cluster.members:
        if member.url is None:
            raise CommandError(f"the map of the cluster: database {member.number} needs url")
        async with connected(member.url) as connection:
            await connection.execute("set search_path = ''")
            await _check_roles(connection, member, logins)
            catalog = catalog or await _catalog(connection)
    if catalog is None:
        raise CommandError("the map of the cluster has no databases")
    return "\n".join(
        [
            *_head(),
            *_helpers(cluster, catalog),
            *_doors(catalog),
            *_server(cluster, catalog, logins, seconds),
            "commit;",
            "",
        ]
    )


async def _check_roles(connection: asyncpg.Connection, member: Member, logins: list[Login]) -> None:
    found = {row["name"]: row for row in await connection.fetch(ROLES, sorted({login.role for login in logins}))}
    for login in logins:
        role = found.get(login.role)
        if role is None or not role["can_login"]:
            raise CommandError(f"database {member.number} has no login {login.role}: create it on all servers")
        if role["is_super"]:
            raise CommandError(
                f"{login.role} is a superuser of database {member.number}, which no login may be: "
                "give administrators a login that is a member of wallet_owner"
            )


@dataclass(frozen=True)
class Catalog:
    """What a database tells about itself."""

    functions: list[Any]
    types: list[Any]
    copied: list[str]


async def _catalog(connection: asyncpg.Connection) -> Catalog:
    functions = await connection.fetch(FUNCTIONS)
    if unknown := [row["name"] for row in functions if row["name"] not in WHERE]:
        raise CommandError(f"the database has {unknown[0]}, which this version of pgwallet does not know")
    if not functions:
        raise CommandError("the database has no functions yet: run `pgwallet migrate`")
    here = [row for row in functions if WHERE[row["name"]].kind != OUT]
    types = await connection.fetch(TYPES, sorted({oid for row in here for oid in row["types"]}))
    if other := [row["name"] for row in types if row["kind"] != "c"]:
        raise CommandError(f"{other[0]} is no composite type: there is no proxy for what uses it")
    copied = [row[0] for row in await connection.fetch(COPIES, list(COPIED))]
    return Catalog(here, types, copied)


def _head() -> list[str]:
    names = ", ".join(_literal(name) for name in sorted(WHERE))
    return [
        "-- Written by `pgwallet proxy`, for a database that has nothing else. Run as a superuser, with ON_ERROR_STOP.",
        # a statement with a password must not be in the log, also when it fails
        "set log_statement = 'none'; set log_min_duration_statement = -1; set log_min_error_statement = 'panic';",
        "set standard_conforming_strings = on; set client_min_messages = warning; set check_function_bodies = on;",
        "begin;",
        f"""do $do$
declare
  v_function regprocedure;
begin
  if to_regclass('wallet.users') is not null then
    raise exception 'this is a pgwallet database: the PL/Proxy functions need a database of their own';
  elsif current_setting('server_encoding') <> 'UTF8' then
    raise exception 'the encoding of the database must be UTF8';
  end if;
  for v_function in
    select p.oid from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname in ({names})
  loop
    execute format('drop function %s', v_function);
  end loop;
end;
$do$;""",
        "drop schema if exists wallet_proxy cascade;",
        "drop schema if exists wallet cascade;",
        "create extension if not exists plproxy;",
        "create schema wallet;",
        "create schema wallet_proxy;",
    ]


def _helpers(cluster: ClusterMap, catalog: Catalog) -> list[str]:
    numbers = [member.number for member in cluster.members]
    cases = " ".join(f"when {number} then {place}" for place, number in enumerate(numbers))
    homes = ", ".join(
        f"({place}, wallet.home_of(p_username, '{{{','.join(map(str, row))}}}'))"
        for place, row in enumerate(reversed(cluster.homes))
    )
    return [
        *(f"create type {row['name']} as ({row['columns']});" for row in catalog.types),
        *(f"{text.rstrip()};" for text in catalog.copied),
        # a number that is none answers like the first database, which knows of nothing there
        f"""create function wallet_proxy.partition_of(p_number smallint) returns integer language sql immutable as $$
  select case p_number {cases} else 0 end
$$;""",
        f"""create function wallet_proxy.numbers() returns smallint[] language sql immutable as $$
  select '{{{",".join(map(str, numbers))}}}'::smallint[]
$$;""",
        f"""create function wallet_proxy.homes_of(p_username text) returns setof smallint language sql immutable as $$
  select h.number from (values {homes}) h (place, number) group by h.number order by min(h.place)
$$;""",
    ]


def _doors(catalog: Catalog) -> list[str]:
    """Return the functions: those of db/proxy, a PL/Proxy function for each call elsewhere, and the public ones."""
    files = {file.stem: file.read_text(encoding="utf-8").strip() for file in sorted(FILES.glob("*.sql"))}
    bodies = {name: text for name, text in files.items() if name.startswith("wallet_")}
    helpers = [text for name, text in files.items() if name not in bodies]
    return [
        *(_remote(row, everywhere=False) for row in catalog.functions if WHERE[row["name"]].kind != SUM),
        *(_remote(row, everywhere=True) for row in catalog.functions if WHERE[row["name"]].kind in (SUM, ALL)),
        *helpers,
        *(_public(row, bodies) for row in catalog.functions),
        *(
            f"comment on function public.{row['name']}({row['plain_arguments']}) is {_literal(row['comment'])};"
            for row in catalog.functions
        ),
    ]


def _remote(row: Any, *, everywhere: bool) -> str:
    """Return the PL/Proxy function that calls one in a partition, or in all of them."""
    name, result = row["name"], row["result"]
    if everywhere and not row["is_set"]:
        result = f"setof {result}"
    arguments = [*([] if everywhere else ["p_partition integer"]), *filter(None, [row["plain_arguments"]])]
    prefix = "all_" if everywhere else ""
    return f"""create function wallet_proxy.{prefix}{name}({", ".join(arguments)}) returns {result}
language plproxy as $$
  cluster 'pgwallet';
  run on {"all" if everywhere else "p_partition"};
  select * from public.{name}({", ".join(row["names"])});
$$;"""


def _public(row: Any, bodies: dict[str, str]) -> str:
    name, where = row["name"], WHERE[row["name"]]
    number = {
        ID: f"wallet.number_of({where.by})",
        ROW: f"wallet_proxy.number_of_row({where.by})",
        ONE: "(wallet_proxy.numbers())[1]",
    }.get(where.kind)
    if name in bodies:
        body = bodies[name]
    elif where.kind == SUM:
        body = f"return (select sum(s) from wallet_proxy.all_{name}({', '.join(row['names'])}) s);"
    else:
        call = f"wallet_proxy.{name}({', '.join(['wallet_proxy.partition_of(v_number)', *row['names']])})"
        result = (
            "perform " if row["result"] == "void" else "return query select * from " if row["is_set"] else "return "
        )
        body = f"{result}{call};"
    if row["is_volatile"] and name not in READING:
        body = f"perform wallet_proxy.require_writable();\n{body}"
    indented = "\n".join(f"  {line}".rstrip() for line in body.splitlines())
    ends = "\n  return;" if row["result"] == "void" else ""
    return f"""create function public.{name}({row["arguments"]}) returns {row["result"]}
language plpgsql {"volatile" if row["is_volatile"] else "stable"}
-- moments are sent as text
set datestyle = 'ISO, MDY'
as $$
#variable_conflict use_column
declare
  v_number smallint{f" := {number}" if number else ""};
  v_detail text;
  v_hint text;
begin
{indented}{ends}
exception when others or query_canceled then
  get stacked diagnostics v_detail = pg_exception_detail, v_hint = pg_exception_hint;
  perform wallet_proxy.fail(sqlstate, sqlerrm, v_detail, v_hint, v_number);
end;
$$;"""


def _server(cluster: ClusterMap, catalog: Catalog, logins: list[Login], seconds: int) -> list[str]:
    """Return the addresses, and who may use them as whom."""
    addresses = [_address(member) for member in cluster.members]
    # a power of two, as old versions need it; an address that comes twice is one connection and is asked once
    count = 1 << (len(addresses) - 1).bit_length()
    partitions = [(f"p{place}", addresses[place] if place < len(addresses) else addresses[0]) for place in range(count)]
    options = _options([("connection_lifetime", "1800"), ("query_timeout", str(seconds)), *partitions])
    functions = ", ".join(f"public.{row['name']}" for row in catalog.functions)
    lines = [
        "drop server if exists pgwallet cascade;",
        f"create server pgwallet foreign data wrapper plproxy options ({options});",
        "revoke all on foreign server pgwallet from public;",
        # PL/Proxy needs USAGE, and with it PostgreSQL lets everybody change a mapping of their own
        "create event trigger pgwallet_mappings on ddl_command_start"
        " when tag in ('CREATE USER MAPPING', 'ALTER USER MAPPING', 'DROP USER MAPPING')"
        " execute function wallet_proxy.keep_mappings();",
        f"revoke all on function {functions} from public;",
        "revoke all on all functions in schema wallet, wallet_proxy from public;",
    ]
    for login in logins:
        name = _identifier(login.name)
        pairs = [("user", login.role), *([("password", login.password)] if login.password else [])]
        lines += [
            f"create user mapping for {name} server pgwallet options ({_options(pairs)});",
            f"grant usage on foreign server pgwallet to {name};",
            f"grant usage on schema public, wallet, wallet_proxy to {name};",
            f"grant execute on function {functions} to {name};",
            f"grant execute on all functions in schema wallet, wallet_proxy to {name};",
            f"select wallet_proxy.limit_calls({_literal(login.name)}, {seconds});",
        ]
    return lines


def _address(member: Member) -> str:
    """Return how the PL/Proxy server connects to a database: the service's address without the login."""
    url = member.api_url or member.url or ""
    found = {name: value for name, value in keywords(url).items() if name not in ("user", "passfile", *SECRET)}
    if not found.get("host", "").startswith("/"):
        # a machine that is gone is noticed before the call's time is up
        found = ALIVE | found
    address = " ".join(f"{name}={_quoted(value)}" for name, value in found.items())
    # PL/Proxy looks for these letters anywhere, and would ignore the user mappings
    if "user=" in address:
        raise CommandError(f"database {member.number}: an address with user= in it cannot be used by PL/Proxy")
    return address


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _options(pairs: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {_literal(value)}" for name, value in pairs)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
