"""A database for all tests of a module, for those that take many small steps in it."""

from collections.abc import Iterator

import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.database import Cluster, Database


@pytest.fixture(scope="module")
def module_database(
    cluster: Cluster, postgresql_noproc: NoopExecutor, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A clone of the migrated template, which the tests of the module share."""
    name = f"{request.module.__name__.rpartition('.')[2]}_{postgresql_noproc.dbname}"
    with cluster.database("postgres").connect() as administrator:
        administrator.execute(f"create database {name} template {postgresql_noproc.template_dbname}")
        yield cluster.database(name)
        administrator.execute(f"drop database {name} with (force)")
