"""The judge finds what does not match: a judge that finds nothing would let everything pass."""

from typing import Any

import pytest

from tests.system.cluster.judge import mismatches

SENT = {
    "wallet_id": "a", "to_wallet_id": "b", "status": "delivered", "code": None, "amount": 5, "asset": "UC",
    "returned_type": None, "returned_amount": None,
}  # fmt: skip
DECIDED = {
    "from_wallet_id": "a", "to_wallet_id": "b", "amount": 5, "asset": "UC", "code": None,
    "type": "received", "credited": 5,
}  # fmt: skip
RETURNED = {"status": "returned", "code": "WA013", "returned_type": "returned", "returned_amount": 5}
REFUSED = {"code": "WA013", "type": None, "credited": None}


@pytest.mark.parametrize(("sent", "decided"), [({}, {}), (RETURNED, REFUSED)])
def test_what_matches_is_no_finding(sent: dict[str, Any], decided: dict[str, Any]) -> None:
    assert mismatches({1: SENT | sent}, {1: DECIDED | decided}) == []


@pytest.mark.parametrize(
    ("sent", "decided"),
    [
        ({"status": "pending"}, {}),
        (RETURNED, {}),
        ({}, REFUSED),
        (RETURNED | {"code": "WA006"}, REFUSED),
        ({}, {"amount": 6}),
        ({}, {"credited": 6}),
        ({}, {"type": "topup"}),
        ({}, {"to_wallet_id": "c"}),
        ({}, {"from_wallet_id": "c"}),
        (RETURNED | {"returned_amount": 4}, REFUSED),
        (RETURNED | {"returned_type": None}, REFUSED),
    ],
)
def test_what_differs_is_found(sent: dict[str, Any], decided: dict[str, Any]) -> None:
    assert len(mismatches({1: SENT | sent}, {1: DECIDED | decided})) == 1


def test_what_one_side_lacks_is_found() -> None:
    assert len(mismatches({1: SENT}, {})) == 1
    assert len(mismatches({}, {1: DECIDED})) == 1
