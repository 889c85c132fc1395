"""One worker process on one database for all tests here: each test signs up users of its own.

For tests of the command line there are real processes of it, on temporary data dirs and free ports.
"""

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import bcrypt
import httpx
import pytest

from tests.api.receiver import Receiver
from tests.api.service import TLS, Service, User, serve
from tests.cluster import spread
from tests.command import Pgwallet
from tests.database import Database, PostgresServer, cloned

WITHOUT_RELAY = {"PGWALLET_RELAY": "off"}
"""One process less to load at each start; tests that are about it set PGWALLET_RELAY again."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a cluster only what speaks to a service of it runs, and is not about one database by nature."""
    if config.getoption("databases") > 1:
        apart = [item for item in items if not on_databases(item)]
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in apart]


def on_databases(item: pytest.Item) -> bool:
    return "service_database" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("one_database")


@pytest.fixture(scope="session")
def service_database(postgres_server: PostgresServer, pytestconfig: pytest.Config) -> Iterator[Database]:
    """The database of `service`: a clone of the migrated template, or as many as `--databases` says."""
    with with_cheap_hashes(postgres_server, "service", pytestconfig.getoption("databases")) as found:
        yield found


@contextlib.contextmanager
def with_cheap_hashes(postgres_server: PostgresServer, name: str, databases: int = 1) -> Iterator[Database]:
    """A clone of the migrated template, or a cluster with more than one database."""
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(cloned(postgres_server, name))
        with found.connect() as administrator:
            # of the demo accounts: a dear hash on record makes every sign-in that fails dear
            for username, password in (("alice", b"password123"), ("bob", b"password456"), ("charlie", b"password789")):
                cheap = bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()
                update = "update wallet.users set password_hash = %s where username = %s"
                administrator.execute(update, [cheap, username])
        yield found if databases == 1 else stack.enter_context(spread(found, databases))


@pytest.fixture(scope="session")
def service(service_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The running service."""
    with serve(service_database.api_url, tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """A client that is not signed in."""
    with httpx.Client(base_url=service.url, timeout=20, verify=TLS) as anonymous:
        yield anonymous


@pytest.fixture
def alice(service: Service) -> Iterator[User]:
    """A new user, signed in, with a balance of 1000."""
    with closing(User(service)) as user:
        yield user


@pytest.fixture
def bob(service: Service) -> Iterator[User]:
    """Another one."""
    with closing(User(service)) as user:
        yield user


@pytest.fixture
def operator(service: Service, service_database: Database) -> Iterator[User]:
    """A user whom an administrator made an operator."""
    with closing(User(service)) as user:
        with service_database.connect() as administrator:
            administrator.execute("select public.wallet_set_role(%s, 'operator')", [user.username])
        user.sign_in()  # another role, and no token of before is valid
        yield user


@pytest.fixture(scope="session")
def prepared_dir() -> Iterator[Path]:
    """A data dir whose database is set up, for tests that need one and can work with what others left in it."""
    with tempfile.TemporaryDirectory(prefix="pgwallet-") as folder:
        wallet = Pgwallet(Path(folder))
        wallet.call("migrate")
        wallet.call("seed")
        # what the tests write must survive a kill, not a power cut
        wallet.call("psql", "-qc", "alter system set fsync = off")
        yield Path(folder)


@pytest.fixture
def wallet(prepared_dir: Path) -> Iterator[Pgwallet]:
    """The command line on `prepared_dir`; what it runs in the background ends with the test."""
    with Pgwallet(prepared_dir, **WITHOUT_RELAY) as found:
        yield found


@pytest.fixture
def fresh() -> Iterator[Pgwallet]:
    """The command line on a data dir that does not exist yet."""
    # not in tmp_path: each start of pytest closes its root again, also to the user who runs our server
    with (
        tempfile.TemporaryDirectory(prefix="pgwallet-") as folder,
        Pgwallet(Path(folder) / "data", **WITHOUT_RELAY) as found,
    ):
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks on loopback."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
