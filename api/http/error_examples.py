"""An example of every error: the glossary of the API documentation."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import msgspec

from api.errors import (
    BAD_REQUEST,
    BATCH_REFUSED,
    BUSY,
    INTERNAL,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NO_WEBHOOKS,
    NOT_FOUND,
    OPERATORS_ONLY,
    OVERLOADED,
    PARTLY,
    RATE_LIMITED,
    SQLSTATES,
    TIMEOUT,
    TOO_LARGE,
    TOO_MANY_STREAMS,
    UNAUTHORIZED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    FieldError,
    ServiceError,
    from_postgres,
    invalid,
)
from api.http.problems import problem
from api.schemas.batch import BatchItemResult
from api.schemas.fields import KEY_ID, TXN_ID

NEXT_STEPS: Final = {
    "bad_request": "Correct the request.",
    "malformed_json": "Send a JSON object in UTF-8, not nested too deeply.",
    "unauthorized": "Sign in, and send the token in the header Authorization, after the word Bearer.",
    "operators_only": "Ask an operator.",
    "not_found": "Check the path: operators' paths take an id, not a name or a txn_id.",
    "method_not_allowed": "Use a method that the header Allow names.",
    "batch_refused": "Correct the items that have a problem in results, and send all again.",
    "no_webhooks": "Set PGWALLET_WEBHOOK_KEY, and start the service again.",
    "too_large": "Send at most 64 KiB, or 1 MiB to /api/wallet/batch.",
    "unsupported_media_type": "Send the header Content-Type: application/json, and the body not compressed.",
    "validation": "Correct the fields in errors. Nothing was written: the txn_id can be used again.",
    "rate_limited": "Wait as many seconds as Retry-After says, then send the same request again.",
    "too_many_streams": "Close a stream of this user or address that nobody reads, then connect again.",
    "internal": "Look the request_id up in the service's log. After a mutation, send the same request again.",
    "busy": "Nothing was written: send the same request again in a moment.",
    "overloaded": "Nothing was written: send the same request again in a moment, and fewer at once.",
    "partly": "Send the same request again when the databases in away answer: it does the rest.",
    "timeout": "It may have been written: send it again in a moment, with the same txn_id; it takes effect once.",
    "unavailable": "It may have been written: send it again in a moment, with the same txn_id; it takes effect once.",
    "WA002": "Correct the field. Nothing was written: the txn_id can be used again.",
}
"""What to do about each code; of a refusal by the database its hint."""


def _refusal(code: str, hint: str, **detail: Any) -> ServiceError:
    """Make a domain error as `wallet.raise_error()` does."""
    NEXT_STEPS.setdefault(code, hint)
    return from_postgres(code, msgspec.json.encode(detail).decode(), hint) or ServiceError(SQLSTATES[code])


EXAMPLES: Final = {
    error.kind.code: error
    for error in (
        ServiceError(BAD_REQUEST, "Invalid host header"),
        ServiceError(MALFORMED, "The body is not valid JSON in UTF-8."),
        ServiceError(UNAUTHORIZED, "A valid bearer token is required."),
        ServiceError(OPERATORS_ONLY, "Only an operator can top up this wallet."),
        ServiceError(NOT_FOUND),
        ServiceError(METHOD_NOT_ALLOWED),
        ServiceError(NO_WEBHOOKS, "The service has no PGWALLET_WEBHOOK_KEY, so it cannot keep their secrets."),
        ServiceError(TOO_LARGE),
        ServiceError(UNSUPPORTED_MEDIA_TYPE, "The content type must be application/json."),
        invalid(FieldError("amount", "must be a whole number of at least 1")),
        ServiceError(RATE_LIMITED),
        ServiceError(TOO_MANY_STREAMS, headers={"Retry-After": "5"}, members={"maximum": 10}),
        ServiceError(INTERNAL),
        ServiceError(BUSY),
        ServiceError(OVERLOADED),
        ServiceError(PARTLY, members={"done": [0, 1], "away": [2]}),
        ServiceError(TIMEOUT),
        ServiceError(UNAVAILABLE),
        _refusal("WA001", "Use a wallet of this user: the one that sign-up returned, or one opened in this asset."),
        _refusal("WA002", "", field="username", reason="must not look like a UUID"),
        _refusal(
            "WA003",
            "Nothing was written. Top up, or ask for at most what is available, with the same txn_id.",
            field="amount",
            requested=5000,
            balance=1100,
            available=1100,
            asset="UC",
            scale=0,
        ),
        _refusal("WA004", "Send the original request to get its result, or use a new txn_id.", field="amount"),
        _refusal("WA005", "Choose another username.", field="username"),
        _refusal(
            "WA006",
            "A balance holds at most the wallet's maximum, or 9007199254740991 minor units; nothing was written.",
            field="amount",
            requested=5000,
            balance=98000,
            available=98000,
            maximum=100000,
            asset="UC",
            scale=0,
        ),
        _refusal(
            "WA009",
            "Check the recipient; it must have a wallet in the asset of the transfer.",
            field="to_username",
            to_username="nobody",
            asset="UC",
        ),
        _refusal("WA010", "Name another wallet as the recipient.", field="to_wallet_id"),
        _refusal(
            "WA011",
            "Send from a wallet of that asset, or to one of this asset.",
            field="to_wallet_id",
            asset="UC",
        ),
        _refusal("WA012", "It can receive, but nothing can leave it until an operator activates it."),
        _refusal("WA013", "Nothing can enter or leave it until an operator activates it."),
        _refusal(
            "WA014",
            "Ask for at most what is left of the named limit, or wait until its window has moved on.",
            field="amount",
            kind="spend",
            limit="per_day",
            maximum=1000,
            left=150,
            asset="UC",
            scale=0,
        ),
        _refusal("WA015", "Use the txn_id with which the hold was made, in the same wallet."),
        _refusal("WA016", "Nothing is left of it: make a new hold."),
        _refusal("WA017", "What it set aside is free again: make a new hold."),
        _refusal("WA018", "What it set aside is free again: make a new hold.", expires_at="2026-11-22T12:00:00Z"),
        _refusal(
            "WA019",
            "Capture at most what is left of the hold.",
            field="amount",
            requested=80,
            left=50,
            asset="UC",
            scale=0,
        ),
        _refusal(
            "WA020",
            "Refund at most what the original took and earlier refunds did not give back.",
            field="amount",
            requested=80,
            left=50,
            asset="UC",
            scale=0,
        ),
        _refusal("WA021", "Only a spend or capture can be refunded; send a transfer back instead."),
        _refusal(
            "WA022",
            "Bring the balance to zero, void open holds and wait for what is in transit before closing it.",
            balance=700,
            held=0,
            asset="UC",
            scale=0,
        ),
        _refusal("WA023", "Give a moment that has passed.", field="at"),
        _refusal("WA024", "Use the cursor that the page before returned, or none for the first page.", field="cursor"),
        _refusal("WA025", "Capture or void some of the wallet's open holds first.", maximum=100),
        _refusal("WA026", "Use the code of an asset that exists.", field="asset", asset="XYZ"),
        _refusal("WA027", "Ask an operator."),
        _refusal("WA028", "Use the txn_id of a transaction of this wallet."),
        _refusal("WA029", "Use the id of a user who exists, and whom you may act for."),
        _refusal("WA030", "Nothing is left to erase."),
        _refusal("WA033", "Try again after retry_after seconds, or from where you signed in before.", retry_after=8),
        _refusal("WA034", "Give the password that you sign in with now.", field="current_password"),
        _refusal(
            "WA036", "A transaction that began before this moment is not finished: ask again, or for an earlier moment."
        ),
        _refusal(
            "WA037",
            "It is unknown, used, replaced by a newer one, or expired: ask an operator for another.",
            field="token",
        ),
        _refusal(
            "WA038",
            "Operators change nothing of their own and confirm no request of their own: ask another operator, or an "
            "administrator.",
        ),
        _refusal("WA039", "Use the id of a confirmation in the operators' list."),
        _refusal(
            "WA040",
            "It was confirmed or rejected before. A rejected request can be sent anew, with a new txn_id.",
            decision="rejected",
        ),
        _refusal(
            "WA041",
            "The database was restored, or another took over, and events that you have read are gone: go on after "
            "known, or from the beginning.",
            field="after",
            after=73,
            known=42,
            resume="ASkYM2QAAAAAAAAAKg",
        ),
        _refusal("WA042", "Use the id of a webhook in the operators' list."),
        _refusal("WA044", "Delete webhooks that nobody uses.", maximum=100),
        _refusal("WA045", "One runs at a time in a database: wait for it, and look at its result.", run_id=7),
        _refusal(
            "WA046",
            "Nothing was written. Send it to the database that home names, once every database and service knows the "
            "same homes.",
            field="username",
            username="alice",
            home=3,
            number=0,
        ),
        _refusal(
            "WA047",
            "Use a key with this scope and this user, from a network of its own, before it expires or is revoked.",
            key_id=KEY_ID,
            reason="scope",
            scope="spend",
        ),
        _refusal("WA048", "Use the id of a key in the operators' list."),
        _refusal("WA049", "Revoke keys that nobody uses.", maximum=1000),
    )
}
"""By code."""
_ITEM: Final = BatchItemResult(UUID(TXN_ID), "refused", 402, None, problem(EXAMPLES["WA003"], "5f2c9a1d7e3b4c60"))
EXAMPLES["batch_refused"] = ServiceError(BATCH_REFUSED, members={"results": [_ITEM]})
