"""The programs of the guides work as they stand there."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.service import User, serve
from tests.database import Database
from tests.docs.event_files import STORY, examples
from tests.docs.markdown import FENCE, ROOT

pytestmark = pytest.mark.timeout(120)


def program(guide: str) -> str:
    """The one program that the guide shows."""
    (found,) = (block[2] for block in FENCE.finditer((ROOT / guide).read_text()) if block[1] == "python")
    return found


def test_balances_that_are_added_up_from_events_are_those_of_the_ledger(database: Database, tmp_path: Path) -> None:
    with database.connect() as administrator, serve(database.api_url, tmp_path) as service:
        assert len(examples(administrator)) > len(STORY) - 2
        with closing(User(service)) as operator:
            for _ in range(3):
                operator.topup()
                operator.spend(30)
            administrator.execute("select wallet_set_role(%s, 'operator')", [operator.username])
            operator.sign_in()
            # pages of three, so that there are some
            paged = program("docs/guides/events.md").replace("limit=1000", "limit=3")
            done = subprocess.run(
                [sys.executable, "-c", paged],
                env={**os.environ, "URL": service.url, "TOKEN": operator.token},
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        balances = administrator.execute("select wallet_id::text, sum(amount)::bigint from wallet.ledger group by 1")
        assert json.loads(done.stdout) == dict(balances.fetchall())
