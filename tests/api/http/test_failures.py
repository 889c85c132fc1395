"""Whatever fails inside, a client hears the same few words, and nothing of what failed."""

from contextlib import closing, nullcontext, suppress
from pathlib import Path

import httpx
import pytest

from tests.api.service import PASSWORD, User, problem, serve
from tests.database import Database


def ask(user: User) -> list[httpx.Response]:
    """A request of each way through the service: alone, together with others, before sign-in."""
    return [
        user.get("/api/wallets"),
        user.get("/api/wallet/balance"),
        user.topup(),
        user.topup(effective_at="2026-01-01T00:00:00Z"),
        user.get("/api/wallet/transactions"),
        user.post("/api/auth/signin", json={"username": user.username, "password": PASSWORD}),
    ]


# every function for callers, replaced by one with this language and body
REPLACED = """
    do $do$
    declare v_function record;
    begin
      for v_function in
        select p.oid::regprocedure as signature, p.proname as name, pg_get_function_arguments(p.oid) as arguments
        from pg_proc p where p.pronamespace = 'public'::regnamespace and p.proname ^@ 'wallet_'
      loop
        execute format('drop function %s', v_function.signature);
        execute format(
          'create function public.%I(%s) returns table (secret_column text) language {} as $f$ {} $f$',
          v_function.name, v_function.arguments
        );
        execute format('grant execute on function public.%I to wallet_api', v_function.name);
      end loop;
    end $do$
"""
FAILURES = {
    "dropped tables": "drop table wallet.ledger, wallet.transactions, wallet.users cascade",
    "functions that are gone": "drop schema public cascade",
    "functions that fail": REPLACED.format("plpgsql", "begin raise exception ''secret_value''; end"),
    "rows that Python stumbles over": REPLACED.format("sql", "select ''secret_value''"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_answered_without_its_words(database: Database, tmp_path: Path, name: str) -> None:
    with serve(database.api_url, tmp_path) as service, closing(User(service)) as user:
        # its token is known, so that the calls get as far as what fails
        user.balance()
        with database.connect() as administrator:
            administrator.execute(FAILURES[name])
        statement = "/api/wallet/statement?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
        # a statement is streamed: what fails after its head is out can only end the connection
        late = name == "rows that Python stumbles over"
        with suppress(httpx.RemoteProtocolError) if late else nullcontext():
            problem(user.get(statement), 500, "internal")
        for response in ask(user):
            body = problem(response, 500, "internal")
            assert set(body) == {"type", "title", "status", "detail", "code", "success", "message", "request_id"}
            assert body["title"] == "Internal error"
            assert body["detail"] == "The service failed. Its log tells why under this request_id."
            service.wait_for(request_id=body["request_id"], event="unexpected error")


def test_a_server_that_is_away_is_answered_without_its_address(tmp_path: Path) -> None:
    with serve("postgresql://wallet_api:secret_value@localhost:1/secret_database", tmp_path) as service:
        response = httpx.post(f"{service.url}/api/auth/signin", json={"username": "alice", "password": PASSWORD})
        body = problem(response, 503, "unavailable")
        assert body["detail"] == "The service cannot do this right now. Try again in a moment, with the same txn_id."
        assert "secret" not in response.text
    assert "secret_value" not in service.log.read_text()
