"""Change data capture as its guide tells it: the rows arrive, and nothing secret is among them."""

import re
from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.command import wait_until
from tests.database import Database, own_server
from tests.docs.markdown import FENCE, ROOT, commands, rows
from tests.system.capture.pgoutput import Change, changes

pytestmark = pytest.mark.timeout(120)
GUIDE = ROOT / "docs/guides/change-data-capture.md"
PERSONAL, LOGIN = (block[2] for block in FENCE.finditer(GUIDE.read_text()) if block[1] == "sql")
(PUBLISH,) = (
    block[1]
    for command in commands(GUIDE)
    if (block := re.search(r'"(\nset role wallet_owner;\ncreate publication[^"]+)"', command.text))
)
COLUMNS = """
    select c.oid::regclass::text, a.attname
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'wallet'::regnamespace and c.relkind = 'r'
"""
PUBLISHED = """
    select format('%I.%I', p.schemaname, p.tablename), p.attnames
    from pg_publication_tables p
    where p.pubname = 'wallet_changes'
"""
# Tables for a subscriber, with the published columns alone.
SUBSCRIBED = """
    select format('create table wallet.%I (%s, %s)', p.tablename,
      string_agg(
        format('%I %s', a.attname, replace(a.atttypid::regtype::text, 'wallet.transaction_type', 'text')), ', '
      ),
      (select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'p'))
    from pg_publication_tables p
    join pg_attribute a
      on a.attrelid = format('%I.%I', p.schemaname, p.tablename)::regclass and a.attname = any (p.attnames)
    where p.pubname = 'wallet_changes'
    group by p.tablename, a.attrelid
"""
# What nobody may be sent: values as the stream would have them.
SECRETS = """
    select 'password', u.password_hash from wallet.users u
    union all select 'salt', d.salt::text from wallet.transaction_details d
    union all select 'details', d.hash::text from wallet.transaction_details d
    union all select 'key', k::text from wallet.installation i, unnest(array[i.name_key_inner, i.name_key_outer]) k
    union all select 'webhook', s::text from wallet.webhooks w, unnest(array[w.secret, w.previous_secret]) s
    union all select 'name', r.digest::text from wallet.reserved_names r
    union all select 'token', r.token_hash::text from wallet.password_resets r
    union all select 'try', t.key::text from wallet.sign_in_tries t
    union all select 'session', s.session_hash::text from wallet.sessions s
    union all select 'credential', k.secret_hash::text from wallet.api_keys k
"""
KINDS = {"password", "salt", "details", "key", "webhook", "name", "token", "try", "session", "credential"}


@pytest.fixture(scope="module")
def logical() -> Iterator[Database]:
    """A database on a server with logical decoding, published as the guide tells it."""
    with own_server("wal_level = logical") as (_, database):
        with database.connect() as administrator:
            administrator.execute(PUBLISH.encode())
        yield database


def slot(connection: psycopg.Connection, publication: str) -> None:
    connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", [publication])


def sent(connection: psycopg.Connection, publication: str) -> list[bytes]:
    """Read the slot to its end, and drop it."""
    options = ["proto_version", "4", "publication_names", publication]
    messages = connection.execute(
        "select data from pg_logical_slot_get_binary_changes(%s, null, null, variadic %s::text[])",
        [publication, options],
    ).fetchall()
    connection.execute("select pg_drop_replication_slot(%s)", [publication])
    return [message for (message,) in messages]


def live(connection: psycopg.Connection) -> str:
    """Do a little of everything. Returns the wallet's id."""

    def call(sql: str, *arguments: object) -> str:
        row = connection.execute(sql.encode(), arguments).fetchone()
        assert row is not None
        return str(row[0])

    wallet = call("select wallet_id from wallet_register('dora', 'hash of dora''s password')")
    erased = call("select user_id from wallet_register('fritz', 'hash of fritz''s password')")
    spend, hold = uuid4(), uuid4()
    call("select wallet_topup(%s, gen_random_uuid(), 500, 'her wages', '{\"of\": \"May\"}')", wallet)
    call("select wallet_spend(%s, %s, 70, 'her pills')", wallet, spend)
    call("select wallet_transfer(%s, gen_random_uuid(), 30, p_to_username => 'alice')", wallet)
    call("select wallet_hold(%s, %s, 100, 600, 'her room')", wallet, hold)
    call("select wallet_capture(%s, gen_random_uuid(), %s, 60, true)", wallet, hold)
    call("select wallet_refund(%s, gen_random_uuid(), %s, 20)", wallet, spend)
    call(
        "select wallet_set_limits(%s, '{spend}', '{100}', '{null}', '{null}', p_floor => -10, p_reason => 'dora')",
        wallet,
    )
    call("select wallet_set_status(%s, 'frozen', 'dora asked')", wallet)
    call(
        "select wallet_create_key(null, 'dora''s', sha256('a secret'), 'pgw_dora0000', '{topup}', array[%s::uuid])",
        erased,
    )
    call("select wallet_sign_in_failed('dora', '192.0.2.7')")
    call("select wallet_create_password_reset(%s, sha256('a token'), 'she forgot it')", erased)
    call("select wallet_change_password(%s, 'hash of fritz''s password', 'another hash')", erased)
    call("select wallet_erase_user(%s, 'fritz asked')", erased)
    connection.execute(
        "insert into wallet.webhooks (id, url, secret, previous_secret, position)"
        " values (gen_random_uuid(), 'https://example.com/', 'the secret', 'the one before', 0)"
    )
    call("select wallet_start_session(sha256('a session'), user_id, 0) from wallet_credentials('dora')")
    connection.execute("set session_replication_role = replica")
    connection.execute("update wallet.installation set name_key_inner = sha256('inner')")
    connection.execute("reset session_replication_role")
    call(
        "select wallet_create_password_reset(%s, sha256('another token'), 'she forgot it')",
        call("select user_id from wallet_credentials('dora')"),
    )
    return wallet


def found(secrets: list[tuple[str, str]], messages: list[bytes]) -> set[str]:
    stream = b"\n".join(messages)
    return {kind for kind, value in secrets if value and value != "erased" and value.encode() in stream}


def test_every_column_is_published_or_left_out_for_a_reason(logical: Database) -> None:
    with logical.connect() as administrator:
        columns = set(administrator.execute(COLUMNS).fetchall())
        published = {
            (table, column) for table, names in administrator.execute(PUBLISHED).fetchall() for column in names
        }
    left_out = set()
    for tables, names, why in (row for row in rows(GUIDE) if row[0].startswith("`wallet.")):
        assert why
        for table in re.findall(r"`([^`]+)`", tables):
            listed = {(table, column) for column in re.findall(r"`([^`]+)`", names)}
            left_out |= listed or {column for column in columns if column[0] == table}
    assert published & left_out == set()
    assert published | left_out == columns


def test_the_rows_arrive_and_nothing_secret_is_among_them(logical: Database) -> None:
    with logical.connect() as administrator:
        administrator.execute("create publication everything for tables in schema wallet")
        slot(administrator, "wallet_changes")
        slot(administrator, "everything")
        (before,) = administrator.execute("select coalesce(max(id), 0) from wallet.transactions").fetchone() or (0,)
        wallet = live(administrator)
        secrets = administrator.execute(SECRETS).fetchall()
        messages, whole = sent(administrator, "wallet_changes"), sent(administrator, "everything")
        administrator.execute("drop publication everything")

        assert found(secrets, whole) >= KINDS, "the secrets were changed meanwhile, and are looked for rightly"
        assert b"her pills" in b"".join(whole)
        assert found(secrets, messages) == set()
        for text in (b"dora", b"fritz", b"her wages", b"her pills", b"her room", b"May", b"192.0.2.7", b"example.com"):
            assert text not in b"\n".join(messages)

        arrived = list(changes(messages))
        assert written(administrator, "transactions", f"id > {before}") == inserted(arrived, "transactions")
        assert written(administrator, "ledger", f"transaction_id > {before}") == inserted(arrived, "ledger")
        assert written(administrator, "refunds", f"transaction_id > {before}") == inserted(arrived, "refunds")
        states = [one.row["status"] for one in arrived if one.table == "wallet.wallets" and one.row["id"] == wallet]
        assert states[-1] == "frozen"
        assert any(one.table == "wallet.users" and one.kind == "U" and one.row["erased_at"] for one in arrived)
        entries = [one.row for one in arrived if one.table == "wallet.ledger" and one.row["wallet_id"] == wallet]
        assert [entry["seq"] for entry in entries] == [str(place) for place in range(1, len(entries) + 1)]


def written(connection: psycopg.Connection, table: str, condition: str) -> list[dict[str, str | None]]:
    """The rows as they are stored, with what is published of them as text."""
    names = next(names for name, names in connection.execute(PUBLISHED).fetchall() if name == f"wallet.{table}")
    columns = ", ".join(f"{name}::text" for name in names)
    found = connection.execute(f"select {columns} from wallet.{table} where {condition} order by ctid".encode())
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def inserted(arrived: list[Change], table: str) -> list[dict[str, str | None]]:
    return [one.row for one in arrived if one.kind == "I" and one.table == f"wallet.{table}"]


def test_a_subscription_copies_what_there_is_and_follows(logical: Database) -> None:
    postgres_server = logical.server
    with logical.connect() as administrator, postgres_server.database("postgres").connect() as postgres:
        administrator.execute("select pg_create_logical_replication_slot('warehouse', 'pgoutput')")
        postgres.execute("create database warehouse")
        with postgres_server.database("warehouse").connect() as warehouse:
            warehouse.execute("create schema wallet")
            for (table,) in administrator.execute(SUBSCRIBED).fetchall():
                warehouse.execute(table)
            address = f"host={postgres_server.host} port={postgres_server.port}"
            source = f"{address} user=postgres dbname={logical.name}"
            warehouse.execute(
                f"create subscription warehouse connection '{source}' publication wallet_changes"
                " with (create_slot = false, slot_name = 'warehouse')".encode()
            )
            try:
                user, wallet = administrator.execute(
                    "select user_id, wallet_id from wallet_register('ida', 'hash')"
                ).fetchone() or ("", "")
                hold = uuid4()
                administrator.execute("select wallet_topup(%s, gen_random_uuid(), 5, 'her gift')", [wallet])
                administrator.execute("select wallet_hold(%s, %s, 100)", [wallet, hold])
                administrator.execute("select wallet_capture(%s, gen_random_uuid(), %s, 60)", [wallet, hold])
                administrator.execute("select wallet_set_status(%s, 'frozen', 'a test')", [wallet])
                administrator.execute("select wallet_erase_user(%s, 'a test')", [user])
                wait_until(lambda: rows_of(warehouse, administrator) == rows_of(administrator, administrator))
            finally:
                warehouse.execute("drop subscription warehouse")
        postgres.execute("drop database warehouse with (force)")


def rows_of(connection: psycopg.Connection, administrator: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    """All published values, by table."""
    tables = administrator.execute(PUBLISHED).fetchall()
    return {
        table: connection.execute(
            f"select {', '.join(f'{name}::text' for name in names)} from {table} order by 1, 2, 3".encode()
        ).fetchall()
        for table, names in tables
    }


def test_personal_columns_follow_an_erasure_where_they_are_published(logical: Database) -> None:
    with logical.connect() as administrator:
        administrator.execute(f"{PERSONAL} reset role".encode())
        slot(administrator, "wallet_changes")
        administrator.execute("select wallet_register('greta', 'hash')")
        user, wallet = (
            administrator.execute("select user_id, wallet_id from wallet_credentials('greta')").fetchone() or ()
        )
        administrator.execute("select wallet_topup(%s, gen_random_uuid(), 5, 'her gift')", [wallet])
        administrator.execute("select wallet_erase_user(%s, 'a test')", [user])
        arrived = list(changes(sent(administrator, "wallet_changes")))
    names = [one.row["username"] for one in arrived if one.table == "wallet.users" and one.row["id"] == str(user)]
    assert names[0] == "greta"
    assert str(names[-1]).startswith("erased-")
    details = [one.row["reference"] for one in arrived if one.table == "wallet.transaction_details"]
    assert (details[0], details[-1]) == ("her gift", None)


def test_the_login_reads_what_is_published_and_no_other_column(logical: Database) -> None:
    with logical.connect() as administrator:
        published = administrator.execute(PUBLISHED).fetchall()
        administrator.execute(LOGIN.encode())
        try:
            administrator.execute("set role warehouse")
            for table, names in published:
                administrator.execute(f"select {', '.join(names)} from {table} limit 1".encode())
            for forbidden in ("password_hash from wallet.users", "salt from wallet.transaction_details"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    administrator.execute(f"select {forbidden}".encode())
            administrator.execute("reset role")
        finally:
            administrator.execute("drop owned by warehouse")
            administrator.execute("drop role warehouse")


def test_the_publication_is_no_wall(logical: Database) -> None:
    with logical.connect() as administrator:
        administrator.execute("create role curious login replication")
        try:
            administrator.execute("set role curious")
            administrator.execute("select pg_create_logical_replication_slot('curious', 'test_decoding')")
            administrator.execute("reset role")
            administrator.execute("select wallet_register('hanna', 'hash of hanna''s password')")
            administrator.execute("set role curious")
            seen = administrator.execute(
                "select data from pg_logical_slot_get_changes('curious', null, null)"
            ).fetchall()
            administrator.execute("select pg_drop_replication_slot('curious')")
            administrator.execute("reset role")
        finally:
            administrator.execute("drop role curious")
    assert any("hash of hanna" in data for (data,) in seen)


def test_a_published_column_cannot_be_dropped_unawares(logical: Database) -> None:
    with logical.connect() as administrator, pytest.raises(psycopg.errors.DependentObjectsStillExist):
        administrator.execute("alter table wallet.limits drop column per_day")
