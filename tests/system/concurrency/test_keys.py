"""Keys of which operators make one too many at once, and use while a key ends."""

from functools import partial
from uuid import uuid4

import psycopg
import pytest

from tests.database import Database
from tests.system.concurrency.conftest import Owner
from tests.system.concurrency.sessions import PATIENCE, Session, at_once, sessions, txn, until_waiting

CREATE = "select * from wallet_create_key(null, 'a', sha256(%s::text::bytea), 'pgw_12345678', '{topup}', null, true)"
TOP_UP = "select id, replayed from wallet_topup(%s, %s, 1, p_actor => %s, p_key_id => %s)"


def test_of_those_who_make_the_thousandth_at_once_one_does(database: Database, observer: Session) -> None:
    observer.run(
        "insert into wallet.api_keys (id, name, prefix, secret_hash, scopes, all_users)"
        " select gen_random_uuid(), 'a key', 'pgw_12345678', sha256(n::text::bytea), '{topup}', true"
        " from generate_series(1, 999) n"
    )
    with sessions(database, 8) as clients:
        results = at_once([partial(client.run, CREATE, uuid4()) for client in clients])
    refused = [result.sqlstate for result in results if isinstance(result, psycopg.Error)]
    assert refused == ["WA049"] * 7


def test_who_makes_a_key_and_does_not_end_holds_up_others_who_make_one_and_nothing_else(
    observer: Session, pair: tuple[Session, Session]
) -> None:
    (key,) = observer.run(CREATE, "a secret")
    maker, other = pair
    maker.run("begin")
    maker.run(CREATE, "another")
    observer.run("set lock_timeout = '1s'")
    observer.run("select wallet_note_key_use(%s)", [key["id"]])
    assert observer.run("select revoked_at is not null as ended from wallet_revoke_key(%s)", key["id"]) == [
        {"ended": True}
    ]
    making = other.start(CREATE, "one more")
    until_waiting(observer, other)
    maker.run("commit")
    assert making.result(PATIENCE)


def test_what_waits_for_a_wallet_while_its_key_ends_was_asked_for_before(
    observer: Session, pair: tuple[Session, Session], owner: Owner
) -> None:
    """A key is judged when a call begins. The next one is refused, also the same again."""
    (key,) = observer.run(CREATE, "a secret")
    holder, caller = pair
    holder.run("begin")
    holder.run("select from wallet.wallets where id = %s for update", owner.wallet_id)
    call = [TOP_UP, owner.wallet_id, txn(1), owner.user_id, key["id"]]
    waiting = caller.start(*call)
    until_waiting(observer, caller)
    observer.run("select * from wallet_revoke_key(%s)", key["id"])
    holder.run("commit")
    (made,) = waiting.result(PATIENCE)
    assert observer.run("select key_id from wallet.key_uses where id = %s", made["id"]) == [{"key_id": key["id"]}]
    with pytest.raises(psycopg.Error) as refused:
        caller.run(*call)
    assert refused.value.sqlstate == "WA047"
