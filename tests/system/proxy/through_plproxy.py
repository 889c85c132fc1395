"""`make test-proxy`: what goes through PL/Proxy is answered as the databases answer."""

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from api.cluster.proxy import ALL, ID, OUT, ROW, SUM, WHERE
from api.cluster_map import home_of, number_of
from tests.command import wait_until
from tests.system.proxy.plproxy import ARGUMENTS, CALLS, HOMES, LOGINS, Door, cluster

HASH = "$2b$04$abcdefghijklmnopqrstuuK1Zc3rXkC7Jq8v5m6wXo3Jx8nq0nZ2e"
NUMBERS = (0, 1, 2)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with cluster() as made:
        yield made


def name_in(number: int, word: str) -> str:
    """A name whose home is this database."""
    return next(
        name for name in (f"{word}{count}" for count in range(1000)) if home_of(name, tuple(HOMES[-1])) == number
    )


def unknown_in(number: int) -> UUID:
    """An id that only this database would know."""
    return UUID(int=(uuid4().int & ~(15 << 76) | 8 << 76) >> 12 << 12 | number)


Answer = tuple[str, Any]


def ask(connection: psycopg.Connection, query: str, parameters: Sequence[Any] = ()) -> Answer:
    """The rows, or what is told about the error, with DETAIL read as JSON where it is some."""
    try:
        return "rows", connection.execute(query.encode(), parameters).fetchall()
    except psycopg.Error as error:
        told = error.diag
        detail: Any = told.message_detail
        with contextlib.suppress(TypeError, ValueError):
            detail = json.loads(detail)
        return "error", (told.sqlstate, told.message_primary, detail, told.message_hint)


def plain(answer: Answer, drawn: frozenset[str], columns: list[str]) -> Answer:
    """The answer without what is drawn anew for each call: moments, numbers of rows, and what is made of them."""
    if answer[0] == "error":
        return answer
    hidden = {place for place, column in enumerate(columns) if column in drawn}
    return "rows", [
        tuple(
            "drawn"
            if value is not None and (place in hidden or isinstance(value, datetime))
            else {key: found for key, found in value.items() if key not in ("id", "created_at", "read_at")}
            if isinstance(value, dict)
            else value
            for place, value in enumerate(row)
        )
        for row in answer[1]
    ]


def first(connection: psycopg.Connection, query: str, *values: Any) -> tuple[Any, ...]:
    """The first row."""
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None, query
    return row


class Users:
    """In each database two users, and one of everything that a call can be about."""

    def __init__(self, door: Door) -> None:
        self.names: dict[int, str] = {}
        self.users: dict[int, UUID] = {}
        self.wallets: dict[int, UUID] = {}
        self.others: dict[int, UUID] = {}
        self.facts: dict[int, dict[str, Any]] = {}
        for number in NUMBERS:
            with door.member(number) as database:
                for word, wallets in (("alice", self.wallets), ("bob", self.others)):
                    name = name_in(number, word)
                    user, wallet = first(database, "select user_id, wallet_id from wallet_register(%s, %s)", name, HASH)
                    wallets[number] = wallet
                    if word == "alice":
                        self.names[number], self.users[number] = name, user
                wallet = self.wallets[number]
                txns = {word: uuid4() for word in ("spend", "hold", "other_hold", "waiting", "unwanted")}

                def one(query: str, *values: Any, on: psycopg.Connection = database) -> Any:
                    return first(on, query, *values)[0]

                spent = one("select id from wallet_spend(%s, %s, 20, 'order')", wallet, txns["spend"])
                receipt = one("select receipt from wallet_entry(%s, %s)", wallet, spent)
                operator = one("select user_id from wallet_register(%s, %s)", name_in(number, "olga"), HASH)
                database.execute("select wallet_set_role(%s, 'operator')", (name_in(number, "olga"),))
                for word in ("hold", "other_hold"):
                    database.execute("select wallet_hold(%s, %s, 10)", (wallet, txns[word]))
                hold = one("select min(id) from wallet_holds(%s)", wallet)
                propose = "select id from wallet_propose('adjustment', %s, %s, null, 5, 'a test', null, null, 0, %s)"
                waiting = one(propose, wallet, txns["waiting"], operator)
                unwanted = one(propose, wallet, txns["unwanted"], operator)
                self.facts[number] = {
                    **txns,
                    "spent": spent,
                    "receipt": receipt,
                    "hold_id": hold,
                    "waiting_id": waiting,
                    "operator": operator,
                    "unwanted_id": unwanted,
                }


@pytest.fixture(scope="module")
def users(door: Door) -> Users:
    return Users(door)


MORNING = datetime.fromisoformat("2026-11-12T10:00:00+00:00")


def values(users: Users, number: int) -> dict[str, Any]:
    """What each parameter is in a call that is about this database; others keep their defaults."""
    facts = users.facts[number]
    return {
        "p_wallet_id": users.wallets[number],
        "p_owner_id": users.users[number],
        "p_user_id": users.users[number],
        "p_to_wallet_id": users.others[number],
        "p_username": users.names[number],
        "p_query": users.names[number],
        "p_txn_id": uuid4(),
        "p_amount": 1,
        "p_asset": "UC",
        "p_field": "to_wallet_id",
        "p_at": MORNING,
        "p_from": MORNING,
        "p_to": MORNING + timedelta(days=1),
        "p_points": 2,
        "p_reason": "a test",
        "p_status": "frozen",
        "p_hold_txn_id": facts["hold"],
        "p_original_txn_id": facts["spend"],
        "p_txn_ids": [facts["spend"], uuid4()],
        "p_transaction_id": facts["spent"],
        "p_hold_id": facts["hold_id"],
        "p_id": facts["waiting_id"],
        "p_receipt": facts["receipt"],
        "p_password_hash": HASH,
        "p_type": "adjustment",
        "p_four_eyes": 0,
        "p_reference": "a test",
        "p_metadata": '{"a": [1, "ü"]}',
        "p_effective_at": MORNING,
        "p_kinds": ["spend"],
        "p_per_transaction": [100],
        "p_per_day": [200],
        "p_per_30_days": [None],
        "p_floor": -5,
        "p_wallet_ids": [users.wallets[number], users.others[number]],
        "p_types": ["topup", "spend"],
        "p_amounts": [3, 4_000_000],
        "p_usernames": [users.names[number]],
        "p_limit": 10,
        "p_final": True,
    }


# where a value above is wrong
BESIDE: dict[str, dict[str, Any]] = {
    "wallet_holds": {"p_status": "open"},
    "wallet_inspect_holds": {"p_status": "open"},
    "wallet_confirmations": {"p_status": "waiting"},
    "wallet_open": {"p_asset": "EUR"},
    "wallet_entries": {"p_type": None, "p_from": None, "p_to": None, "p_reference": "order"},
    "wallet_inspect_entries": {"p_type": None, "p_from": None, "p_to": None, "p_reference": None},
    "wallet_propose": {"p_original_txn_id": None},
    "wallet_in_transit": {},
    "wallet_register": {"p_username": "somebody-new"},
    "wallet_require_username": {"p_username": "somebody-new"},
    "wallet_trial_balance": {"p_at": None},
}
READS_TXN = ("wallet_transaction", "wallet_verify_receipt", "wallet_find_request")
DRAWN = frozenset({"id", "transaction_id", "receipt", "oldest_seconds"})
NEW = {"wallet_open": frozenset({"wallet_id"}), "wallet_register": frozenset({"wallet_id", "user_id"})}
NEW["wallet_erase_user"] = frozenset({"username"})


def call(door: Door, users: Users, name: str, number: int, **changes: Any) -> tuple[str, list[Any]]:
    """The call of a function, by the names of its arguments, and their values."""
    names, kinds = first(
        door.session(0, "wallet_clerk"),
        "select coalesce(proargnames[1:pronargs], '{}'), proargtypes::regtype[]::text[] from pg_proc"
        " where pronamespace = 'public'::regnamespace and proname = %s",
        name,
    )
    given = values(users, number)
    if name in READS_TXN:
        given["p_txn_id"] = users.facts[number]["spend"]
    if name == "wallet_recorded":
        given["p_txn_ids"] = [users.facts[number]["spend"], uuid4()]
    elif name == "wallet_reject":
        given["p_id"] = users.facts[number]["unwanted_id"]
    elif name == "wallet_void":
        given["p_hold_txn_id"] = users.facts[number]["other_hold"]
    elif name == "wallet_propose":
        given["p_actor"] = users.facts[number]["operator"]
    elif name == "wallet_batch":
        given |= {"p_txn_ids": [uuid4(), uuid4()], "p_metadata": None, "p_effective_at": None, "p_to_usernames": None}
    given |= BESIDE.get(name, {}) | changes
    if name == "wallet_audit":
        given |= {"p_wallet_id": None}
    used = [(key, kind) for key, kind in zip(names, kinds, strict=True) if key in given]
    arguments = ", ".join(f"{key} => %s::{kind}" for key, kind in used)
    return f"select * from {name}({arguments})", [given[key] for key, _ in used]


HERE = sorted(name for name, where in WHERE.items() if where.kind != OUT)
BY_DATABASE = [name for name in HERE if WHERE[name].kind not in (SUM, ALL)]


def both(door: Door, query: str, parameters: list[Any], number: int, login: str) -> tuple[Answer, Answer, list[str]]:
    """What the database answers, which then forgets it, and what the door answers."""
    database = door.session(number, LOGINS[login])
    columns: list[str] = []
    with database.transaction(force_rollback=True):
        found = database.cursor()
        try:
            direct: Answer = "rows", found.execute(query.encode(), parameters).fetchall()
            columns = [column.name for column in found.description or ()]
        except psycopg.Error:
            direct = "error", None
    if direct[0] == "error":
        direct = ask(database, query, parameters)
    return direct, ask(door.session(None, login), query, parameters), columns


@pytest.mark.parametrize("name", BY_DATABASE)
def test_each_function_answers_as_the_database(door: Door, users: Users, name: str) -> None:
    for number in NUMBERS:
        changes = {}
        if name == "wallet_register":
            changes["p_username"] = name_in(number, "new")
        elif name == "wallet_erase_user":
            with door.member(number) as database:
                gone = first(database, "select user_id from wallet_register(%s, %s)", name_in(number, "gone"), HASH)
                changes["p_user_id"] = gone[0]
        query, parameters = call(door, users, name, number, **changes)
        direct, through, columns = both(door, query, parameters, number, "clerk")
        assert direct[0] == "rows", (query, direct)
        drawn = DRAWN | NEW.get(name, frozenset())
        assert plain(through, drawn, columns) == plain(direct, drawn, columns), query
        if name in ("wallet_set_status", "wallet_set_limits"):
            with door.member(number) as database:
                database.execute("select wallet_set_status(%s, 'active', 'again')", (users.wallets[number],))
                database.execute("select wallet_set_limits(%s)", (users.wallets[number],))


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("name", BY_DATABASE)
def test_each_function_refuses_as_the_database(door: Door, users: Users, name: str, login: str) -> None:
    number = 1
    changes: dict[str, Any] = {"p_amount": -1, "p_limit": 0, "p_username": name_in(number, "missing"), "p_reason": ""}
    changes |= {key: unknown_in(number) for key in ("p_wallet_id", "p_owner_id", "p_user_id", "p_to_wallet_id")}
    changes |= dict.fromkeys(("p_transaction_id", "p_hold_id", "p_id"), (number << 40) + 999999)
    if name in ("wallet_register", "wallet_require_username"):
        changes["p_username"] = users.names[number]
    query, parameters = call(door, users, name, number, **changes)
    direct, through, columns = both(door, query, parameters, number, login)
    if direct[0] == "error" and direct[1][0] == "42501":
        assert through[1][0] in ("42501", "0A000")
    else:
        assert plain(through, DRAWN, columns) == plain(direct, DRAWN, columns), query
    # an id that is missing is refused by the first database
    if WHERE[name].kind in (ID, ROW):
        query, parameters = call(door, users, name, 0, **{WHERE[name].by: None})
        direct, through, columns = both(door, query, parameters, 0, login)
        assert through == direct


def test_users_of_all_databases_come_newest_first(door: Door, users: Users) -> None:
    del users
    with door.connect() as through:
        everybody = through.execute("select * from wallet_users(1000)").fetchall()
        pages, before = [], None
        while True:
            page = through.execute("select * from wallet_users(2, %s)", (before,)).fetchall()
            pages += page
            before = page[-1][0]
            if page[-1][-1]:
                break
    assert pages == everybody
    assert [row[-1] for row in everybody] == [False] * (len(everybody) - 1) + [True]
    found = [row[:-1] for number in NUMBERS for row in _all(door, number, "select * from wallet_users(1000)")]
    assert [row[:-1] for row in everybody] == sorted(found, key=lambda row: row[0], reverse=True)
    assert {number_of(row[0]) for row in everybody} == set(NUMBERS)


def _all(door: Door, number: int, query: str) -> list[tuple[Any, ...]]:
    with door.member(number) as database:
        return database.execute(query.encode()).fetchall()


@pytest.mark.parametrize(
    "query",
    [
        "select * from wallet_confirmations()",
        "select * from wallet_verifications()",
        "select * from wallet_verification_runs()",
        "select * from wallet_search('alice')",
    ],
)
def test_lists_are_merged(door: Door, users: Users, query: str) -> None:
    for number in NUMBERS:
        with door.member(number) as database:
            database.execute("select wallet_record_verification(0, 1)")
            database.execute("select wallet_start_verification(wallet_claim_verification())")
    del users
    with door.connect() as through:
        merged = through.execute(query.encode()).fetchall()
    found = [row for number in NUMBERS for row in _all(door, number, query)]
    assert len(found) >= len(NUMBERS)
    assert sorted(merged, key=repr) == sorted(found, key=repr)


def test_names_and_what_is_in_transit_are_of_all_databases(door: Door, users: Users) -> None:
    wallets = [users.wallets[number] for number in NUMBERS]
    with door.connect() as through:
        named = ask(through, "select username from wallet_names(%s)", ([*wallets, uuid4()],))
        assert sorted(named[1]) == sorted((users.names[number],) for number in NUMBERS)
        for sender, recipient in ((0, 1), (2, 1)):
            sent = (users.others[sender], uuid4(), users.wallets[recipient])
            through.execute("select wallet_transfer(%s, %s, 7, p_to_wallet_id => %s)", sent)
        query = "select destination, asset, pending, amount from wallet_in_transit()"
        merged = through.execute(query.encode()).fetchall()
    expected: dict[tuple[int, str], list[Any]] = {}
    for number in NUMBERS:
        for destination, asset, pending, amount in _all(door, number, query):
            sums = expected.setdefault((destination, asset), [0, 0])
            sums[0] += pending
            sums[1] += amount
    assert merged == sorted((*key, *sums) for key, sums in expected.items())
    assert (1, "UC") in expected


def test_a_list_has_no_more_than_the_limit_and_one_page(door: Door, users: Users) -> None:
    del users
    with door.connect() as through:
        assert len(through.execute("select * from wallet_confirmations(p_limit => 2)").fetchall()) == 2
        for query in ("wallet_confirmations", "wallet_verifications", "wallet_verification_runs"):
            refused = ask(through, f"select * from {query}(p_before_id => 5)")
            assert refused[1][:2] == ("0A000", "a list of all databases has its newest page only")
        refused = ask(through, "select * from wallet_audit()")
        assert refused[1][:2] == ("0A000", "the record of all databases has no pages here")


def test_sums_are_of_all_databases(door: Door, users: Users) -> None:
    del users
    with door.connect() as through:
        balance = through.execute("select account, entries, balance from wallet_trial_balance('UC')").fetchall()
        holds = sum(_all(door, number, "select wallet_open_holds()")[0][0] for number in NUMBERS)
        assert ask(through, "select wallet_open_holds()") == ("rows", [(holds,)])
        assert ask(through, "select wallet_sweep()") == ("rows", [(0,)])
    expected: dict[str, list[Any]] = {}
    for number in NUMBERS:
        for account, entries, amount in _all(
            door, number, "select account, entries, balance from wallet_trial_balance('UC')"
        ):
            sums = expected.setdefault(account, [0, 0])
            sums[0] += entries
            sums[1] += amount
    assert balance == sorted((account, *sums) for account, sums in expected.items())
    assert sum(row[2] for row in balance) == 0


def test_a_batch_over_all_databases_keeps_its_order(door: Door, users: Users) -> None:
    numbers = [2, 0, 1, 0, 2, 2, 1]
    wallets = [users.others[number] for number in numbers]
    amounts = [1, 2, 3, 4_000_000, 5, 6, 7]
    types = ["topup", "spend", "topup", "spend", "spend", "topup", "topup"]
    txns = [uuid4() for _ in numbers]
    query = (
        "select ordinal, outcome, wallet_id, txn_id, amount, balance, detail, hint, replayed"
        " from wallet_batch(%s, %s, %s, %s, p_references => %s)"
    )
    references = ["ü", None, 'a "b"', "c,d", "{}", "", None]
    with door.connect() as through:
        rows = through.execute(query, (types, wallets, txns, amounts, references)).fetchall()
        again = through.execute(query, (types, wallets, txns, amounts, references)).fetchall()
        balances = through.execute("select * from wallet_balances(%s)", (wallets,)).fetchall()
    assert [row[0] for row in rows] == list(range(1, 8))
    assert [row[2] for row in rows] == wallets
    assert [row[3] for row in rows] == txns
    assert [row[1] for row in rows] == ["ok", "ok", "ok", "WA003", "ok", "WA002", "ok"]
    assert rows[3][6]["requested"] == 4_000_000
    assert [row[1] for row in again] == ["replayed", "replayed", "replayed", "WA003", "replayed", "WA002", "replayed"]
    assert [row[0] for row in balances] == list(range(1, 8))
    assert [row[1] for row in balances] == wallets
    # one after the other, as their wallet's database did them
    assert rows[4][5] == rows[0][5] - 5 == balances[0][4]


@pytest.mark.parametrize(
    "changes",
    [
        {"p_txn_ids": "'{}'"},
        {"p_amounts": "array[1]"},
        {"p_amounts": "null"},
        {"p_types": "'[0:1]={topup,topup}'"},
        {"p_metadata": "'{}'"},
        {"p_references": "array[array['a', 'b']]"},
        {"p_actors": "array[null::uuid]"},
        {"p_key_ids": "array[null::uuid]"},
    ],
)
def test_a_batch_of_a_wrong_shape_is_refused_as_by_the_database(
    door: Door, users: Users, changes: dict[str, str]
) -> None:
    arguments = {
        "p_types": "array['topup', 'topup']",
        "p_wallet_ids": f"array['{users.others[0]}', '{users.others[1]}']::uuid[]",
        "p_txn_ids": "array[gen_random_uuid(), gen_random_uuid()]",
        "p_amounts": "array[1, 2]",
    } | changes
    query = f"select * from wallet_batch({', '.join(f'{name} => {value}' for name, value in arguments.items())})"
    direct, through, _ = both(door, query, [], 0, "clerk")
    assert direct[0] == "error"
    assert through == direct


def test_keys_are_judged_by_the_database_of_each_item(door: Door, users: Users) -> None:
    key = uuid4()
    owners: list[UUID] = []
    make = "select wallet_create_key(%s, 'a key', sha256(%s::text::bytea), 'pgw_12345678', %s, p_all_users => true)"
    for number in range(3):
        database = door.session(number, "wallet_clerk")
        owners += first(database, "select owner_id from wallet.wallets where id = %s", users.others[number])
        database.execute(make.encode(), (key, str(key), ["read", "topup", "transfer"]))
    door.session(2, "wallet_clerk").execute("select wallet_revoke_key(%s)", (key,))
    numbers = [2, 0, 1, 0]
    wallets, actors = ([found[number] for number in numbers] for found in (users.others, owners))
    batch = "select outcome from wallet_batch(%s, %s, %s, %s, p_actors => %s, p_key_ids => %s)"
    done = (["topup"] * 4, wallets, [uuid4() for _ in numbers], [1] * 4, actors, [key, key, key, None])
    with door.connect() as through:
        assert ask(through, batch, done) == ("rows", [("WA047",), ("ok",), ("ok",), ("ok",)])
        read = "select ordinal from wallet_balances(%s, %s, p_key_ids => %s)"
        assert ask(through, read, (wallets, actors, [key] * 4)) == ("rows", [(2,), (3,), (4,)])
        sent = "select amount from wallet_transfer(%s, %s, 1, p_to_username => %s, p_actor => %s, p_key_id => %s)"
        by_name = (users.others[0], uuid4(), users.names[1], owners[0], key)
        assert ask(through, sent, by_name) == ("rows", [(1,)])
        refused = ask(through, "select wallet_balance(%s, %s, %s)", (users.others[2], owners[2], key))
        assert refused[1][:2] == ("WA047", "key does not allow this")


def test_a_batch_or_list_that_is_too_long_is_refused_as_by_the_database(door: Door, users: Users) -> None:
    wallets = [users.others[place % 3] for place in range(1001)]
    query = (
        "select * from wallet_batch(array_fill('topup'::text, array[1001]), %s,"
        " array_fill(gen_random_uuid(), array[1001]), array_fill(1::bigint, array[1001]))"
    )
    for asked in (query, "select * from wallet_balances(%s)"):
        direct, through, _ = both(door, asked, [wallets], 0, "clerk")
        assert direct[0] == "error"
        assert through == direct


def test_a_batch_sends_to_wallets_anywhere_but_to_names_of_the_senders_database(door: Door, users: Users) -> None:
    batch = "wallet_batch(array['transfer'], %s, array[gen_random_uuid()], array[1], p_to_{} => %s)"
    with door.connect() as through:
        sent = ask(through, f"select outcome from {batch.format('wallet_ids')}", ([users.others[1]], [users.others[2]]))
        assert sent == ("rows", [("ok",)])
        refused = ask(through, f"select * from {batch.format('usernames')}", ([users.others[1]], [users.names[2]]))
        assert refused[1][:2] == ("0A000", "a batch sends to names of the sender's database only")


def test_a_transfer_goes_to_names_and_wallets_of_other_databases(door: Door, users: Users) -> None:
    txn, query = uuid4(), "select amount, replayed from wallet_transfer(%s, %s, 7, p_to_username => %s)"
    with door.connect() as through:
        assert ask(through, query, (users.others[0], txn, users.names[1])) == ("rows", [(7, False)])
        assert ask(through, query, (users.others[0], txn, users.names[1])) == ("rows", [(7, True)])
        delivery = ask(through, "select * from wallet_deliveries(%s, %s)", (users.others[0], [txn]))
        assert delivery == ("rows", [(txn, "pending", None)])
        # what the recipient's database refuses leaves the money where it is
        through.execute("select wallet_set_status(%s, 'closed', 'a test')", (self_made := _empty(door, 1),))
        before = ask(through, "select balance from wallet_balance(%s)", (users.others[0],))
        refused = ask(
            through,
            "select * from wallet_transfer(%s, %s, 7, p_to_wallet_id => %s)",
            (users.others[0], uuid4(), self_made),
        )
        assert refused[1][0] == "WA013"
        assert refused[1][2] == {"field": "to_wallet_id", "wallet_id": str(self_made)}
        assert ask(through, "select balance from wallet_balance(%s)", (users.others[0],)) == before
        missing = ask(through, query, (users.others[0], uuid4(), name_in(1, "nobody")))
        assert missing[1][0] == "WA009"
        refused = ask(
            through,
            "select * from wallet_preview_transfer(%s, %s, 7, p_to_username => %s)",
            (users.others[0], uuid4(), users.names[1]),
        )
        assert refused[1][:2] == ("0A000", "a transfer to another database has no preview here")
    with door.connect("shop") as shop:
        actor = ("rows", [(7, False)])
        with door.member(0) as database:
            owner = (
                database.execute("select user_id from wallet_inspect_wallet(%s)", (users.others[0],)).fetchone()
                or (None,)
            )[0]
        refused = ask(shop, f"{query[:-1]}, p_actor => %s)", (users.others[0], uuid4(), users.names[1], owner))
        assert refused[1][:2] == ("0A000", "this login may not look up names of other databases")
        to_wallet = "select amount, replayed from wallet_transfer(%s, %s, 7, p_to_wallet_id => %s, p_actor => %s)"
        assert ask(shop, to_wallet, (users.others[0], uuid4(), users.wallets[1], owner)) == actor


def _empty(door: Door, number: int) -> UUID:
    """A wallet without money."""
    with door.member(number) as database:
        name = name_in(number, f"e{uuid4().hex[:8]}")
        wallet: UUID = first(database, "select wallet_id from wallet_register(%s, %s)", name, HASH)[0]
        database.execute("select wallet_spend(%s, %s, 1000)", (wallet, uuid4()))
    return wallet


def test_who_is_not_named_is_refused(door: Door, users: Users) -> None:
    query = "select * from wallet_balance(%s)"
    with door.connect("nobody") as nobody, door.proxy.connect() as superuser:
        for kind in HERE:
            asked = call(door, users, kind, 0)
            assert ask(nobody, *asked)[1][:2] == ("42501", f"permission denied for function {kind}")
        assert (
            ask(nobody, "select * from wallet_proxy.wallet_balance(0, %s, null)", (users.wallets[0],))[1][0] == "42501"
        )
        assert ask(superuser, query, (users.wallets[0],))[1][0] == "42704"
        mapped = superuser.execute("select usename from pg_user_mappings").fetchall()
        assert sorted(mapped) == sorted((login,) for login in LOGINS)
        assert superuser.execute("select from pg_proc where prosecdef and proname ~ '^wallet'").fetchall() == []
        granted = superuser.execute(
            "select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            " where (p.proname like 'wallet%%' or n.nspname like 'wallet%%')"
            " and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))"
        ).fetchall()
        assert granted == []


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_is_its_role_and_stays_it(door: Door, users: Users, login: str) -> None:
    query = "select wallet_verify_receipt(%s, %s, 'x')"
    with door.connect(login) as through:
        answer = ask(through, query, (users.wallets[0], users.facts[0]["spend"]))
        if login == "clerk":
            assert answer[0] == "rows"
        changed = ask(through, f"alter user mapping for {login} server pgwallet options (set user 'wallet_clerk')")
        assert changed[1][:2] == ("42501", "only a superuser changes who is who in the databases")
        assert ask(through, "drop user mapping for current_user server pgwallet")[1][0] == "42501"
    for number in NUMBERS:
        with door.member(number, LOGINS[login]) as database:
            is_super, is_owner = first(
                database,
                "select r.rolsuper, pg_has_role(session_user, 'wallet_owner', 'member')"
                " from pg_roles r where r.rolname = session_user",
            )
        assert not is_super
        assert is_owner == (login == "clerk")


def test_the_command_refuses_whoever_must_not_get_through(door: Door) -> None:
    refusals = {
        "all=wallet_nobody": "database 0 has no login wallet_nobody: create it on all servers",
        "all=wallet_owner": "database 0 has no login wallet_owner: create it on all servers",
        "all=postgres": "postgres is a superuser of database 0, which no login may be: "
        "give administrators a login that is a member of wallet_owner",
        "public=wallet_shop": "'public=wallet_shop' is no NAME=ROLE of two logins",
        "PUBLIC=wallet_shop": "'PUBLIC=wallet_shop' is no NAME=ROLE of two logins",
        "shop": "'shop' is no NAME=ROLE of two logins",
    }
    for login, refusal in refusals.items():
        assert door.command.refusal("proxy", "--login", login) == refusal
    assert door.command.refusal("proxy", "--login=a=wallet_shop", "--login=a=wallet_api") == "a login is named twice"
    without = {"WALLET_SHOP_PASSWORD": ""}
    assert door.command.refusal("proxy", "--passwords", "--login=a=wallet_shop", **without) == (
        "the map has no password for the role wallet_shop: set WALLET_SHOP_PASSWORD"
    )
    with door.members[1].connect() as administrator:
        administrator.execute("create role heir login in role postgres")
        try:
            assert (
                door.command.refusal("proxy", "--login", "a=heir")
                == "database 0 has no login heir: create it on all servers"
            )
            with door.members[0].connect() as other:
                other.execute("create role heir login")
            assert door.command.refusal("proxy", "--login", "a=heir").startswith("heir is a superuser of database 1,")
        finally:
            administrator.execute("drop role heir")
            with door.members[0].connect() as other:
                other.execute("drop role if exists heir")


def test_passwords_are_in_the_script_only_when_asked_for_and_never_in_the_log(door: Door, tmp_path: Path) -> None:
    file = tmp_path / "logins"
    file.write_text("# who is who\nshop = wallet_shop\n\n")
    assert "password" not in door.script("--logins", str(file)).partition("create server")[2]
    assert "a password of" in door.script(*ARGUMENTS)
    log = door.log.read_text()
    assert "create database door" in log
    assert "a password of" not in log


def test_the_script_can_be_applied_again_and_not_to_a_database_with_wallets(door: Door, users: Users) -> None:
    script = door.script(*ARGUMENTS, "--timeout=60")
    door.apply(script)
    with door.connect() as through:
        assert ask(through, "select wallet_id from wallet_balance(%s)", (users.wallets[2],))[0] == "rows"
    with pytest.raises(AssertionError, match="this is a pgwallet database"):
        door.apply(script, door.members[2])
    # comments and signatures are those of the databases
    query = (
        "select p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), obj_description(p.oid)"
        " from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname = any (%s) order by 1"
    )
    with door.proxy.connect() as made, door.members[0].connect() as original:
        assert made.execute(query, (HERE,)).fetchall() == original.execute(query, (HERE,)).fetchall()


def test_the_document_calls(door: Door) -> None:
    with door.connect() as through:
        results = [through.execute(statement.encode()).fetchall() for statement in CALLS.split(";")[:-1]]
    assert results[1] == [(250, 1250)]
    assert sum(row[1] for row in results[2]) == 0


def test_a_call_that_writes_is_refused_in_a_read_only_transaction(door: Door, users: Users) -> None:
    with door.connect() as through:
        through.execute("set default_transaction_read_only = on")
        refused = ask(through, "select * from wallet_topup(%s, %s, 1)", (users.wallets[1], uuid4()))
        assert refused[1][0] == "25006"
        assert (
            ask(
                through,
                "select 1 from wallet_statement(%s, %s, %s)",
                (users.wallets[1], MORNING, MORNING + timedelta(1)),
            )[0]
            == "rows"
        )


def test_a_moment_is_the_same_whatever_the_datestyle_is(door: Door, users: Users) -> None:
    query = "select extract(epoch from at)::bigint from wallet_balance_at(%s, '2026-03-04 10:00+00')"
    with door.connect() as through:
        expected = ask(through, query, (users.wallets[1],))
        for style in ("SQL, DMY", "German", "Postgres, MDY"):
            through.execute(f"set datestyle = '{style}'".encode())
            moment = (
                "select extract(epoch from at)::bigint"
                " from wallet_balance_at(%s, timestamptz 'epoch' + %s * interval '1 second')"
            )
            assert ask(through, moment, (users.wallets[1], expected[1][0][0])) == expected


# what follows takes a database away, so it comes last

AWAY = "a database of the cluster does not answer"
HINT = "Whether the call took effect is not known: repeat it with the same txn_id."


@contextlib.contextmanager
def frozen(door: Door) -> Iterator[None]:
    """Stop all processes of the server of database 1, and let them go on."""
    postmaster = int((door.servers[1].pgdata / "postmaster.pid").read_text().split()[0])

    def signal_all(number: signal.Signals) -> None:
        os.kill(postmaster, number)
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == postmaster:
                    os.kill(int(entry.name), number)

    signal_all(signal.SIGSTOP)
    try:
        yield
    finally:
        signal_all(signal.SIGCONT)


def test_a_frozen_database_is_one_clear_error_and_others_answer(door: Door, users: Users) -> None:
    query = "select balance from wallet_balance(%s)"
    with door.connect() as others, door.connect() as through, door.connect() as before:
        assert first(others, "show statement_timeout") == ("1min",)
        assert ask(before, query, (users.wallets[1],))[0] == "rows"
        for session in (through, before):
            session.execute("set statement_timeout = '3s'")
        answers: list[Answer] = []
        with frozen(door):
            state, message, detail, hint = ask(through, query, (users.wallets[1],))[1]
            assert (state, message, detail["number"], hint) == ("57014", AWAY, 1, HINT)
            assert ask(through, "select * from wallet_users()")[1][:2] == ("57014", AWAY)
            # a session in the middle of it waits, and nobody else does
            waiting = threading.Thread(target=lambda: answers.append(ask(before, query, (users.wallets[1],))))
            waiting.start()
            for number in (0, 2):
                assert ask(others, query, (users.wallets[number],))[0] == "rows"
        waiting.join()
        assert answers[0][0] == "rows" or answers[0][1][1] == AWAY
        for session in (through, before):
            session.execute("reset statement_timeout")
            assert ask(session, query, (users.wallets[1],))[0] == "rows"


def test_a_dead_database_is_one_clear_error_and_others_answer(door: Door, users: Users) -> None:
    query = "select balance from wallet_balance(%s)"
    with door.connect() as through:
        assert ask(through, query, (users.wallets[1],))[0] == "rows"
        door.servers[1].stop(patience=0.1)
        wait_until(lambda: ask(through, query, (users.wallets[1],))[1][0] == "08006")
        with door.connect() as fresh:
            for session in (through, fresh):
                state, message, detail, hint = ask(session, query, (users.wallets[1],))[1]
                assert (state, message, detail["number"], hint) == ("08006", AWAY, 1, HINT)
                assert "does not exist" in detail["reason"] or "No such file" in detail["reason"]
                assert ask(session, query, (users.wallets[0],))[0] == "rows"
                assert ask(session, query, (users.wallets[2],))[0] == "rows"
                assert ask(session, "select * from wallet_users()")[1][:2] == ("08006", AWAY)
        door.servers[1].start()
