"""Who holds a fence back, in a server that has used all xids of 32 bits up three times."""

from collections.abc import Iterator

import pytest

from tests.database import Database, own_server

pytestmark = pytest.mark.timeout(120)
FENCE = "select fence from wallet_event_mark()"
HOLDERS = "select pid, gid, login, application, database from wallet_fence_holders(%s)"
SINCE = "select since from wallet_fence_holders(%s)"


@pytest.fixture
def old_cluster() -> Iterator[Database]:
    """A database on a server of its own, with prepared transactions."""
    with own_server("max_prepared_transactions = 5") as (server, database):
        server.stop()
        done = server._run(["pg_resetwal", "--epoch=3", str(server.pgdata)])
        assert done.returncode == 0, done.stderr
        server.start()
        yield database


def test_each_open_transaction_of_the_cluster_with_an_older_xid_is_named(old_cluster: Database) -> None:
    elsewhere = old_cluster.server.database("postgres")
    with (
        old_cluster.connect(service=True) as service,
        elsewhere.connect() as session,
        elsewhere.connect() as prepared,
        old_cluster.connect() as reader,
        old_cluster.connect() as later,
    ):
        session.execute("set application_name = 'a report'")
        session.execute("begin")
        session.execute("select pg_current_xact_id()")
        session.execute("savepoint a")
        session.execute("create table ours ()")
        prepared.execute("begin")
        prepared.execute("create table theirs ()")
        prepared.execute("prepare transaction 'left behind'")
        reader.execute("begin")
        reader.execute("select count(*) from wallet.users")
        (fence,) = service.execute(FENCE).fetchone() or (0,)
        assert fence > 3 * 2**32
        later.execute("begin")
        later.execute("select pg_current_xact_id()")

        held = (session.info.backend_pid, None, "postgres", "a report", "postgres")
        assert service.execute(HOLDERS, [fence]).fetchall() == [
            held,
            (None, "left behind", "postgres", None, "postgres"),
        ]
        (of_session,), (of_prepared,) = service.execute(SINCE, [fence]).fetchall()
        assert of_session is None, "wallet_owner may not read the statistics of others"
        assert of_prepared is not None
        prepared.execute("rollback prepared 'left behind'")
        assert service.execute(HOLDERS, [fence]).fetchall() == [held]
        session.execute("rollback")
        assert service.execute(HOLDERS, [fence]).fetchall() == []
