"""`pgwallet key`: a secret that is shown once, and what a key may."""

import hashlib
from uuid import uuid4

import pytest

from tests.api.commands.conftest import Cli
from tests.database import Database

EVERYBODY = ("--scope", "read", "--scope", "topup", "--all-users")


def test_a_key_from_its_making_to_its_end(cli: Cli, module_database: Database) -> None:
    made = cli.json(
        *("key", "create", "shop", "--scope", "spend", "--scope", "read", "--subject", "alice", "--subject", "bob"),
        *("--network", "10.0.0.0/8", "--network", "::1/128", "--expires-in", "90d", "--calls-per-minute", "60"),
    )
    secret = made.pop("secret")
    assert secret.startswith(made["prefix"])
    assert (len(secret), made["prefix"][:4]) == (47, "pgw_")
    assert (made["name"], sorted(made["scopes"]), made["all_users"]) == ("shop", ["read", "spend"], False)
    assert (len(made["user_ids"]), made["calls_per_minute"]) == (2, 60)
    with module_database.connect() as administrator:
        stored = "select secret_hash, expires_at - created_at between '89 days' and '91 days' from wallet.api_keys"
        assert administrator.execute(stored).fetchall() == [(hashlib.sha256(secret.encode()).digest(), True)]
    assert cli.json("key", "list") == [made]
    text = cli.call("key", "list")
    assert f"{made['prefix']}  shop  read,spend  2 users  " in text
    assert secret not in text
    ended = cli.call("key", "revoke", made["prefix"])
    assert "revoked at  " in ended
    assert cli.json("key", "list") == []
    (again,) = cli.json("key", "list", "--revoked")
    assert again == cli.json("key", "revoke", made["id"]), "a repeated revocation answers the same"


def test_the_secret_is_shown_to_people_once(cli: Cli) -> None:
    text = cli.call("key", "create", "till", *EVERYBODY)
    (line,) = (line for line in text.splitlines() if line.startswith("secret"))
    secret = line.split()[1]
    assert len(secret) == 47
    assert "for         all users\n" in text.replace("for             ", "for         ")
    assert secret not in cli.call("key", "list")


def test_what_is_refused(cli: Cli) -> None:
    assert cli.attempt("key", "create", "x", "--scope", "read")[0] == 2, "for whom?"
    assert cli.attempt("key", "create", "x", *EVERYBODY, "--subject", "alice")[0] == 2
    assert cli.attempt("key", "create", "x", "--all-users")[0] == 2, "a scope is asked for"
    assert cli.attempt("key", "create", "x", *EVERYBODY, "--scope", "adjust")[0] == 2
    for wrong in ("0d", "1y", "d", "-1d", "1.5h"):
        assert cli.attempt("key", "create", "x", *EVERYBODY, "--expires-in", wrong)[0] == 2
    assert cli.refusal("key", "create", "x", *EVERYBODY, "--network", "home").startswith("networks ")
    assert cli.refusal("key", "create", "", *EVERYBODY).startswith("name ")
    assert cli.refusal("key", "create", "x", "--scope", "read", "--subject", "nobody") == "there is no user nobody"
    assert cli.refusal("key", "revoke", str(uuid4())).startswith("unknown key")
    assert cli.refusal("key", "revoke", "pgw_nothing") == "there is no key pgw_nothing"


@pytest.mark.parametrize("role", ["user", "operator"])
def test_a_key_is_made_in_the_name_of_an_operator(cli: Cli, role: str) -> None:
    name = f"{role}-{uuid4().hex[:12]}"
    cli.call("user", "create", name, "--role", role, PGWALLET_USER_PASSWORD="correct horse")
    if role == "operator":
        made = cli.json("key", "create", "till", *EVERYBODY, "--as", name)
        assert made["created_by"] is not None
        assert cli.refusal("key", "create", "x", "--scope", "read", "--subject", name).startswith("user_ids ")
    else:
        assert cli.refusal("key", "create", "till", *EVERYBODY, "--as", name).startswith("operators only")
