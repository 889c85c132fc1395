"""Everything that the service writes in a walk through it, at the level that says most: no secret is in it."""

import os
import re
import signal
from collections.abc import Callable
from secrets import token_urlsafe
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from tests.command import Pgwallet, Service, wait_until
from tests.database import SERVICE_PASSWORD, Database

PASSWORDS = [f"a password of {word} {uuid4().hex}" for word in ("a user", "somebody else", "an operator", "nobody")]
# of bcrypt, and of what PostgreSQL stores
HASHES = ["$2a$", "$2b$", "SCRAM-SHA-256$"]
Walk = Callable[[Pgwallet, Database], tuple[list[str], list[str]]]


def use(service: Service, metrics_token: str) -> list[str]:
    """Sign up and in, rightly and wrongly, move money, make mistakes; returns the secrets that this brought about."""
    user, wrong, _, _ = PASSWORDS
    made = []
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=20) as client:
        name = f"user-{uuid4().hex[:12]}"
        for path, password, status in (("signup", user, 201), ("signup", user, 409), ("signin", wrong, 401)):
            answer = client.post(f"/api/auth/{path}", json={"username": name, "password": password})
            assert answer.status_code == status
        for _ in range(2):
            answer = client.post("/api/auth/signin", json={"username": name, "password": user})
            token = answer.json()["data"]["access_token"]
            made += [token, token.rpartition(".")[2]]
        client.post("/api/auth/signin", content=f'{{"username": "{name}", "password": "{user}"', headers=JSON)
        client.post("/api/auth/signin", json={"username": user, "password": {"a": user}})
        bearer = {"Authorization": f"Bearer {token}"}
        reset_token = token_urlsafe(32)
        made.append(reset_token)
        for key, password in (
            (reset_token, user),
            (reset_token, "short"),
            (f"{reset_token}x", user),
            (user, reset_token),
        ):
            client.post("/api/auth/reset", json={"token": key, "new_password": password})
        for body in ({"txn_id": str(uuid4()), "amount": 1}, {"txn_id": token, "amount": user}, {user: token}):
            client.post("/api/wallet/topup", json=body, headers=bearer)
        for header in (bearer, {"Authorization": f"Bearer {token}x"}, {"Authorization": user}, {"Cookie": token}):
            client.get(f"/api/wallet/balance?token={token}", headers=header)
        for metrics in (metrics_token, f"{metrics_token}x"):
            client.get("/metrics", headers={"Authorization": f"Bearer {metrics}"})
        client.get(f"/{token}/{user}", headers={"X-Request-Id": f"{user}!"})
    return made


JSON = {"Content-Type": "application/json"}


def embedded(wallet: Pgwallet, _: Database) -> tuple[list[str], list[str]]:
    """With a server of its own and generated secrets; a worker and PostgreSQL are killed on the way."""
    service = wallet.start()
    files = [wallet.data_dir / name for name in ("jwt_secret", "api_password", "metrics_token", "webhook_key")]
    secrets = [file.read_text().strip() for file in files]
    secrets += use(service, secrets[-1])
    (worker,) = service.children("api.server.worker")
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: service.children("api.server.worker") not in ([], [worker]) and service.healthy())
    # what is in flight when PostgreSQL dies
    (server,) = service.children("postgres")
    os.kill(server, signal.SIGKILL)
    wait_until(lambda: "PostgreSQL is back" in service.errors and service.healthy())
    secrets += use(service, secrets[2])
    said = [wallet.call("verify"), wallet.call("user", "create", "the-operator", PGWALLET_USER_PASSWORD=PASSWORDS[2])]
    assert service.stop() == 0
    said += [service.output, service.errors, (wallet.data_dir / "postgres.log").read_text(errors="replace")]
    return secrets, said


def foreign(wallet: Pgwallet, database: Database) -> tuple[list[str], list[str]]:
    """With a server whose address holds a password, and secrets from the environment; also with a wrong password."""
    url = database.url.replace("postgres@", f"postgres:{quote(PASSWORDS[3])}@")
    settings = {
        "DATABASE_URL": url,
        "PGWALLET_API_PASSWORD": SERVICE_PASSWORD,
        "JWT_SECRET": f"a signing key {uuid4().hex}",
        "PGWALLET_METRICS_TOKEN": f"a token for metrics {uuid4().hex}",
    }
    service = wallet.start("run", **settings)
    made = use(service, settings["PGWALLET_METRICS_TOKEN"])
    said = [wallet.call("verify", **settings)]
    said += wallet.attempt("migrate", **{**settings, "DATABASE_URL": f"{url}x"})[1:]
    assert service.stop() == 0
    said += [service.output, service.errors]
    login = database.api_url.replace(quote(SERVICE_PASSWORD), quote(PASSWORDS[2]))
    locked_out = Service(wallet.spawn("serve", **{**settings, "PGWALLET_API_URL": login}))
    try:
        wait_until(lambda: "database is away" in locked_out.errors)
    finally:
        locked_out.stop()
    said += [locked_out.output, locked_out.errors]
    secrets = [url, login, quote(PASSWORDS[2]), quote(PASSWORDS[3]), quote(SERVICE_PASSWORD), *settings.values()]
    return [*secrets, *made], said


@pytest.mark.long
@pytest.mark.parametrize("walk", [embedded, foreign])
def test_no_secret_is_in_what_it_writes(fresh: Pgwallet, database: Database, walk: Walk) -> None:
    fresh.environment |= {"PGWALLET_LOG_LEVEL": "debug", "PGWALLET_RELAY": "on"}
    secrets, said = walk(fresh, database)
    written = "\n".join(said)
    assert len(re.findall('"event":"request"', written)) >= 15
    assert "pgwallet ready on" in written
    for secret in [*secrets, *PASSWORDS, *HASHES]:
        assert len(secret) > 3
        assert secret not in written, secret
