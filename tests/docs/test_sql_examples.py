"""The examples of db/examples print what is beside them."""

import subprocess
from pathlib import Path

import pytest

from api.postgres import embedded
from api.urls import libpq_variables
from tests.database import Database
from tests.docs.markdown import ROOT, links

EXAMPLES = sorted((ROOT / "db/examples").glob("*.sql"))


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.stem for example in EXAMPLES])
def test_an_example_prints_what_is_beside_it_and_leaves_nothing(example: Path, module_database: Database) -> None:
    with module_database.connect() as administrator:
        before = administrator.execute("select count(*) from wallet.users").fetchone()
        done = subprocess.run(
            [embedded.binaries() / "psql", "-X", "-f", example.relative_to(ROOT)],
            check=False,
            cwd=ROOT,
            env=embedded.environment() | libpq_variables(module_database.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.stdout == example.with_suffix(".out").read_text(encoding="utf-8")
        assert administrator.execute("select count(*) from wallet.users").fetchone() == before


def test_each_is_in_the_list() -> None:
    listed = links(ROOT / "db/examples/README.md")
    assert sorted(link for link in listed if link.endswith(".sql")) == [example.name for example in EXAMPLES]
