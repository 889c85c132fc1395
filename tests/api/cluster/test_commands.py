"""`pgwallet cluster`: what the commands do to the databases of a map, and how they say what they did not do."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from api.cluster.map_file import store
from api.cluster.move import Move, at, moved_map
from api.cluster_map import ClusterError, ClusterMap, Member, home_of, load
from api.errors import CommandError
from tests.command import Pgwallet
from tests.database import Database, PostgresServer

AWAY = "postgresql://postgres:secret@127.0.0.1:1/x"
NUMBER = "select number from wallet.shard"
HOMES = "select jsonb_agg(to_jsonb(numbers) order by generation) from wallet.homes"


class Cluster:
    """Empty databases on the tests' server, and a map that tests change."""

    def __init__(self, databases: list[Database], folder: Path) -> None:
        self.databases = databases
        self.file = folder / "map.toml"
        self.pgwallet = Pgwallet(folder / "data", PGWALLET_CLUSTER=str(self.file))

    def write(self, homes: list[list[int]], *more: Member) -> None:
        rows = tuple(tuple(row) for row in homes)
        named = {number for row in homes for number in row} - {member.number for member in more}
        own = [self.member(number) for number in sorted(named)]
        given = {member.number: member for member in (*own, *more)}
        store(self.file, ClusterMap(tuple(given.values()), rows).text())

    def member(self, number: int) -> Member:
        database = self.databases[number]
        relay = database.api_url.replace("wallet_api:", "wallet_relay:", 1)
        return Member(number, api_url=database.api_url, relay_url=relay, url=database.url)

    def value(self, number: int, query: str, *values: object) -> Any:
        with self.databases[number].connect() as administrator:
            row = administrator.execute(query.encode(), values).fetchone()
        assert row is not None
        return row[0]

    def json(self, *arguments: str) -> Any:
        return json.loads(self.pgwallet.call("cluster", *arguments, "--json"))


@pytest.fixture
def cluster(postgres_server: PostgresServer) -> Iterator[Cluster]:
    names = [f"cluster_{uuid4().hex}" for _ in range(3)]
    with (
        postgres_server.database("postgres").connect() as administrator,
        tempfile.TemporaryDirectory(prefix="pgwallet-") as folder,
    ):
        for name in names:
            administrator.execute(f"create database {name} template template0")
        found = Cluster([postgres_server.database(name) for name in names], Path(folder))
        with found.pgwallet:
            yield found
        for name in names:
            administrator.execute(f"drop database {name} with (force)")


def name_of(home: int, numbers: tuple[int, ...]) -> str:
    """A name that lives there."""
    return next(name for count in range(1000) if home_of(name := f"user{count}", numbers) == home)


def test_migrate_makes_one_cluster_and_doing_it_again_changes_nothing(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    for _ in range(2):
        assert cluster.pgwallet.call("cluster", "migrate") == "database 0: ok\ndatabase 1: ok\n"
        assert [cluster.value(number, NUMBER) for number in (0, 1)] == [0, 1]
        assert [cluster.value(number, HOMES) for number in (0, 1)] == [[[0, 1]]] * 2
    for url in (cluster.databases[1].api_url, load(cluster.file).members[1].relay_url):
        psycopg.connect(str(url)).close()
    assert cluster.json("status")["differences"] == []


@pytest.mark.long
def test_a_new_generation_comes_with_assets_operators_webhooks_and_keys(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    cluster.pgwallet.call("cluster", "migrate")
    cluster.value(0, "select code from wallet_create_asset('GEM', 'Gems', 3::smallint)")
    olga = name_of(1, (0, 1))
    cluster.value(1, "select username from wallet_register(%s, 'hash')", olga)
    assert cluster.json("role", olga, "operator")["home"] == 1
    made = "select id::text from wallet_create_webhook(null, 'https://shop.example/hook', p_secret => 'sealed')"
    webhook = cluster.value(0, made)
    cluster.value(0, "select id from wallet_pause_webhook(%s, 'not yet')", webhook)

    pia = cluster.value(0, "select user_id from wallet_register(%s, 'hash')", name_of(0, (0, 1)))
    made = "select id from wallet_create_key(null, %s, sha256(%s::text::bytea), 'pgw_12345678', '{topup}', array[%s])"
    cluster.value(0, made, "a shop", "secret", pia)
    cluster.value(0, "select id from wallet_revoke_key(%s)", cluster.value(0, made, "an old one", "old", pia))

    cluster.write([[0, 1], [0, 1, 2]])
    told = {one["number"]: one["difference"] for one in cluster.json("status")["differences"]}
    assert told[0] == "it knows the homes [[0, 1]]"
    assert told[2] == "it was never migrated, or by an older version"
    assert [one["joined"] for one in cluster.json("migrate")] == [True] * 3
    assert cluster.json("status")["differences"] == []
    user_id = cluster.value(1, "select id from wallet.users where username = %s", olga)
    operator = "select role from wallet.users where id = %s"
    for number in (0, 1, 2):
        assert cluster.value(number, HOMES) == [[0, 1], [0, 1, 2]]
        assert cluster.value(number, "select scale from wallet.assets where code = 'GEM'") == 3
        assert cluster.value(number, operator, user_id) == "operator"

    secret = "select concat_ws(' ', id, status, encode(secret, 'escape')) from wallet.webhooks"
    assert [cluster.value(number, secret) for number in (0, 2)] == [f"{webhook} paused sealed"] * 2

    kept = "select string_agg(k.name || ' ' || encode(k.secret_hash, 'hex') || ' ' || s.user_id, ', ')"
    kept += " from wallet.api_keys k join wallet.key_subjects s on s.key_id = k.id where k.revoked_at is null"
    assert cluster.value(0, kept).startswith("a shop ")
    assert [cluster.value(number, kept) for number in (1, 2)] == [cluster.value(0, kept)] * 2

    # a key that was revoked before the service had the new map, or while a database was away, ends in all of them
    key_id = cluster.value(0, "select id from wallet.api_keys where name = 'a shop'")
    cluster.value(1, "select id from wallet_revoke_key(%s)", key_id)
    cluster.json("migrate")
    assert [cluster.value(number, kept) for number in (0, 1, 2)] == [None] * 3
    revoked = "select count(*) from wallet.revocations where user_id = %s"
    assert [cluster.value(number, revoked, key_id) for number in (0, 1, 2)] == [1] * 3
    assert cluster.value(2, "select count(*) from wallet.operator_actions where key_id = %s", key_id) == 1

    # an operator who became a user at home alone is none anywhere after the next deploy
    cluster.value(1, "select role from wallet_set_role(%s, 'user')", olga)
    cluster.json("migrate")
    assert [cluster.value(number, operator, user_id) for number in (0, 1, 2)] == ["user"] * 3


def test_a_database_that_is_away_is_named_and_the_others_are_migrated(cluster: Cluster) -> None:
    cluster.write([[0, 1, 7]], Member(7, api_url=AWAY, relay_url=AWAY, url=AWAY))
    status, output, errors = cluster.pgwallet.attempt("cluster", "migrate", "--json")
    assert (status, errors.splitlines()[-1]) == (1, "pgwallet: 3 of 3 databases are not up to date, the first: 0")
    outcomes = {one["number"]: one for one in json.loads(output)}
    assert outcomes[0]["error"] == "not joined: every database must be migrated before homes change"
    assert outcomes[7]["error"].startswith(
        "no answer from the PostgreSQL server at postgresql://postgres@127.0.0.1:1/x"
    )
    assert [outcomes[number]["migrated"] for number in (0, 1, 7)] == [True, True, False]
    assert "secret" not in output + errors
    assert cluster.value(1, NUMBER) == 0

    (away,) = (one for one in cluster.json("status")["differences"] if one["number"] == 7)
    assert away["remedy"].startswith("start its server, or promote a standby of it")


def test_homes_that_contradict_those_of_a_database_are_refused_and_explained(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    cluster.pgwallet.call("cluster", "migrate")
    for number in (0, 1):
        cluster.value(number, "select username from wallet_register(%s, 'hash')", name_of(number, (0, 1)))
    cluster.write([[1, 0]])
    status, output, _ = cluster.pgwallet.attempt("cluster", "migrate")
    assert status == 1
    first, second = output.splitlines()
    assert "must begin with the generations that are stored" in first
    assert second == "database 1: not joined: database 0 comes first"
    assert cluster.value(1, HOMES) == [[0, 1]]
    told = cluster.json("status")["differences"][0]
    assert told["difference"] == "it knows the homes [[0, 1]]"
    assert told["remedy"].startswith("let the homes of the map begin with these")


def test_an_asset_with_two_scales_is_told(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    cluster.pgwallet.call("cluster", "migrate")
    for number in (0, 1):
        create = "select code from wallet_create_asset('ORE', 'Ore', %s::smallint)"
        cluster.value(number, create, number)
    (told,) = cluster.json("status")["differences"]
    assert (told["number"], told["difference"]) == (1, "another scale than in the first database has ORE")


def test_two_numbers_of_one_database_are_told(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    cluster.pgwallet.call("cluster", "migrate")
    first = cluster.member(0)
    cluster.write([[0, 1]], Member(1, first.api_url, first.relay_url, None, first.url))
    told = [one["difference"] for one in cluster.json("status")["differences"] if one["number"] == 1]
    assert told == ["it has number 0", "it is the same database as another of the map"]


def test_role_is_changed_at_home_and_in_all_copies(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    cluster.pgwallet.call("cluster", "migrate")
    name = name_of(1, (0, 1))
    user_id = cluster.value(1, "select user_id from wallet_register(%s, 'hash')", name)
    role = "select role from wallet.users where id = %s"
    for wanted in ("operator", "user"):
        assert cluster.pgwallet.call("cluster", "role", name, wanted) == f"{name} of database 1 is {wanted}\n"
        assert [cluster.value(number, role, user_id) for number in (0, 1)] == [wanted] * 2
    assert cluster.pgwallet.refusal("cluster", "role", "nobody", "user") == "there is no user nobody in any database"


def test_verify_judges_every_database_and_what_is_between_them(cluster: Cluster) -> None:
    cluster.write([[0, 1]])
    cluster.pgwallet.call("cluster", "migrate")
    wallets = [
        cluster.value(number, "select wallet_id from wallet_register(%s, 'hash')", name_of(number, (0, 1)))
        for number in (0, 1)
    ]
    sent = cluster.value(0, "select id from wallet_transfer(%s, %s, 100, %s, null)", wallets[0], uuid4(), wallets[1])
    found = cluster.json("verify")
    assert [one["error"] for one in found["databases"]] == [None, None]
    assert found["in_transit"]["UC"] == 100
    (transit,) = cluster.json("status")["databases"][0]["facts"]["in_transit"]
    assert (transit["destination"], transit["pending"], transit["amount"]) == (1, 1, 100)

    with cluster.databases[0].connect() as administrator:
        administrator.execute("alter table wallet.outbox disable trigger all")
        administrator.execute(
            "update wallet.outbox set status = 'delivered', concluded_at = now() where transaction_id = %s", [sent]
        )
    status, output, errors = cluster.pgwallet.attempt("cluster", "verify")
    assert status == 1
    assert errors.splitlines()[-1] == "pgwallet: not everything is as it must be"
    assert "violation=lost" in output
    assert "between them: 1 rows of transfers, 1 violations" in output


def test_without_a_map_the_setting_is_named(wallet: Pgwallet) -> None:
    assert wallet.refusal("cluster", "status").startswith("PGWALLET_CLUSTER must be set")
    assert wallet.refusal("cluster", "server", "kill", "a1").startswith("no cluster runs on ")
    assert wallet.refusal("cluster", "run", DATABASE_URL=AWAY).startswith("DATABASE_URL is set")


def test_a_map_is_replaced_at_once_and_keeps_its_mode(tmp_path: Path) -> None:
    file, link = tmp_path / "map.toml", tmp_path / "link.toml"
    store(file, "homes = [[0]]")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    link.symlink_to(file)
    store(link, "homes = [[1]]")
    assert (file.read_text(), file.stat().st_mode & 0o777, link.is_symlink()) == ("homes = [[1]]", 0o640, True)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.toml", "map.toml"]
    with pytest.raises(ClusterError, match="cannot be written"):
        store(tmp_path / "missing" / "map.toml", "")


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        (
            "postgresql://wallet_api:a%2Fb@db0:5433,db0b/wallet?sslmode=require&target_session_attrs=read-write",
            "postgresql://postgres@db9:5444/postgres",
            "postgresql://wallet_api:a%2Fb@db9:5444/wallet?sslmode=require",
        ),
        (
            "postgresql://postgres@/wallet?host=/a,/b&port=5432,5432&target_session_attrs=read-write",
            "postgresql://postgres@/postgres?host=/c&port=5432",
            "postgresql://postgres@/wallet?host=/c&port=5432",
        ),
    ],
)
def test_an_address_on_another_server_keeps_login_database_and_the_rest(url: str, target: str, expected: str) -> None:
    assert at(url, target) == expected


def test_a_move_changes_the_addresses_in_the_map_and_nothing_else() -> None:
    text = """# ours
homes = [[0, 1]]
databases = [
  { number = 0, url = "postgresql://postgres@a/w", api_url = 'postgresql://x@a/w' },  # the first
  { number = 1, url = "postgresql://postgres@a/w2", api_url = "postgresql://x@a/w2" },
]
"""
    before = Member(0, api_url="postgresql://x@a/w", url="postgresql://postgres@a/w")
    after = Member(0, api_url="postgresql://x@b/w", url="postgresql://postgres@b/w")
    other = Member(1, api_url="postgresql://x@a/w2", url="postgresql://postgres@a/w2")
    changed = moved_map(text, ClusterMap((before, other), ((0, 1),)), before, after)
    assert changed == text.replace('postgres@a/w"', 'postgres@b/w"').replace(
        "'postgresql://x@a/w'", '"postgresql://x@b/w"'
    )
    with pytest.raises(ClusterError, match="write each as one text in quotes"):
        moved_map(text.replace("//x@a/w'", "//x@a/\\u0077'"), ClusterMap((before, other), ((0, 1),)), before, after)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("db9", "--to must be a URL"),
        ("postgresql://postgres@b,c/postgres", "--to must name one server"),
        ("postgresql://postgres@a:5432/postgres", "addresses of database 1 name that server, too"),
    ],
)
def test_a_move_to_what_cannot_be_is_refused(tmp_path: Path, target: str, reason: str) -> None:
    file = tmp_path / "map.toml"
    members = tuple(Member(number, url=f"postgresql://postgres@a/w{number}") for number in (0, 1))
    store(file, ClusterMap(members, ((0, 1),)).text())
    with pytest.raises(CommandError, match=reason):
        Move(file, 0, target, lambda: None)
    with pytest.raises(CommandError, match="the map has no database 5"):
        Move(file, 5, "postgresql://postgres@b/postgres", lambda: None)
