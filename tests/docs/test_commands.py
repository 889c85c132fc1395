"""The commands of the documents do what the documents say."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.database import Database, PostgresServer
from tests.docs.markdown import ROOT, commands
from tests.docs.reader import Reader, reader

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def foreign(postgres_server: PostgresServer) -> Iterator[Database]:
    """An empty database on a server that pgwallet does not embed."""
    name = f"foreign_{uuid4().hex}"
    with postgres_server.database("postgres").connect() as administrator:
        administrator.execute(f"create database {name} template template0")
        yield postgres_server.database(name)
        administrator.execute(f"drop database {name} with (force)")


def read(one: Reader, *documents: str) -> None:
    for document in documents:
        found = list(commands(ROOT / document))
        assert found, f"{document} has no commands"
        for command in found:
            one.enter(command)


def test_readme_and_reference() -> None:
    with reader() as one:
        read(one, "README.md", "docs/api/reference.md")


@pytest.mark.long
def test_customer_care() -> None:
    with reader() as one:
        read(one, "docs/operations/customer-care.md")


@pytest.mark.long
def test_events() -> None:
    with reader() as one:
        read(one, "docs/guides/events.md")


@pytest.mark.long
def test_charge_with_a_key() -> None:
    with reader() as one:
        read(one, "docs/guides/charge-with-a-key.md")


@pytest.mark.long
def test_command_line() -> None:
    with reader() as one:
        read(one, "docs/guides/command-line.md", "docs/operations/retention.md")


@pytest.mark.long
def test_change_data_capture() -> None:
    with reader() as one:
        read(one, "docs/guides/change-data-capture.md")


@pytest.mark.long
def test_embedding(foreign: Database) -> None:
    with reader(foreign) as one:
        read(one, "docs/guides/embedding.md")


@pytest.mark.long
def test_local_setup(foreign: Database) -> None:
    with reader(foreign) as one:
        read(one, "docs/setup/local.md")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_several_databases() -> None:
    with reader() as one:
        read(one, "docs/deployment/cluster.md")
