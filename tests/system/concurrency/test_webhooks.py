"""Operators change webhooks while others do, while the relay delivers, and while a wallet is held."""

from functools import partial
from typing import Any

import psycopg
import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import PATIENCE, Session, at_once, sessions, until_waiting

CREATE = "select * from wallet_create_webhook(null, 'https://example.com', p_wallet_id => %s)"
# delivered up to the event 9
PROGRESS = """
    select wallet_relay_progress(
      %s, %s, 9, 0, null, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'
    ) as noted
"""
CHANGES = {
    "replay": "select * from wallet_replay_webhook(%s, 0)",
    "change": "select * from wallet_change_webhook(%s, 'https://example.com/2')",
    "pause": "select * from wallet_pause_webhook(%s)",
    "secret": "select * from wallet_rotate_webhook_secret(%s, '\\x02')",
    "delete": "select * from wallet_delete_webhook(%s)",
}


@pytest.fixture
def webhook(observer: Session) -> dict[str, Any]:
    """A webhook that has got to the event 7."""
    (made,) = observer.run(CREATE, None)
    (row,) = observer.run("update wallet.webhooks set position = 7 where id = %s returning *", made["id"])
    return row


def test_of_those_who_make_the_hundredth_at_once_one_does(database: Database, observer: Session) -> None:
    observer.run(
        "insert into wallet.webhooks (id, url, position)"
        " select gen_random_uuid(), 'https://example.com', 0 from generate_series(1, 99)"
    )
    with sessions(database, 8) as clients:
        results = at_once([partial(client.run, CREATE, None) for client in clients])
    refused = [result.sqlstate for result in results if isinstance(result, psycopg.Error)]
    assert refused == ["WA044"] * 7
    assert observer.run("select count(*)::integer as many from wallet.webhooks") == [{"many": 100}]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_delivered_before_a_change_is_not_noted_after_it(
    observer: Session, pair: tuple[Session, Session], webhook: dict[str, Any], change: str
) -> None:
    operator, relay = pair
    operator.run("begin")
    operator.run(CHANGES[change], webhook["id"])
    noted = relay.start(PROGRESS, webhook["id"], webhook["version"])
    until_waiting(observer, relay)
    operator.run("commit")
    assert noted.result(PATIENCE) == [{"noted": False}]
    left = observer.run("select position from wallet.webhooks where id = %s", webhook["id"])
    assert left == {"replay": [{"position": 0}], "delete": []}.get(change, [{"position": 7}])


def test_a_replay_begins_where_it_says_whatever_is_delivered_meanwhile(
    observer: Session, pair: tuple[Session, Session], webhook: dict[str, Any]
) -> None:
    relay, operator = pair
    relay.run("begin")
    assert relay.run(PROGRESS, webhook["id"], webhook["version"]) == [{"noted": True}]
    replayed = operator.start(CHANGES["replay"], webhook["id"])
    until_waiting(observer, operator)
    relay.run("commit")
    assert replayed.result(PATIENCE)[0]["position"] == 0
    assert observer.run(PROGRESS, webhook["id"], webhook["version"]) == [{"noted": False}]


def test_a_held_wallet_stops_who_makes_its_webhook_and_not_the_relay(
    database: Database, observer: Session, owner: Owner, webhook: dict[str, Any]
) -> None:
    with sessions(database, 3) as (holder, operator, relay):
        holder.run("begin")
        holder.run("select from wallet.wallets where id = %s for update", owner.wallet_id)
        made = operator.start(CREATE, owner.wallet_id)
        until_waiting(observer, operator)
        assert relay.start(PROGRESS, webhook["id"], webhook["version"]).result(PATIENCE) == [{"noted": True}]
        holder.run("commit")
        assert made.result(PATIENCE)[0]["wallet_id"] == owner.wallet_id


def test_who_makes_a_webhook_and_does_not_end_holds_up_others_who_make_one_and_not_the_relay(
    database: Database, observer: Session, webhook: dict[str, Any]
) -> None:
    with sessions(database, 3) as (maker, other, relay):
        maker.run("begin")
        maker.run(CREATE, None)
        relay.run("set lock_timeout = '1s'")
        assert relay.run(PROGRESS, webhook["id"], webhook["version"]) == [{"noted": True}]
        making = other.start(CREATE, None)
        until_waiting(observer, other)
        maker.run("commit")
        assert making.result(PATIENCE)


def test_a_webhook_begins_behind_those_who_are_not_finished(observer: Session, pair: tuple[Session, Session]) -> None:
    operator, writer = pair
    writer.run("begin")
    writer.run("select wallet_topup(wallet_id, gen_random_uuid(), 1) from wallet_credentials('alice')")
    operator.run("set lock_timeout = '50ms'")
    with pytest.raises(psycopg.Error) as refused:
        operator.run(CREATE, None)
    assert refused.value.sqlstate == "WA036"
    operator.run("set lock_timeout = '60s'")
    creating = operator.start(CREATE, None)
    writer.run("commit")
    (made,) = creating.result(PATIENCE)
    (newest,) = observer.run("select max(id) as id from wallet.transactions")
    assert made["position"] >= newest["id"]
