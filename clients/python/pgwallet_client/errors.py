"""One exception for each code of the service. python -m tests.api.python_client.generate writes this file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pgwallet_client._errors import (
    ApiError,
    FieldFault,
    NoAnswerError,
    PgwalletError,
    ReceiptError,
    UnexpectedAnswerError,
    WebhookError,
)
from pgwallet_client.models import BatchItemResult

__all__ = [
    "CODES",
    "AlreadyDecided",
    "ApiError",
    "BadRequest",
    "BalanceLimitExceeded",
    "BatchRefused",
    "CaptureAboveHold",
    "FieldFault",
    "HistoryChanged",
    "HoldAlreadyCaptured",
    "HoldExpired",
    "HoldNotFound",
    "HoldVoided",
    "InsufficientFunds",
    "InternalError",
    "InvalidArgument",
    "InvalidCursor",
    "InvalidRequest",
    "KeyRefused",
    "LeftToAnotherOperator",
    "LeftToOperatorsHere",
    "LimitExceeded",
    "MalformedJSON",
    "MethodNotAllowed",
    "NoAnswerError",
    "NoWebhooksHere",
    "NotFinalYet",
    "NotFound",
    "NotInAll",
    "NotSignedIn",
    "OperatorsOnly",
    "OtherAsset",
    "OtherHome",
    "PasswordResetTokenNotValid",
    "PgwalletError",
    "ReceiptError",
    "RefundAboveRest",
    "RequestBodyTooLarge",
    "SameWallet",
    "ServiceUnavailable",
    "TimeInTheFuture",
    "TimeLimitExceeded",
    "TooManyHolds",
    "TooManyKeys",
    "TooManyRequests",
    "TooManyRequestsAtOnce",
    "TooManySignIns",
    "TooManyStreams",
    "TooManyWebhooks",
    "TransactionNotRefundable",
    "TxnIdAlreadyUsed",
    "UnexpectedAnswerError",
    "UnknownAsset",
    "UnknownConfirmation",
    "UnknownKey",
    "UnknownRecipient",
    "UnknownTransaction",
    "UnknownUser",
    "UnknownWallet",
    "UnknownWebhook",
    "UnsupportedMediaType",
    "UserAlreadyErased",
    "UsernameAlreadyTaken",
    "VerificationRuns",
    "WalletBusy",
    "WalletClosed",
    "WalletFrozen",
    "WalletNotEmpty",
    "WebhookError",
    "WrongCurrentPassword",
    "refusal",
]


class BadRequest(ApiError):
    """`bad_request` Bad request."""

    hint = "Correct the request."


class MalformedJSON(ApiError):
    """`malformed_json` Malformed JSON."""

    hint = "Send a JSON object in UTF-8, not nested too deeply."


class NotSignedIn(ApiError):
    """`unauthorized` Not signed in."""

    hint = "Sign in, and send the token in the header Authorization, after the word Bearer."


class LeftToOperatorsHere(ApiError):
    """`operators_only` Left to operators here."""

    hint = "Ask an operator."


class NotFound(ApiError):
    """`not_found` Not found."""

    hint = "Check the path: operators' paths take an id, not a name or a txn_id."


class MethodNotAllowed(ApiError):
    """`method_not_allowed` Method not allowed."""

    hint = "Use a method that the header Allow names."


class NoWebhooksHere(ApiError):
    """`no_webhooks` No webhooks here."""

    hint = "Set PGWALLET_WEBHOOK_KEY, and start the service again."


class RequestBodyTooLarge(ApiError):
    """`too_large` Request body too large."""

    hint = "Send at most 64 KiB, or 1 MiB to /api/wallet/batch."


class UnsupportedMediaType(ApiError):
    """`unsupported_media_type` Unsupported media type."""

    hint = "Send the header Content-Type: application/json, and the body not compressed."


class InvalidRequest(ApiError):
    """`validation` Invalid request."""

    hint = "Correct the fields in errors. Nothing was written: the txn_id can be used again."


class TooManyRequests(ApiError):
    """`rate_limited` Too many requests."""

    hint = "Wait as many seconds as Retry-After says, then send the same request again."


class TooManyStreams(ApiError):
    """`too_many_streams` Too many streams at once. The user or the address has as many streams as they can
    have."""

    hint = "Close a stream of this user or address that nobody reads, then connect again."
    maximum: int
    """How many streams they can have."""


class InternalError(ApiError):
    """`internal` Internal error."""

    hint = "Look the request_id up in the service's log. After a mutation, send the same request again."


class WalletBusy(ApiError):
    """`busy` Wallet busy."""

    hint = "Nothing was written: send the same request again in a moment."


class TooManyRequestsAtOnce(ApiError):
    """`overloaded` Too many requests at once."""

    hint = "Nothing was written: send the same request again in a moment, and fewer at once."


class NotInAll(ApiError):
    """`partly` Not in all databases. A change of what all databases of a cluster have: one of them went away
    meanwhile."""

    hint = "Send the same request again when the databases in away answer: it does the rest."
    done: list[int]
    """The databases in which it is done."""
    away: list[int]
    """Those in which it is not, or may not be."""


class TimeLimitExceeded(ApiError):
    """`timeout` Time limit exceeded."""

    hint = "It may have been written: send it again in a moment, with the same txn_id; it takes effect once."


class ServiceUnavailable(ApiError):
    """`unavailable` Service unavailable."""

    hint = "It may have been written: send it again in a moment, with the same txn_id; it takes effect once."


class UnknownWallet(ApiError):
    """`WA001` Unknown wallet."""

    hint = "Use a wallet of this user: the one that sign-up returned, or one opened in this asset."


class InvalidArgument(ApiError):
    """`WA002` Invalid argument."""

    hint = "Correct the field. Nothing was written: the txn_id can be used again."


class InsufficientFunds(ApiError):
    """`WA003` Insufficient funds. The request asks for more than there is to spend."""

    hint = "Nothing was written. Top up, or ask for at most what is available, with the same txn_id."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    requested: int
    """What the request asks for, in minor units."""
    available: int
    """What can be spent now, in minor units."""
    balance: int
    """Everything in the wallet, in minor units."""


class TxnIdAlreadyUsed(ApiError):
    """`WA004` txn_id already used for another request."""

    hint = "Send the original request to get its result, or use a new txn_id."


class UsernameAlreadyTaken(ApiError):
    """`WA005` Username already taken."""

    hint = "Choose another username."


class BalanceLimitExceeded(ApiError):
    """`WA006` Balance limit exceeded. The balance would rise above its maximum. What another user's wallet has is
    not told."""

    hint = "A balance holds at most the wallet's maximum, or 9007199254740991 minor units; nothing was written."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    maximum: int | None
    """The most that the wallet can hold."""
    requested: int | None
    """What the request asks for, in minor units."""
    available: int | None
    """What can be spent now, in minor units."""
    balance: int | None
    """Everything in the wallet, in minor units."""


class UnknownRecipient(ApiError):
    """`WA009` Unknown recipient. Nobody has this name or wallet: the one that the request gives."""

    hint = "Check the recipient; it must have a wallet in the asset of the transfer."
    asset: str | None
    """Code of the asset."""
    to_username: str | None
    """3 to 64 of letters, digits, `_`, `.` and `-`; folded to lower case. Nothing that reads as a UUID."""
    to_wallet_id: UUID | None
    """The recipient's wallet."""


class SameWallet(ApiError):
    """`WA010` Sender and recipient are the same wallet."""

    hint = "Name another wallet as the recipient."


class OtherAsset(ApiError):
    """`WA011` The recipient's wallet holds another asset than the sender's."""

    hint = "Send from a wallet of that asset, or to one of this asset."
    asset: str
    """Code of the sender's asset."""


class WalletFrozen(ApiError):
    """`WA012` Wallet frozen. The wallet is frozen or closed. What another user's wallet has is not told."""

    hint = "It can receive, but nothing can leave it until an operator activates it."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    requested: int | None
    """What the request asks for, in minor units."""
    available: int | None
    """What can be spent now, in minor units."""
    balance: int | None
    """Everything in the wallet, in minor units."""


class WalletClosed(ApiError):
    """`WA013` Wallet closed. The wallet is frozen or closed. What another user's wallet has is not told."""

    hint = "Nothing can enter or leave it until an operator activates it."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    requested: int | None
    """What the request asks for, in minor units."""
    available: int | None
    """What can be spent now, in minor units."""
    balance: int | None
    """Everything in the wallet, in minor units."""


class LimitExceeded(ApiError):
    """`WA014` Limit exceeded. The amount would pass a limit of the wallet."""

    hint = "Ask for at most what is left of the named limit, or wait until its window has moved on."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    kind: str
    """What is limited."""
    limit: str
    maximum: int
    """The limit, in minor units."""
    left: int
    """The most that can be asked for, in minor units."""


class HoldNotFound(ApiError):
    """`WA015` Hold not found."""

    hint = "Use the txn_id with which the hold was made, in the same wallet."


class HoldAlreadyCaptured(ApiError):
    """`WA016` Hold already captured. The hold was captured, voided, or has expired."""

    hint = "Nothing is left of it: make a new hold."
    hold_txn_id: UUID | None
    """The `txn_id` of the hold."""
    expires_at: datetime | None
    """RFC 3339, UTC."""


class HoldVoided(ApiError):
    """`WA017` Hold voided. The hold was captured, voided, or has expired."""

    hint = "What it set aside is free again: make a new hold."
    hold_txn_id: UUID | None
    """The `txn_id` of the hold."""
    expires_at: datetime | None
    """RFC 3339, UTC."""


class HoldExpired(ApiError):
    """`WA018` Hold expired. The hold was captured, voided, or has expired."""

    hint = "What it set aside is free again: make a new hold."
    hold_txn_id: UUID | None
    """The `txn_id` of the hold."""
    expires_at: datetime | None
    """RFC 3339, UTC."""


class CaptureAboveHold(ApiError):
    """`WA019` Capture above the hold. The hold has less left than the capture asks for."""

    hint = "Capture at most what is left of the hold."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    requested: int
    """What the request asks for, in minor units."""
    left: int
    """The most that can be asked for, in minor units."""


class RefundAboveRest(ApiError):
    """`WA020` Refund above what is left. Earlier refunds left less than this one asks for."""

    hint = "Refund at most what the original took and earlier refunds did not give back."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    requested: int
    """What the request asks for, in minor units."""
    left: int
    """The most that can be asked for, in minor units."""


class TransactionNotRefundable(ApiError):
    """`WA021` Transaction not refundable."""

    hint = "Only a spend or capture can be refunded; send a transfer back instead."


class WalletNotEmpty(ApiError):
    """`WA022` Wallet not empty. A wallet closes only when it is empty."""

    hint = "Bring the balance to zero, void open holds and wait for what is in transit before closing it."
    wallet_id: UUID | None
    asset: str | None
    """Code of the asset."""
    scale: int | None
    """Decimal places: one unit is 10^scale minor units."""
    balance: int
    """Everything in the wallet, in minor units."""
    held: int
    """What open holds set aside, in minor units."""
    in_transit: int | None
    """What is on its way to another database and may come back, in minor units."""


class TimeInTheFuture(ApiError):
    """`WA023` Time in the future."""

    hint = "Give a moment that has passed."


class InvalidCursor(ApiError):
    """`WA024` Invalid cursor."""

    hint = "Use the cursor that the page before returned, or none for the first page."


class TooManyHolds(ApiError):
    """`WA025` Too many open holds. The wallet has as many open holds as it can have."""

    hint = "Capture or void some of the wallet's open holds first."
    wallet_id: UUID | None
    maximum: int
    """How many holds can be open."""


class UnknownAsset(ApiError):
    """`WA026` Unknown asset. There is no asset with this code."""

    hint = "Use the code of an asset that exists."
    asset: str
    """As the request gives it."""


class OperatorsOnly(ApiError):
    """`WA027` Operators only."""

    hint = "Ask an operator."


class UnknownTransaction(ApiError):
    """`WA028` Unknown transaction."""

    hint = "Use the txn_id of a transaction of this wallet."


class UnknownUser(ApiError):
    """`WA029` Unknown user."""

    hint = "Use the id of a user who exists, and whom you may act for."


class UserAlreadyErased(ApiError):
    """`WA030` User already erased."""

    hint = "Nothing is left to erase."


class TooManySignIns(ApiError):
    """`WA033` Too many failed sign-ins. Too many sign-ins failed, of the account or from the address."""

    hint = "Try again after retry_after seconds, or from where you signed in before."
    retry_after: int
    """Seconds to wait; the same as the header Retry-After."""


class WrongCurrentPassword(ApiError):
    """`WA034` Wrong current password."""

    hint = "Give the password that you sign in with now."


class NotFinalYet(ApiError):
    """`WA036` Not final yet."""

    hint = "A transaction that began before this moment is not finished: ask again, or for an earlier moment."


class PasswordResetTokenNotValid(ApiError):
    """`WA037` Password reset token not valid."""

    hint = "It is unknown, used, replaced by a newer one, or expired: ask an operator for another."


class LeftToAnotherOperator(ApiError):
    """`WA038` Left to another operator."""

    hint = "Operators change nothing of their own and confirm no request of their own: ask another operator, or an administrator."


class UnknownConfirmation(ApiError):
    """`WA039` Unknown confirmation."""

    hint = "Use the id of a confirmation in the operators' list."


class AlreadyDecided(ApiError):
    """`WA040` Already decided. The request that needs two operators was confirmed or rejected before."""

    hint = "It was confirmed or rejected before. A rejected request can be sent anew, with a new txn_id."
    decision: str


class HistoryChanged(ApiError):
    """`WA041` History has changed. The position is of a history that ended before it: events that were read may
    be gone."""

    hint = "The database was restored, or another took over, and events that you have read are gone: go on after known, or from the beginning."
    after: int
    """The id of the event that the cursor stands for."""
    known: int
    """The id of the last event that both histories have; 0 for none."""
    resume: str | None
    """The cursor to go on from, after `known`."""
    database: int | None
    """Of a cluster: the database whose history it is."""


class UnknownWebhook(ApiError):
    """`WA042` Unknown webhook."""

    hint = "Use the id of a webhook in the operators' list."


class TooManyWebhooks(ApiError):
    """`WA044` Too many webhooks. There are as many webhooks as there can be."""

    hint = "Delete webhooks that nobody uses."
    maximum: int
    """How many webhooks there can be."""


class VerificationRuns(ApiError):
    """`WA045` Verification already runs. One verification runs at a time."""

    hint = "One runs at a time in a database: wait for it, and look at its result."
    run_id: int | None
    """The one that runs."""


class OtherHome(ApiError):
    """`WA046` Username lives in another database. The service and the database do not know the same homes of
    names yet: try again."""

    hint = "Nothing was written. Send it to the database that home names, once every database and service knows the same homes."
    username: str
    """The name, as it would be stored."""
    home: int
    """The number of the database in which the name lives."""
    number: int
    """The number of the database that was asked."""


class KeyRefused(ApiError):
    """`WA047` Key does not allow this. A key does not allow this. A user who is none of its users and one who
    does not exist are told alike."""

    hint = "Use a key with this scope and this user, from a network of its own, before it expires or is revoked."
    reason: str
    """What stands against it; `route`: no key reaches this."""
    scope: str | None
    """What the request needs; null: any."""
    key_id: UUID | None
    """The key."""


class UnknownKey(ApiError):
    """`WA048` Unknown key."""

    hint = "Use the id of a key in the operators' list."


class TooManyKeys(ApiError):
    """`WA049` Too many keys. There are as many keys that are not revoked as there can be."""

    hint = "Revoke keys that nobody uses."
    maximum: int
    """How many there can be."""


class BatchRefused(ApiError):
    """`batch_refused` Batch refused. An item of an atomic batch was refused, so that nothing of it was
    written."""

    hint = "Correct the items that have a problem in results, and send all again."
    results: list[BatchItemResult]


CODES: Final[Mapping[str, type[ApiError]]] = {
    "bad_request": BadRequest,
    "malformed_json": MalformedJSON,
    "unauthorized": NotSignedIn,
    "operators_only": LeftToOperatorsHere,
    "not_found": NotFound,
    "method_not_allowed": MethodNotAllowed,
    "no_webhooks": NoWebhooksHere,
    "too_large": RequestBodyTooLarge,
    "unsupported_media_type": UnsupportedMediaType,
    "validation": InvalidRequest,
    "rate_limited": TooManyRequests,
    "too_many_streams": TooManyStreams,
    "internal": InternalError,
    "busy": WalletBusy,
    "overloaded": TooManyRequestsAtOnce,
    "partly": NotInAll,
    "timeout": TimeLimitExceeded,
    "unavailable": ServiceUnavailable,
    "WA001": UnknownWallet,
    "WA002": InvalidArgument,
    "WA003": InsufficientFunds,
    "WA004": TxnIdAlreadyUsed,
    "WA005": UsernameAlreadyTaken,
    "WA006": BalanceLimitExceeded,
    "WA009": UnknownRecipient,
    "WA010": SameWallet,
    "WA011": OtherAsset,
    "WA012": WalletFrozen,
    "WA013": WalletClosed,
    "WA014": LimitExceeded,
    "WA015": HoldNotFound,
    "WA016": HoldAlreadyCaptured,
    "WA017": HoldVoided,
    "WA018": HoldExpired,
    "WA019": CaptureAboveHold,
    "WA020": RefundAboveRest,
    "WA021": TransactionNotRefundable,
    "WA022": WalletNotEmpty,
    "WA023": TimeInTheFuture,
    "WA024": InvalidCursor,
    "WA025": TooManyHolds,
    "WA026": UnknownAsset,
    "WA027": OperatorsOnly,
    "WA028": UnknownTransaction,
    "WA029": UnknownUser,
    "WA030": UserAlreadyErased,
    "WA033": TooManySignIns,
    "WA034": WrongCurrentPassword,
    "WA036": NotFinalYet,
    "WA037": PasswordResetTokenNotValid,
    "WA038": LeftToAnotherOperator,
    "WA039": UnknownConfirmation,
    "WA040": AlreadyDecided,
    "WA041": HistoryChanged,
    "WA042": UnknownWebhook,
    "WA044": TooManyWebhooks,
    "WA045": VerificationRuns,
    "WA046": OtherHome,
    "WA047": KeyRefused,
    "WA048": UnknownKey,
    "WA049": TooManyKeys,
    "batch_refused": BatchRefused,
}
"""The exception of each code; that of others is ApiError."""


def refusal(problem: Mapping[str, Any]) -> ApiError:
    """Return the exception of a problem document. Raises msgspec.ValidationError."""
    return CODES.get(str(problem.get("code")), ApiError)(problem)
