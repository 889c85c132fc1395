"""The examples of the client's README do what they say: after `print(…)  # ` stands what is printed."""

import contextlib
import io
import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from tests.api.service import Service, User, data
from tests.docs.markdown import FENCE, ROOT

README = (ROOT / "clients/python/README.md").read_text()
BLOCKS = [block[2] for block in FENCE.finditer(README) if block[1] == "python"]
PRINTED = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.mark.one_database("bob of the seeds has a wallet in one database of a cluster")
def test_the_examples_print_what_they_say(service: Service, operator: User) -> None:
    name = f"dora-{uuid4().hex[:8]}"
    told: dict[str, Any] = {}
    for block in BLOCKS:
        if "pgw_…" in block:
            made = operator.post(
                "/api/operator/keys", json={"name": "shop", "scopes": ["read", "hold"], "subjects": [name]}
            )
            block = block.replace("pgw_…", data(made, 201)["secret"])
        program = block.replace("http://localhost:8080", service.url).replace('"dora"', f'"{name}"')
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(program, "README.md", "exec"), told)
            if "def receive" in block:
                receive(told)
        assert printed.getvalue().splitlines() == PRINTED.findall(block), block


def receive(told: dict[str, Any]) -> None:
    """Deliver what the relay would deliver."""
    examples = json.loads((ROOT / "docs/api/event.examples.json").read_text())
    (event,) = (one for one in examples if one["type"] == "pgwallet.transaction.topup")
    body = json.dumps(event)
    now = datetime.now(UTC)
    headers = {
        "Webhook-Id": event["id"],
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Webhook(told["secret"]).sign(event["id"], now, body),
    }
    told["receive"](body.encode(), headers)
