"""Webhooks as operators make, change and look at them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.schemas.events import CURSOR_PATTERN, EventName
from api.schemas.fields import OPERATOR_ID, TEXT_PATTERN, WALLET_ID, AssetCode, Away, CreatedAt
from api.schemas.inspection import ActorName, NextCursor
from api.schemas.operator import Reason

WEBHOOK_ID = "018f6b5e-0000-7000-8000-00000000f00c"
WEBHOOK_SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl8xvWEBZr5kQgQ9qbQf8="  # noqa: S105
BEGINNING = "beginning"
URL_PATTERN = "^https?://[^/?#@\\\\\\s]+([/?][!$-;=?-Z_a-z~%\\[\\]]*)?$"
AFTER_PATTERN = f"^({BEGINNING}|{CURSOR_PATTERN})$"

Url = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=2048,
        pattern=URL_PATTERN,
        description="`https://…`, without credentials and fragment. `http://` and private addresses are for those in "
        "`PGWALLET_WEBHOOK_NETWORKS`. It stays on record.",
        examples=["https://example.com/pgwallet"],
    ),
]
Description = Annotated[
    str, Meta(min_length=1, max_length=256, pattern=TEXT_PATTERN, description="Free text.", examples=["receipts"])
]
EventNames = Annotated[
    list[EventName],
    Meta(min_length=1, max_length=64, description="Only these events; null: all.", examples=[["transaction.topup"]]),
]
BatchSize = Annotated[
    int,
    Meta(ge=1, le=100, description="Events in a delivery, at most: above 1 they come as a JSON array.", examples=[1]),
]
HookAsset = Annotated[AssetCode, Meta(description="Only of wallets in this asset.", examples=["UC"])]
HookWallet = Annotated[
    UUID, Meta(description="Only of this user wallet, either side of a transfer.", examples=[WALLET_ID])
]
After = Annotated[
    str,
    Meta(
        pattern=AFTER_PATTERN,
        description="Deliveries begin after the event that has this cursor, or at the `beginning` of all.",
        examples=[BEGINNING],
    ),
]
Secret = Annotated[
    str, Meta(description="Verifies deliveries (Standard Webhooks). It is shown once.", examples=[WEBHOOK_SECRET])
]
EventNumber = Annotated[int, Meta(description="The number of an event, as its `id` says.", examples=[42])]
AnswerStatus = Annotated[
    int | None,
    Meta(description="Of the receiver's HTTP answer; null: there was none, and `error` says why.", examples=[200]),
]
DeliveryError = Annotated[str | None, Meta(description="Why there was no answer.", examples=[None])]


class WebhookRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """All that is set of a webhook: what is left out ends."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"asset": None, "wallet_id": None}

    url: Url
    description: Description | None = None
    types: EventNames | None = None
    asset: HookAsset | None = None
    wallet_id: HookWallet | None = None
    batch_size: BatchSize = 1


class NewWebhookRequest(WebhookRequest, forbid_unknown_fields=True, kw_only=True):
    """A webhook to make."""

    EXAMPLE: ClassVar[dict[str, Any]] = WebhookRequest.EXAMPLE | {"after": None}

    after: After | None = None
    """Without: what happens from now on."""


class ReplayRequest(Struct, forbid_unknown_fields=True):
    """From where on events are delivered again."""

    after: After


class PauseRequest(Struct, forbid_unknown_fields=True):
    """Why nothing is to be delivered for a while."""

    reason: Annotated[Reason, Meta(description="Shown with the webhook, and kept on record.")] | None = None


HookStatus = Annotated[Literal["active", "paused"], Meta(examples=["active"])]
Position = Annotated[int, Meta(description="The number of the event that it has got to; 0 for none.", examples=[42])]
Behind = Annotated[
    int, Meta(description="Events that it has not got to; from 1,000 on a bound, not a count.", examples=[0])
]
Backlog = Annotated[
    int,
    Meta(description="Events that it has got to, and that wait for another try; counted up to 10,000.", examples=[0]),
]
DeadLetters = Annotated[int, Meta(description="Events that were given up; counted up to 10,000.", examples=[0])]
Failures = Annotated[int, Meta(description="Attempts that failed since the last one that did not.", examples=[0])]


class WebhookPart(Struct):
    """How far a webhook is in one database of a cluster."""

    database: Annotated[int, Meta(description="The number of the database.", examples=[0])]
    status: HookStatus
    position: Position
    behind: Behind
    backlog: Backlog
    dead_letters: DeadLetters
    failures: Failures


class Webhook(Struct):
    """A webhook, and how far it is. In a cluster: all databases together, paused if it is in any of them."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "databases": UNSET,
        "missing": UNSET,
        "away": UNSET,
        "asset": None,
        "wallet_id": None,
        "pause_reason": None,
        "oldest_at": None,
        "last_failure_at": None,
        "previous_until": None,
    }

    id: Annotated[UUID, Meta(examples=[WEBHOOK_ID])]
    url: Annotated[str, Meta(examples=["https://example.com/pgwallet"])]
    description: Annotated[str | None, Meta(examples=["receipts"])]
    types: Annotated[list[EventName] | None, Meta(description="Null: all.", examples=[["transaction.topup"]])]
    asset: Annotated[str | None, Meta(description="Null: all.", examples=["UC"])]
    wallet_id: Annotated[UUID | None, Meta(description="Null: all.", examples=[WALLET_ID])]
    batch_size: BatchSize
    status: HookStatus
    pause_reason: Annotated[str | None, Meta(description="Why it is paused: an operator's words, or the relay's.")]
    position: Position
    behind: Behind
    backlog: Backlog
    dead_letters: DeadLetters
    oldest_at: Annotated[datetime | None, Meta(description="When the oldest event happened that is not delivered yet.")]
    failures: Failures
    last_success_at: Annotated[datetime | None, Meta(examples=["2026-11-22T12:00:00.123456Z"])]
    last_failure_at: datetime | None
    previous_until: Annotated[datetime | None, Meta(description="Until when the secret before this one signs, too.")]
    actor: Annotated[UUID | None, Meta(description="Who made it; null: an administrator.", examples=[OPERATOR_ID])]
    actor_username: ActorName
    created_at: CreatedAt
    databases: (
        Annotated[
            list[WebhookPart],
            Meta(description="Of a cluster: how far it is in each database; `position` is of the one furthest behind."),
        ]
        | UnsetType
    ) = UNSET
    missing: (
        Annotated[list[int], Meta(description="Databases that do not have it: delete it and make another.")] | UnsetType
    ) = UNSET
    away: Away | UnsetType = UNSET


class WebhookWithSecret(Webhook, kw_only=True):
    """A webhook with the secret that signs its deliveries from now on."""

    secret: Secret


class WebhookList(Struct):
    """All webhooks, at most 100, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[Webhook]
    away: Away | UnsetType = UNSET


class WebhookTest(Struct):
    """What a receiver made of an event that says nothing but that it is a test: `pgwallet.webhook.test`."""

    event_id: Annotated[
        str,
        Meta(description="The `id` of that event: no number.", examples=["test-018f6b5e-7c1a-4f00-9a3b-2f5c1d9e4a77"]),
    ]
    delivered: Annotated[bool, Meta(description="The receiver answered with a 2xx.", examples=[True])]
    status: AnswerStatus
    error: DeliveryError
    milliseconds: Annotated[int, Meta(description="How long it took.", examples=[23])]
    answer: Annotated[str, Meta(description="The first 1,024 bytes of the answer; empty for none.", examples=["ok"])]


class Delivery(Struct):
    """An attempt to deliver."""

    id: Annotated[int, Meta(description="The server's number of the attempt.", examples=[7])]
    first_event_id: EventNumber
    last_event_id: EventNumber
    events: Annotated[int, Meta(description="How many.", examples=[1])]
    attempt: Annotated[int, Meta(description="The first is 1.", examples=[1])]
    outcome: Annotated[Literal["delivered", "failed"], Meta(examples=["delivered"])]
    status: AnswerStatus
    error: DeliveryError
    milliseconds: Annotated[int, Meta(description="How long it took.", examples=[23])]
    answer: Annotated[str | None, Meta(description="The first 1,024 bytes of the answer.", examples=["ok"])]
    created_at: CreatedAt


class DeliveryPage(Struct):
    """A page of the deliveries, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[Delivery]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET


class DeadLetter(Struct):
    """An event that was given up."""

    event_id: EventNumber
    attempts: Annotated[int, Meta(examples=[20])]
    first_at: CreatedAt
    last_at: CreatedAt
    status: Annotated[AnswerStatus, Meta(examples=[500])]
    error: DeliveryError


class DeadLetterPage(Struct):
    """A page of the dead letters, newest first."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"away": UNSET}

    items: list[DeadLetter]
    next_cursor: NextCursor
    away: Away | UnsetType = UNSET


class Retried(Struct):
    """How many dead letters are delivered again."""

    retried: Annotated[int, Meta(examples=[1])]
