"""What the documents name is there, and what is there is named."""

import re
from collections.abc import Iterable
from dataclasses import fields

import click
import pglast
import pytest

from api import errors
from api.app import create_app
from api.cli import pgwallet
from api.errors import SQLSTATES, Kind, from_postgres
from api.settings import Settings
from tests.database import Database
from tests.docs.markdown import FENCE, ROOT, documents, rows

TEXT = {document.relative_to(ROOT).as_posix(): document.read_text() for document in documents()}
SQLSTATE = re.compile(r"`([0-9A-Z]{5})`")


def unknown(pattern: str, known: Iterable[str]) -> set[str]:
    return {name for text in TEXT.values() for name in re.findall(pattern, text)} - set(known)


def test_every_function_for_callers_is_in_the_table(database: Database) -> None:
    with database.connect(service=True) as service:
        found = service.execute(
            """
            select p.proname, coalesce(array_to_string(p.proargnames[1:p.pronargs], ', '), ''),
              has_function_privilege(p.oid, 'execute')
            from pg_proc p
            where p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_'
            """
        ).fetchall()
    expected = {f"`{name}({arguments})`": "yes" if granted else "no" for name, arguments, granted in found}
    table = [row for row in rows(ROOT / "docs/architecture/database.md") if row[0].startswith("`wallet_")]
    assert {row[0]: row[-1] for row in table} == expected


def test_every_table_is_described(database: Database) -> None:
    with database.connect() as administrator:
        tables = administrator.execute(
            "select relname from pg_class where relnamespace = 'wallet'::regnamespace and relkind = 'r'"
        ).fetchall()
    described = [row[0] for row in rows(ROOT / "docs/architecture/database.md") if row[0].startswith("`wallet.")]
    assert sorted(described) == sorted(f"`wallet.{name}`" for (name,) in tables)


def test_what_bounds_every_table_is_told(database: Database) -> None:
    with database.connect() as administrator:
        tables = administrator.execute(
            """
            select c.relname, exists (select from wallet.retention_rules() r where r.relation = c.relname)
            from pg_class c
            where c.relnamespace = 'wallet'::regnamespace and c.relkind = 'r'
            """
        ).fetchall()
        kept = administrator.execute(
            "select '`PGWALLET_KEEP_' || upper(subject) || '`', coalesce('`' || keep_days || 'd`', '`forever`')"
            " from wallet.retention"
        ).fetchall()
    told = {row[0]: row for row in rows(ROOT / "docs/operations/retention.md") if len(row) == 4}
    assert {name for name in told if name.startswith("`wallet.")} == {f"`wallet.{name}`" for name, _ in tables}
    pruned = {name for name, row in told.items() if "`pgwallet prune`" in row[3]}
    assert pruned == {f"`wallet.{name}`" for name, has_rule in tables if has_rule}
    assert {name: row[1] for name, row in told.items() if name.startswith("`PGWALLET_")} == dict(kept)


def test_every_call_is_in_the_reference() -> None:
    app = create_app(Settings(api_url="postgresql://wallet_api@/none", jwt_secret="a secret of 32 bytes at the least"))
    schema = app.litestar.openapi_schema.to_schema()
    calls = {f"{method.upper()} {path}" for path, methods in schema["paths"].items() for method in methods}
    cells = [row[0] for row in rows(ROOT / "docs/api/reference.md")]
    assert {call for cell in cells for call in re.findall(r"`([A-Z]+ /\S+)`", cell)} == calls


def test_the_table_of_sqlstates_is_that_of_the_service() -> None:
    def answered(sqlstate: str, kind: Kind) -> tuple[str, str, str]:
        known = from_postgres(sqlstate, None, None)
        return str(kind.status), f"`{known.kind.code if known else errors.INTERNAL.code}`", kind.title

    documented = {
        found[1]: tuple(row[1:4]) for row in rows(ROOT / "docs/api/errors.md") if (found := SQLSTATE.fullmatch(row[0]))
    }
    assert documented == {sqlstate: answered(sqlstate, kind) for sqlstate, kind in SQLSTATES.items()}


def test_the_table_of_other_codes_is_that_of_the_service() -> None:
    kinds = {value for value in vars(errors).values() if isinstance(value, Kind) and value.code not in SQLSTATES}
    documented = {
        tuple(row[:3]) for row in rows(ROOT / "docs/api/errors.md") if re.fullmatch(r"\d{3}", row[1]) and len(row) == 5
    }
    assert documented == {(f"`{kind.code}`", str(kind.status), kind.title) for kind in kinds}


def test_the_titles_of_refusals_are_the_messages_of_the_database(database: Database) -> None:
    codes = [code for code in SQLSTATES if code.startswith("WA")]
    with database.connect() as administrator:
        messages = administrator.execute(
            "select c, t.message from unnest(%s::text[]) c left join lateral wallet.error_text(c) t on true", [codes]
        ).fetchall()
    assert dict(messages).keys() == set(codes)
    for code, message in messages:
        assert message.lower() == SQLSTATES[code].title.lower()


def test_every_setting_that_is_named_exists() -> None:
    known = {item.metadata["variable"] for item in fields(Settings)}
    assert unknown(r"\bPGWALLET_[A-Z_]+\b", known) == set()


def test_every_command_that_is_named_exists() -> None:
    assert unknown(r"`(?:\.venv/bin/)?pgwallet ([a-z][\w-]*)", pgwallet.commands) == set()
    table = {row[0] for row in rows(ROOT / "docs/setup/local.md")}
    user = pgwallet.commands["user"]
    assert isinstance(user, click.Group)
    single = (pgwallet.commands.keys() - {"user"}) | {f"user {name}" for name in user.commands}
    assert {f"`pgwallet {name}`" for name in single} <= table


def test_every_target_that_is_named_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert unknown(r"`make ([a-z-]+)", targets) == set()


def test_every_folder_is_in_the_table() -> None:
    found = {
        folder.as_posix()
        for top in ("api", "clients", "db", "tests")
        for file in (ROOT / top).rglob("*.*")
        if "__pycache__" not in file.parts
        for folder in list(file.relative_to(ROOT).parents)[:-1]
    }
    cells = [row[0] for row in rows(ROOT / "docs/development/workflow.md")]
    named = [cell[1] for text in cells if (cell := re.fullmatch(r"\[([\w/]+)\]\(\.\./\.\./\1\)", text))]
    assert sorted(named) == sorted(found)


def test_every_internal_object_that_is_named_exists(database: Database) -> None:
    files = {file.stem for file in (ROOT / "db/functions").rglob("*.sql")}
    with database.connect() as administrator:
        tables_and_types = administrator.execute(
            "select relname from pg_class where relnamespace = 'wallet'::regnamespace and relkind in ('r', 'c', 'S')"
        ).fetchall()
        events = administrator.execute("select split_part(t, '.', 2) from unnest(wallet.event_types()) t").fetchall()
    assert unknown(r"`wallet\.([a-z_]+)\b", files | {name for (name,) in (*tables_and_types, *events)}) == set()


@pytest.mark.parametrize("name", sorted(TEXT))
def test_examples_in_sql_parse(name: str) -> None:
    for block in FENCE.finditer(TEXT[name]):
        if block[1] == "sql":
            pglast.parse_sql(block[2])
