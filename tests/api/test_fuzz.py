"""The API under schemathesis: requests made from the document, good and bad, with every check that it has.

Here a short run with the same requests every time; `make test-fuzz` makes it a long one with others.
"""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from tests.api.service import PASSWORD, Service, User, data
from tests.database import Database
from tests.docs.markdown import ROOT

CONFIG = Path(__file__).with_name("schemathesis.toml")
SECONDS = 4
SIGN_OUT = "^/api/auth/signout"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("role", ["user", pytest.param("operator", marks=pytest.mark.long)])
def test_every_answer_is_as_documented(
    service: Service,
    service_database: Database,
    bob: User,
    role: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    caller: User = request.getfixturevalue("operator" if role == "operator" else "alice")
    thorough: int = request.config.getoption("thorough")
    examples = known(caller, bob, service_database)
    # apart, and first: the rest tries wrong passwords, after which the account cannot sign in again at once
    fuzz(service, tmp_path, thorough, 2, sign_in(caller) + examples, "--include-path-regex", SIGN_OUT)
    again = caller.post("/api/auth/signin", json={"username": caller.username, "password": PASSWORD})
    token = f"Authorization: Bearer {data(again)['access_token']}"
    fuzz(service, tmp_path, thorough, SECONDS, examples, "--exclude-path-regex", SIGN_OUT, "--header", token)
    with service_database.connect() as administrator:
        assert administrator.execute("select * from wallet_verify()").fetchall() == []


def fuzz(service: Service, folder: Path, thorough: int, seconds: int, more: str, *options: str) -> None:
    """Run schemathesis for at most so many seconds, more when it is to be thorough. It must find nothing."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.read_text() + more)
    command = [
        *[sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "--no-color", "run"],
        *["--max-time", str(seconds * thorough), *options],
        *([] if thorough > 1 else ["--generation-deterministic"]),
        f"{service.url}/api/docs/openapi.json",
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def sign_in(caller: User) -> str:
    """How schemathesis gets a token, and another one after it has signed itself out."""
    return f"""
[auth.dynamic.openapi.bearer]
path = "/api/auth/signin"
payload = {{ username = "{caller.username}", password = "{PASSWORD}" }}
extract_selector = "/data/access_token"
"""


def known(caller: User, other: User, database: Database) -> str:
    """Ids that exist, as dictionaries for schemathesis: without them nearly every request would end with 404.

    Webhooks lead nowhere but here.
    """
    caller.topup(10**9)
    spent, held = str(uuid4()), str(uuid4())
    data(caller.spend(10**6, spent), 201)
    data(caller.post("/api/wallet/holds", json={"txn_id": held, "amount": 10**6}), 201)
    nowhere = "http://127.0.0.1:9/closed"
    with database.connect() as administrator:
        made = administrator.execute("select id::text from wallet_create_webhook(null, %s)", [nowhere]).fetchone()
    assert made is not None
    dictionaries = {
        "wallet": [caller.account["wallet_id"], other.account["wallet_id"]],
        "hold": [held],
        "spend": [spent],
        "username": [other.username],
        "asset": ["UC"],
        "webhook": [made[0]],
        "url": [nowhere],
        "after": ["beginning"],
    }
    places = {
        "path.wallet_id": "wallet",
        "path.txn_id": "hold",
        "query.asset": "asset",
        "body.original_txn_id": "spend",
        "body.hold_txn_id": "hold",
        "body.to_wallet_id": "wallet",
        "body.to_username": "username",
        "body.asset": "asset",
        "path.webhook_id": "webhook",
        "body.url": "url",
        "body.after": "after",
    }
    always = {"body.url"}
    lines = [f"[dictionaries.{name}]\nvalues = {values}" for name, values in dictionaries.items()]
    lines += [
        f'[parameters."{place}"]\ndictionary = "{name}"\nprobability = {1.0 if place in always else 0.7}'
        for place, name in places.items()
    ]
    return "\n" + "\n".join(lines) + "\n"
