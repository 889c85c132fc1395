"""Writes docs/api/event.schema.json and docs/api/event.examples.json; a test holds both equal to what is here.

python -m tests.docs.event_files
"""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from api.schemas.events import AccountCloudEvent, HoldCloudEvent, TransactionCloudEvent
from tests.command import wait_until
from tests.database import own_server
from tests.docs.markdown import ROOT

SCHEMA = ROOT / "docs/api/event.schema.json"
EXAMPLES = ROOT / "docs/api/event.examples.json"
MARK = "select up_to, fence from wallet_event_mark()"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
HASH = re.compile(r"\b[0-9a-f]{64}\b")
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")

# What happens in the examples, each statement in a transaction of its own. {…}: a wallet, or a user, by name.
STORY = (
    "select wallet_register('dora', 'hash')",
    "select wallet_topup({dora}, {t1}, 500, 'wages', '{{\"month\": 5}}', '2026-05-31')",
    "select wallet_spend({dora}, {t2}, 70, 'order 17')",
    "select wallet_refund({dora}, {t3}, {t2}, 20)",
    "select wallet_transfer({dora}, {t4}, 30, p_to_username => 'alice', p_reference => 'rent')",
    "select wallet_hold({dora}, {t5}, 100, 3600, 'a room')",
    "select wallet_capture({dora}, {t6}, {t5}, 60)",
    "select wallet_hold({dora}, {t7}, 40, 3600)",
    "select wallet_void({dora}, {t8}, {t7})",
    "select wallet_hold({dora}, {t9}, 10, 1)",
    "update wallet.holds set expires_at = created_at + interval '1 microsecond' where txn_id = {t9}",
    "select wallet_sweep()",
    "select wallet_adjust({dora}, {t10}, -5, 'a mistake')",
    "select wallet_join_cluster(0::smallint, '[[0], [0, 9], [0]]')",
    "select wallet_transfer({dora}, {t11}, 15, {elsewhere})",
    "select wallet_conclude(array(select transaction_id from wallet.outbox), '{{WA013}}')",
    "select wallet_receive('{{9895604649985}}', array[{elsewhere}], array[{dora}::uuid], '{{25}}', '{{UC}}'"
    ", '{{gift}}')",
    "select wallet_set_limits({dora}, '{{spend}}', '{{100}}', '{{500}}', '{{null}}')",
    "select wallet_set_status({dora}, 'frozen', 'she asked')",
    "select wallet_set_role('dora', 'operator')",
    "select wallet_erase_user((select owner_id from wallet.wallets where id = {dora}), 'she asked')",
)


def schema() -> dict[str, Any]:
    """The JSON Schema of an event. Members may be added: it allows others."""
    kinds = (TransactionCloudEvent, HoldCloudEvent, AccountCloudEvent)
    found, parts = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pgwallet event",
        "description": "An event of pgwallet: a CloudEvent 1.0 in JSON. Members may be added later.",
        "oneOf": list(found),
        "$defs": {name: _tidied(parts[name]) for name in sorted(parts)},
    }


def _tidied(part: Any) -> Any:
    """Say what msgspec leaves out: the form of times, and what a member with a raw value is."""
    if isinstance(part, list):
        return [_tidied(one) for one in part]
    if not isinstance(part, dict):
        return part
    tidied = {name: _tidied(value) for name, value in part.items() if name != "extra"} | part.get("extra", {})
    if isinstance(tidied.get("description"), str):
        tidied["description"] = " ".join(tidied["description"].split())
    for name, member in tidied.get("properties", {}).items():
        if name == "time" or name.endswith("_at"):
            for kind in (member, *member.get("anyOf", ())):
                if kind.get("type") == "string":
                    kind["format"] = "date-time"
    return tidied


def examples(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """What happens, as the real functions tell it; ids, times and hashes are replaced by others that never change."""

    def one(sql: str) -> tuple[Any, ...]:
        return connection.execute(sql.encode()).fetchone() or ()

    names: dict[str, str] = {f"t{number}": f"'{UUID(int=number)}'" for number in range(1, 12)}
    names["elsewhere"] = "'018f6b5d-0000-8000-8000-00000000b009'::uuid"
    found: list[dict[str, Any]] = []
    (after,) = one("select last_value from wallet.transaction_ids")
    for statement in STORY:
        if statement.startswith("update"):
            connection.execute("set session_replication_role = replica")
        connection.execute(statement.format(**names).encode())
        connection.execute("reset session_replication_role")
        if "dora" not in names:
            (dora,) = one("select wallet_id from wallet_credentials('dora')")
            names["dora"] = f"'{dora}'"
        # at once, before the erasure: events are described when they are read
        found += (events := read(connection, after))
        after = int(events[-1]["id"]) if events else after
    return constant(found)


def read(connection: psycopg.Connection, after: int) -> list[dict[str, Any]]:
    """All events after one."""

    def settled() -> tuple[int, int] | None:
        up_to, fence = connection.execute(MARK).fetchone() or (0, 0)
        passed = connection.execute("select wallet_event_settled(%s)", [fence]).fetchone()
        return (up_to, fence) if up_to and passed == (True,) else None

    bound = wait_until(settled)
    assert bound
    sql = "select event from wallet_events(%s, %s, %s, 1000) where type is not null"
    return [event for (event,) in connection.execute(sql, [after, *bound])]


def constant(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace what differs from run to run, in the order of its appearance."""
    first = int(events[0]["id"]) - 1
    for event in events:
        event["id"] = str(int(event["id"]) - first)
        data = event["data"]
        if "entries" in data:
            data["id"] -= first
            for entry in data["entries"]:
                entry["seq"] -= first if entry["purpose"] else 0
    text = json.dumps(events)
    text = _replaced(ID, text, lambda number: f"018f6b5e-0000-7000-8000-{number:012x}")
    text = _replaced(TIME, text, lambda number: f"2026-11-22T12:00:{number:02d}.{number:06d}Z")
    text = _replaced(HASH, text, lambda number: hashlib.sha256(str(number).encode()).hexdigest())
    replaced: list[dict[str, Any]] = json.loads(text)
    return replaced


def _replaced(pattern: re.Pattern[str], text: str, name: Callable[[int], str]) -> str:
    seen: dict[str, str] = {}
    return pattern.sub(lambda found: seen.setdefault(found[0], name(len(seen) + 1)), text)


def as_text(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def write() -> None:
    SCHEMA.write_text(as_text(schema()))
    with own_server() as (_, database), database.connect() as administrator:
        EXAMPLES.write_text(as_text(examples(administrator)))


if __name__ == "__main__":
    write()
