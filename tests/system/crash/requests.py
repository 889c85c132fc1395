"""What the clients ask for, and what they were told."""

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import uuid4

BONUS = 1000


class Outcome(StrEnum):
    """What a client knows of its request."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Account:
    """A user, as sign-up answered."""

    wallet_id: str
    token: str = field(repr=False)


@dataclass(slots=True, eq=False)
class Request:
    """A top-up, spend or transfer with a `txn_id` of its own."""

    type: str
    account: Account
    amount: int
    to_wallet_id: str | None = None
    txn_id: str = field(default_factory=lambda: str(uuid4()))
    outcome: Outcome = Outcome.UNKNOWN
    answer: dict[str, Any] | None = None
    was_unknown: bool = False
    fault: str = ""

    @property
    def path(self) -> str:
        return f"/api/wallet/{self.type}"

    @property
    def body(self) -> dict[str, Any]:
        body = {"txn_id": self.txn_id, "amount": self.amount}
        return body if self.to_wallet_id is None else {**body, "to_wallet_id": self.to_wallet_id}

    @property
    def replayed(self) -> bool:
        return self.answer is not None and bool(self.answer["replayed"])

    def told(self, status: int, body: dict[str, Any]) -> None:
        """Note an answer. After 503 it may have been written or not, unless it was busy."""
        if status in (200, 201):
            self.outcome, self.answer = Outcome.ACKNOWLEDGED, body["data"]
        elif status < 500 or (body["code"] == "busy" and not self.was_unknown):
            self.outcome = Outcome.REFUSED
        else:
            self.untold()
        if status not in (200, 201, 402, 503):
            self.fault = f"{self.type} {self.txn_id} was answered {status}: {body['detail']}"

    def untold(self) -> None:
        """Note that there was no answer."""
        self.outcome, self.was_unknown = Outcome.UNKNOWN, True


def draw(own: Account, shared: list[Account], everyone: list[Account]) -> Request:
    """A client's next request: from its own wallet, or from one that all clients share."""
    account = random.choice([own, own, random.choice(shared)])
    kind = random.choices(["topup", "spend", "transfer"], [45, 35, 20])[0]
    # now and then more than any of them has
    amount = 10**9 if kind != "topup" and random.random() < 0.1 else random.randint(1, 100)
    if kind != "transfer":
        return Request(kind, account, amount)
    other = random.choice([one for one in everyone if one is not account])
    return Request(kind, account, amount, other.wallet_id)
