"""The commands for people on a cluster: each asks the database where a user lives, lists are of all."""

import json
from pathlib import Path
from uuid import uuid4

from tests.api.commands.conftest import Cli
from tests.cluster import Everywhere

PASSWORD = {"PGWALLET_USER_PASSWORD": "correct horse"}


def name_at(several: Everywhere, number: int) -> str:
    """A name whose home is this database."""
    while several.databases.map.homes_of(name := f"user-{uuid4().hex[:12]}")[0] != number:
        pass
    return name


def made_at(several: Everywhere, cli: Cli, number: int, *options: str) -> str:
    name = name_at(several, number)
    assert cli.call("user", "create", name, *options, **PASSWORD).endswith(f" {name}\n")
    return name


def test_users_are_made_and_found_where_they_live(several: Everywhere, everywhere: Cli) -> None:
    names = [made_at(several, everywhere, number) for number in (0, 1)]
    for number, name in enumerate(names):
        assert everywhere.json("user", "show", name)["database"] == number
        assert f"database   {number}\n" in everywhere.call("wallet", "show", f"{name}/UC")
    newest = everywhere.json("user", "list", "--limit", "2")
    assert [(one["database"], one["username"]) for one in newest] == [(1, names[1]), (0, names[0])]
    assert everywhere.call("user", "list").splitlines()[0].startswith("database  name")
    assert everywhere.refusal("user", "create", names[1], **PASSWORD).endswith("username already taken")
    assert everywhere.refusal("user", "show", "nobody") == "there is no user nobody"


def test_a_name_that_an_older_home_has_is_taken(everywhere: Cli) -> None:
    # alice was made when database 0 was alone
    said = everywhere.refusal("user", "create", "alice", **PASSWORD)
    assert "username already taken" in said


def test_an_operator_is_one_everywhere_and_acts_where_the_wallet_is(several: Everywhere, everywhere: Cli) -> None:
    olga = made_at(several, everywhere, 0, "--role", "operator")
    for number in (0, 1):
        name = made_at(several, everywhere, number)
        done = everywhere.json("topup", f"{name}/UC", "5", "--as", olga, "--reason", "order 17")
        assert (done["database"], done["balance"]) == (number, 1005)
        (found,) = everywhere.json("txn", "find", done["txn_id"])
        assert (found["database"], found["username"]) == (number, name)
    exported = json.loads(everywhere.call("user", "export", olga))
    assert [one["database"] for one in exported] == [0, 1]
    assert exported[1]["actions_taken"][0]["action"] == "topup"
    assert everywhere.call("user", "role", olga, "user") == f"{olga} of database 0 is user\n"
    assert everywhere.json("cluster", "role", olga, "operator")["role"] == "operator"


def test_a_key_is_made_listed_and_ended_in_all(several: Everywhere, everywhere: Cli, tmp_path: Path) -> None:
    names = [made_at(several, everywhere, number) for number in (0, 1)]
    subjects = [part for name in names for part in ("--subject", name)]
    made = everywhere.json("key", "create", "shop", "--scope", "read", *subjects)
    (listed,) = everywhere.json("key", "list")
    assert (listed["id"], listed["databases"]) == (made["id"], [0, 1])
    prefixes = "select prefix from wallet.api_keys where revoked_at is null"
    with several.connect() as administrator:
        assert administrator.execute(prefixes).fetchall() == [(made["prefix"],)] * 2
        broken = {"PGWALLET_CLUSTER": str(without_the_second(several, tmp_path))}
        said = everywhere.refusal("key", "create", "till", "--scope", "read", "--all-users", **broken)
        assert "End what may be there of it: `pgwallet key revoke " in said
        assert administrator.execute(prefixes).fetchall() == [(made["prefix"],)] * 2, (
            "nothing is done while one is away"
        )
        assert everywhere.json("key", "revoke", made["prefix"])["databases"] == [0, 1]
        # made in one alone, as by a command that was cut off: it is ended there
        with several.databases.members[0].connect() as first:
            half = "select id from wallet_create_key(null, 'half', sha256('x'), 'pgw_12345678', '{read}', null, true)"
            (half_made,) = first.execute(half).fetchone() or (None,)
        assert everywhere.json("key", "list")[0]["databases"] == [0]
        assert everywhere.json("key", "revoke", str(half_made))["databases"] == [0]
        assert administrator.execute(prefixes).fetchall() == []
    assert everywhere.json("key", "list") == []


def without_the_second(several: Everywhere, folder: Path) -> Path:
    """A map in which database 1 is not where it says."""
    file = folder / "map.toml"
    away = several.databases.members[1]
    text = several.databases.file.read_text()
    file.write_text(text.replace(f"postgres@/{away.name}?", f"postgres@/{away.name}_gone?"))
    return file


def test_status_and_doctor_tell_of_each(everywhere: Cli) -> None:
    found = everywhere.json("status")
    assert [one["number"] for one in found["databases"]] == [0, 1]
    assert found["databases"][1]["status"]["database"]["takes_writes"]
    assert "1 database" in everywhere.call("status")
    checks = json.loads(everywhere.attempt("doctor", "--json")[1])
    assert {one["database"] for one in checks if one["check"] == "clock"} == {0, 1}
    assert {
        "check": "map",
        "outcome": "ok",
        "finding": "map and databases agree",
        "remedy": None,
        "database": None,
    } in (checks)


def test_what_is_away_is_told_beside_what_is_there(several: Everywhere, everywhere: Cli, tmp_path: Path) -> None:
    name = made_at(several, everywhere, 0)
    broken = {"PGWALLET_CLUSTER": str(without_the_second(several, tmp_path))}
    for command in (["user", "list", "--json"], ["txn", "find", name, "--json"]):
        status, output, errors = everywhere.attempt(*command, **broken)
        assert (status, json.loads(output)[0]["username"]) == (3, name)
        assert "without what database 1 has: cannot connect to " in errors
    assert everywhere.json("user", "show", name, **broken)["username"] == name
    status, output, errors = everywhere.attempt("status", "--json", **broken)
    assert (status, "error" in json.loads(output)["databases"][1]) == (3, True)
    status, output, _ = everywhere.attempt("doctor", "--json", **broken)
    assert status == 1
    assert any(one["check"] == "map" and one["database"] == 1 for one in json.loads(output))


def test_a_login_gets_and_loses_its_role_in_each_database(everywhere: Cli, several: Everywhere) -> None:
    def roles() -> list[tuple[int, str]]:
        return [(row["database"], row["role"]) for row in everywhere.json("roles") if row["login"] == "shop"]

    status, _, errors = everywhere.attempt("grant", "wallet_app", "to", "shop", "--create")
    assert (status, "make the login on each server of the cluster first" in errors) == (2, True)
    with several.databases.members[0].connect() as administrator:
        administrator.execute("create role shop login password 'a secret'")
        everywhere.call("grant", "wallet_app", "to", "shop")
        assert roles() == [(number, "wallet_app") for number in range(len(several.databases.members))]
        everywhere.call("revoke", "wallet_app", "from", "shop")
        assert roles() == []
        assert everywhere.refusal("revoke", "wallet_app", "from", "shop") == "shop has no role wallet_app"
        # nothing is left that would keep it from being dropped
        administrator.execute("drop role shop")
