"""What `pgwallet proxy` knows without PL/Proxy; `make test-proxy` has it in use."""

from pathlib import Path

import pytest

from api.cluster.proxy import FILES, ID, OUT, OWN, ROW, WHERE, _address, _lines
from api.cluster_map import Member
from api.errors import CommandError

ROOT = Path(__file__).parents[3]


def test_every_public_function_has_its_place_and_every_place_a_function() -> None:
    """Where does a call go through PL/Proxy? Or, with Where(OUT, …), why can it not be right there?"""
    assert set(WHERE) == {file.stem for file in (ROOT / "db" / "functions").rglob("wallet_*.sql")}


def test_what_decides_is_an_argument_and_what_is_left_out_has_a_reason() -> None:
    for name, where in WHERE.items():
        (file,) = (ROOT / "db" / "functions").rglob(f"{name}.sql")
        if where.kind in (ID, ROW):
            assert f"  {where.by} {'uuid' if where.kind == ID else 'bigint'}" in file.read_text(), name
        elif where.kind == OUT:
            assert len(where.by) > 10, name
    bodies = {file.stem for file in FILES.glob("wallet_*.sql")}
    assert {name for name, where in WHERE.items() if where.kind == OWN} <= bodies
    assert {name for name in bodies if WHERE[name].kind == OUT} == set()


def test_an_address_has_no_login_and_is_quoted() -> None:
    member = Member(
        1, api_url="postgresql://wallet_api:secret@one,two:5433/w%27x?sslmode=require&passfile=/x&password=y"
    )
    address = _address(member)
    assert address.endswith("host='one,two' port=',5433' dbname='w\\'x' sslmode='require'")
    assert "tcp_user_timeout='10000'" in address
    assert "secret" not in address
    assert "'y'" not in address
    on_socket = Member(1, api_url="postgresql://wallet_api@/wallet?host=/run/postgresql&port=5432")
    assert _address(on_socket) == "host='/run/postgresql' port='5432' dbname='wallet'"


def test_an_address_that_would_switch_the_user_mappings_off_is_refused() -> None:
    with pytest.raises(CommandError, match=r"database 1: an address with user= in it"):
        _address(Member(1, api_url="postgresql://wallet_api@host/user%3Dpostgres"))


def test_logins_come_from_a_file_with_comments(tmp_path: Path) -> None:
    file = tmp_path / "logins"
    file.write_text("# who is who\n\n  shop=wallet_shop  \n")
    assert _lines(file) == ["shop=wallet_shop"]
    with pytest.raises(CommandError, match="the logins cannot be read"):
        _lines(tmp_path / "missing")
