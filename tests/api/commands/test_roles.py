"""`pgwallet grant`, `revoke` and `roles`: a login can what its role may, and whoever looks sees it."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from tests.api.commands.conftest import Cli
from tests.database import Database

SECRET = "a long secret"


@pytest.fixture
def name(module_database: Database) -> Iterator[str]:
    """A name for a login, which is gone afterwards."""
    found = f"login {uuid4().hex[:8]}"
    yield found
    with module_database.connect() as administrator:
        if administrator.execute("select from pg_roles where rolname = %s", [found]).fetchone() is not None:
            administrator.execute(f'drop owned by "{found}"; drop role "{found}"'.encode())


@pytest.fixture
def operator(cli: Cli) -> str:
    found = f"operator-{uuid4().hex[:8]}"
    cli.call("user", "create", found, "--role", "operator", PGWALLET_USER_PASSWORD="correct horse")
    return found


def login(database: Database, name: str, password: str = SECRET) -> psycopg.Connection:
    place = {"host": database.server.host, "port": database.server.port, "dbname": database.name}
    return psycopg.connect(**place, user=name, password=password, autocommit=True)  # type: ignore[arg-type]


def listed(cli: Cli, name: str) -> list[tuple[str, str | None]]:
    return [(row["role"], row["operator"]) for row in cli.json("roles") if row["login"] == name]


def test_a_program_moves_money_in_its_own_transaction(cli: Cli, module_database: Database, name: str) -> None:
    said = cli.call("grant", "wallet_app", "to", name, "--create", "--password", typed=f"{SECRET}\n")
    assert said == f"{name} may move and read money for users\n"
    assert listed(cli, name) == [("wallet_app", None)]
    with login(module_database, name) as shop:
        made = shop.execute("select user_id, wallet_id from wallet_register(%s, 'x')", [f"u{uuid4().hex}"]).fetchone()
        assert made is not None
        spend = "select balance from wallet_spend(%s, gen_random_uuid(), 100, p_actor => %s)"
        assert shop.execute(spend, [made[1], made[0]]).fetchone() == (900,)
        cli.call("revoke", "wallet_app", "from", name)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            shop.execute(spend, [made[1], made[0]])
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        login(module_database, name)
    assert listed(cli, name) == []


def test_a_password_is_made_and_shown_once(cli: Cli, module_database: Database, name: str) -> None:
    line = cli.call("grant", "wallet_reader", "to", name, "--create").splitlines()[1]
    password = line.removeprefix("password  ")
    assert len(password) == 32
    with login(module_database, name, password) as analyst, pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("select from wallet.users")
    assert password not in cli.call("grant", "wallet_reader", "to", name)
    with pytest.raises(psycopg.OperationalError):
        login(module_database, name, "another")


def test_an_operators_login_is_that_operators(cli: Cli, module_database: Database, name: str, operator: str) -> None:
    other = f"operator-{uuid4().hex[:8]}"
    cli.call("user", "create", other, "--role", "operator", PGWALLET_USER_PASSWORD="correct horse")
    asked = ("grant", "wallet_operator", "to", name, "--operator")
    cli.call(*asked, operator, "--create", "--password", typed=f"{SECRET}\n")
    assert listed(cli, name) == [("wallet_operator", operator)]
    with login(module_database, name) as connection:
        whoami = "select username from wallet_whoami()"
        assert connection.execute(whoami).fetchone() == (operator,)
        users = "select count(*) > 0 from wallet_users(p_actor => %s)"
        with module_database.connect() as administrator:
            query = "select id from wallet.users where username = any (%s) order by username <> %s"
            (own,), (others,) = administrator.execute(query, [[operator, other], operator]).fetchall()
        assert connection.execute(users, [own]).fetchone() == (True,)
        for actor in (others, None):
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(users, [actor])
            assert refused.value.sqlstate == "WA002"
        cli.call(*asked, other)
        assert connection.execute(users, [others]).fetchone() == (True,)
        cli.call("user", "role", other, "user")
        assert listed(cli, name) == [("wallet_operator", None)]
        assert connection.execute(whoami).fetchone() is None
    cli.call("revoke", "wallet_operator", "from", name)
    assert listed(cli, name) == []


def test_roles_lists_the_service_and_administrators(cli: Cli) -> None:
    found = {(row["login"], row["role"]) for row in cli.json("roles")}
    assert {("postgres", "superuser"), ("wallet_api", "wallet_api")} <= found
    assert "wallet_owner" not in {name for name, _ in found}, "it cannot log in"


def test_what_is_refused(cli: Cli, module_database: Database, name: str, operator: str) -> None:
    assert cli.refusal("grant", "wallet_app", "to", name) == f"there is no login {name}: make it, or say --create"
    assert cli.refusal("revoke", "wallet_app", "from", name) == f"there is no login {name}"
    for powerful in ("postgres", "wallet_api", "wallet_owner", "wallet_app", "pg_monitor"):
        assert "is no plain login" in cli.refusal("grant", "wallet_app", "to", powerful)
    assert cli.attempt("grant", "wallet_owner", "to", name)[0] == 2
    assert cli.attempt("grant", "wallet_operator", "to", name)[0] == 2, "whose?"
    assert cli.attempt("grant", "wallet_app", "to", name, "--operator", operator)[0] == 2
    assert cli.attempt("grant", "wallet_app", "for", name)[0] == 2
    created = ("grant", "wallet_operator", "to", name, "--create", "--operator")
    assert cli.refusal(*created, "alice").startswith("operators only")
    assert cli.refusal(*created, "nobody").startswith("unknown user")
    with module_database.connect() as administrator:
        there = administrator.execute("select from pg_roles where rolname = %s", [name]).fetchall()
    assert there == [], "a refused grant makes no login"
    cli.call("grant", "wallet_app", "to", name, "--create")
    assert cli.refusal("grant", "wallet_app", "to", name, "--create").startswith("there is a login")
    assert cli.refusal("revoke", "wallet_reader", "from", name) == f"{name} has no role wallet_reader"


def test_the_server_is_told_a_verifier(cli: Cli, module_database: Database, name: str) -> None:
    with module_database.connect() as administrator:
        cli.call("grant", "wallet_app", "to", name, "--create", "--password", typed=f"{SECRET}\n")
        stored = administrator.execute("select rolpassword from pg_authid where rolname = %s", [name]).fetchone()
    assert stored is not None
    assert stored[0].startswith("SCRAM-SHA-256$4096:")
