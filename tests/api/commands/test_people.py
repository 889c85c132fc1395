"""`pgwallet user`, `wallet`, `txn`, `topup`, `refund` and `adjust`: what people look up and do."""

import json
from uuid import uuid4

import pytest

from tests.api.commands.conftest import Cli
from tests.database import Database


@pytest.fixture
def name(cli: Cli) -> str:
    """A user of the test's own, with a wallet and a balance of 1000 UC."""
    name = f"user-{uuid4().hex[:12]}"
    cli.call("user", "create", name, PGWALLET_USER_PASSWORD="correct horse")
    return name


@pytest.fixture
def olga(cli: Cli) -> str:
    """An operator."""
    name = f"olga-{uuid4().hex[:12]}"
    cli.call("user", "create", name, "--role", "operator", PGWALLET_USER_PASSWORD="correct horse")
    return name


def audit(database: Database, *columns: str) -> list[tuple[object, ...]]:
    """What is on record, the newest first."""
    with database.connect() as administrator:
        query = f"select {', '.join(columns)} from wallet_audit()"
        return administrator.execute(query.encode()).fetchall()


def test_users_are_listed_newest_first(cli: Cli, name: str, olga: str) -> None:
    newest, second = cli.json("user", "list", "--limit", "2")
    assert (newest["username"], newest["role"]) == (olga, "operator")
    assert (second["username"], second["role"]) == (name, "user")
    everybody = cli.json("user", "list", "--all")
    assert everybody[:2] == [newest, second]
    assert {"alice", "bob"} < {one["username"] for one in everybody}
    header, first, *_ = cli.call("user", "list").splitlines()
    assert header.split() == ["name", "id", "role", "made", "at", "last", "sign-in", "erased", "at"]
    assert first.split()[:3] == [olga, newest["id"], "operator"]


def test_a_user_is_shown_by_name_and_by_id_and_that_is_on_record(
    cli: Cli, name: str, module_database: Database
) -> None:
    found = cli.json("user", "show", name.upper())
    assert found["username"] == name
    assert cli.json("user", "show", found["id"])["wallets"] == found["wallets"]
    text = cli.call("user", "show", name)
    assert f"user     {name}\n" in text
    assert text.splitlines()[-1].endswith("1000 UC  0 UC    1000 UC")
    assert audit(module_database, "action", "username")[0] == ("read", name)
    assert cli.refusal("user", "show", "nobody") == "there is no user nobody"
    assert cli.refusal("user", "show", str(uuid4())).startswith("there is no user ")


def test_a_role_is_set_and_taken(cli: Cli, name: str, module_database: Database) -> None:
    assert cli.call("user", "role", name, "operator") == f"{name} is operator\n"
    assert cli.json("user", "role", name, "user")["role"] == "user"
    assert audit(module_database, "action", "username")[:2] == [("role", name)] * 2
    assert cli.refusal("user", "role", "nobody", "user") == "there is no user nobody"
    assert cli.attempt("user", "role", name, "king")[0] == 2


def test_a_wallet_is_shown_by_owner_and_by_id(cli: Cli, name: str) -> None:
    found = cli.json("wallet", "show", f"{name}/uc")
    assert (found["username"], found["asset"], found["balance"]) == (name, "UC", 1000)
    assert cli.json("wallet", "show", found["wallet_id"])["created_at"] == found["created_at"]
    assert f"wallet     {name}/UC\n" in cli.call("wallet", "show", f"{name}/UC")
    assert cli.refusal("wallet", "show", f"{name}/eur") == f"{name} has no wallet in EUR"
    assert cli.refusal("wallet", "show", str(uuid4())).startswith("there is no wallet ")
    assert cli.attempt("wallet", "show", name)[0] == 2


def test_a_wallet_is_frozen_and_unfrozen_with_a_reason(cli: Cli, name: str, olga: str) -> None:
    which = f"{name}/UC"
    frozen = cli.call("wallet", "freeze", which, "--reason", "police", "--as", olga)
    assert frozen == f"{which} is frozen, it was active\n"
    change = cli.json("wallet", "show", which)["status_history"][0]
    assert (change["actor_username"], change["reason"], change["status"]) == (olga, "police", "frozen")
    assert "was set  frozen at " in cli.call("wallet", "show", which)
    assert cli.json("wallet", "unfreeze", which, "--reason", "a mistake")["status"] == "active"
    assert cli.attempt("wallet", "freeze", which)[0] == 2, "a reason is asked for"
    assert cli.refusal("wallet", "freeze", which, "--reason", "x", "--as", name).startswith("operators only")


def test_a_closed_wallet_stays_closed(cli: Cli, name: str, module_database: Database) -> None:
    wallet = cli.json("wallet", "show", f"{name}/UC")["wallet_id"]
    with module_database.connect() as administrator:
        administrator.execute("select wallet_adjust(%s, gen_random_uuid(), -1000, 'empty')", [wallet])
        administrator.execute("select wallet_set_status(%s, 'closed', 'over')", [wallet])
    for what in ("freeze", "unfreeze"):
        assert f"{name}/UC is closed" in cli.refusal("wallet", what, wallet, "--reason", "x")


def test_limits_are_changed_one_by_one(cli: Cli, name: str, module_database: Database) -> None:
    which = f"{name}/UC"
    assert cli.attempt("wallet", "limits", which)[2] == "no limits\n"
    cli.call("wallet", "limits", which, "--per-day", "spend=500", "--floor", "-50", "--max-balance", "5000")
    found = cli.json("wallet", "limits", which, "--per-transaction", "spend=100", "--per-30-days", "topup=0")
    assert found["limits"]["spend"].keys() == {"per_day", "per_transaction"}
    assert found["limits"]["spend"]["per_day"] == {"maximum": 500, "used": 0, "left": 500}
    assert found["limits"]["topup"]["per_30_days"]["maximum"] == 0
    assert (found["floor"], found["max_balance"]) == (-50, 5000)
    assert "spend per day           500 UC  0 UC  500 UC\n" in cli.call("wallet", "limits", which)
    found = cli.json("wallet", "limits", which, "--per-day", "spend=none", "--max-balance", "none", "--reason", "grown")
    assert found["limits"]["spend"].keys() == {"per_transaction"}
    assert (found["floor"], found["max_balance"]) == (-50, None)
    assert ("limits", "grown") in audit(module_database, "action", "reason")
    for wrong in ("spend", "spend=x", "gift=1", "spend=-1", "spend=1.5"):
        assert cli.attempt("wallet", "limits", which, "--per-day", wrong)[0] == 2
    assert cli.attempt("wallet", "limits", which, "--reason", "x")[0] == 2, "nothing to change"
    assert cli.refusal("wallet", "limits", which, "--floor", "1").startswith("floor must be ")


def test_an_operator_tops_up_refunds_and_adjusts_with_a_reason(
    cli: Cli, name: str, olga: str, module_database: Database
) -> None:
    which, how = f"{name}/UC", ("--as", olga, "--reason", "order 17")
    status, output, errors = cli.attempt("topup", which, "100", *how, "--json")
    done = json.loads(output)
    assert (status, done["waits"], done["balance"], done["type"]) == (0, False, 1100, "topup")
    assert errors == f"txn_id {done['txn_id']}: given again with --txn-id, it does not happen twice\n"
    again = cli.json("topup", which, "100", *how, "--txn-id", done["txn_id"])
    assert (again["replayed"], again["id"]) == (True, done["id"])
    assert audit(module_database, "actor_username", "action", "username")[0] == (olga, "topup", name)

    assert cli.json("adjust", which, "-300", *how)["balance"] == 800
    with module_database.connect() as administrator:
        spent = "select txn_id from wallet_spend(%s, gen_random_uuid(), 200)"
        (original,) = administrator.execute(spent, [done["wallet_id"]]).fetchone() or (None,)
    assert cli.json("refund", which, str(original), "50", *how)["balance"] == 650
    text = cli.call("refund", which, str(original), *how)
    assert "amount     150 UC\n" in text
    assert "balance    800 UC\n" in text


def test_what_is_refused_to_an_operator(cli: Cli, name: str, olga: str) -> None:
    which, how = f"{name}/UC", ("--as", olga, "--reason", "x")
    for wrong in ("0", "-1", "1.5", "1e3", "٣", str(2**53)):
        assert cli.attempt("topup", which, wrong, *how)[0] == 2
    assert cli.attempt("topup", which, "1", "--as", olga)[0] == 2, "a reason is asked for"
    assert cli.attempt("topup", which, "1", "--reason", "x")[0] == 2, "an operator is asked for"
    assert cli.refusal("topup", which, "1", "--as", name, "--reason", "x").startswith("operators only")
    assert cli.refusal("topup", which, "1", "--as", "nobody", "--reason", "x") == "there is no operator nobody"
    assert cli.refusal("topup", f"{olga}/UC", "1", *how).startswith("left to another operator")
    for reason in ("", "x" * 257):
        code, _, told = cli.attempt("topup", which, "1", "--as", olga, "--reason", reason)
        assert (code, "'--reason': give 1 to 256 characters" in told) == (2, True), told
    told = cli.refusal("adjust", which, "-5000", *how)
    assert told.startswith("insufficient funds (requested -5000 UC, available 1000 UC")
    assert cli.refusal("refund", which, str(uuid4()), *how).startswith("unknown transaction: ")


def test_above_an_amount_a_second_operator_is_asked(cli: Cli, name: str, olga: str) -> None:
    which, how = f"{name}/UC", ("--as", olga, "--reason", "x")
    assert cli.json("adjust", which, "100", *how, PGWALLET_FOUR_EYES="100")["balance"] == 1100
    again = ("adjust", which, "101", *how, "--txn-id", str(uuid4()))
    waits = cli.json(*again, PGWALLET_FOUR_EYES="100")
    assert (waits["waits"], waits["status"], waits["actor_username"]) == (True, "waiting", olga)
    assert cli.json(*again, PGWALLET_FOUR_EYES="100")["id"] == waits["id"]
    status, output, errors = cli.attempt(*again, PGWALLET_FOUR_EYES="100")
    assert (status, errors) == (0, "nothing moved: it waits for the confirmation of another operator\n")
    assert f"confirmation  {waits['id']}\n" in output
    assert cli.json("wallet", "show", which)["balance"] == 1100


def test_a_transaction_is_found_by_whatever_is_known_of_it(cli: Cli, name: str, olga: str) -> None:
    which, reference = f"{name}/UC", f"order {uuid4()}"
    made = cli.json("topup", which, "123", "--as", olga, "--reason", reference)
    cli.json("topup", which, "7", "--as", olga, "--reason", "another")
    expected = (name, "topup", 123, reference, made["txn_id"])

    def found(*arguments: str) -> list[tuple[object, ...]]:
        keys = ("username", "type", "amount", "reference", "txn_id")
        return [tuple(row[key] for key in keys) for row in cli.json("txn", "find", *arguments)]

    assert found(made["txn_id"]) == found(reference) == found(str(made["id"])) == [expected]
    by_name = found(name)
    assert [row[2] for row in by_name] == [7, 123, 1000]
    assert found(made["wallet_id"]) == by_name
    assert found(name, "--limit", "1") == by_name[:1]
    assert found(name, "--amount", "123") == found(made["wallet_id"], "--amount", "123") == [expected]
    line = cli.call("txn", "find", made["txn_id"]).splitlines()[1]
    assert f"  topup  {which}  123 UC  {reference}  {made['txn_id']}" in line
    status, output, errors = cli.attempt("txn", "find", name[:-1])
    assert (status, output) == (0, "")
    assert errors == f"users whose names begin so: {name}\nnothing found\n"


def test_a_statement_adds_up(cli: Cli, name: str, olga: str) -> None:
    which = f"{name}/UC"
    cli.call("topup", which, "40", "--as", olga, "--reason", "a gift")
    found = cli.json("wallet", "statement", which)
    assert (found["opening"], found["closing"]) == (0, 1040)
    assert [entry["amount"] for entry in found["entries"]] == [1000, 40]
    lines = cli.call("wallet", "statement", which).splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["opening", "bonus", "topup", "closing"]
    assert "a gift" in lines[3]
    before = cli.json("wallet", "statement", which, "--from", "2026-01-01", "--to", "2026-01-02T00:00:00+01:00")
    assert (before["entries"], before["from"], before["to"]) == ([], "2026-01-01T00:00:00Z", "2026-01-01T23:00:00Z")
    assert cli.refusal("wallet", "statement", which, "--to", "9999-01-01").startswith("time in the future")
    assert cli.refusal("wallet", "statement", which, "--from", "2026-01-02", "--to", "2026-01-01").startswith("from ")
    for wrong in ("yesterday", "2026-01-01T00:00:00", "2026-02-30", "0001-01-01T00:00:00+10:00"):
        assert cli.attempt("wallet", "statement", which, "--to", wrong)[0] == 2


def test_what_a_database_holds_writes_nothing_to_the_terminal(cli: Cli, name: str, olga: str) -> None:
    evil = "\x1b[2J[red]\u202e"
    cli.call("topup", f"{name}/UC", "1", "--as", olga, "--reason", evil)
    for command in (["wallet", "statement", f"{name}/UC"], ["txn", "find", name]):
        text = cli.call(*command)
        assert "?[2J[red]?" in text
        assert "\x1b" not in text
        told = cli.call(*command, "--json")
        assert "\x1b" not in told
        assert evil in json.dumps(json.loads(told), ensure_ascii=False).replace("\\u001b", "\x1b")


def test_a_database_that_is_away(cli: Cli) -> None:
    status, _, errors = cli.attempt("user", "list", DATABASE_URL="postgresql://postgres:secret@127.0.0.1:1/x")
    assert status == 3
    assert errors.startswith("pgwallet: no answer from the PostgreSQL server at postgresql://postgres@127.0.0.1:1/x: ")
