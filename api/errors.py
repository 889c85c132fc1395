"""Every error that a client or the operator of a command can see, and the one table of SQLSTATEs.

How an error becomes an HTTP response is in `http/problems.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, NamedTuple

import msgspec

MOST_FAULTS: Final = 20
LONGEST_FIELD: Final = 100
LONGEST_REASON: Final = 300
"""Characters. Messages repeat what the client sent; the limits keep an answer shorter than its request."""


class Kind(NamedTuple):
    """A kind of error: HTTP status, the problem's `code` and its `title`."""

    status: int
    code: str
    title: str


BAD_REQUEST: Final = Kind(400, "bad_request", "Bad request")
MALFORMED: Final = Kind(400, "malformed_json", "Malformed JSON")
UNAUTHORIZED: Final = Kind(401, "unauthorized", "Not signed in")
OPERATORS_ONLY: Final = Kind(403, "operators_only", "Left to operators here")
NOT_FOUND: Final = Kind(404, "not_found", "Not found")
METHOD_NOT_ALLOWED: Final = Kind(405, "method_not_allowed", "Method not allowed")
BATCH_REFUSED: Final = Kind(409, "batch_refused", "Batch refused")
NO_WEBHOOKS: Final = Kind(409, "no_webhooks", "No webhooks here")
TOO_LARGE: Final = Kind(413, "too_large", "Request body too large")
UNSUPPORTED_MEDIA_TYPE: Final = Kind(415, "unsupported_media_type", "Unsupported media type")
VALIDATION: Final = Kind(422, "validation", "Invalid request")
RATE_LIMITED: Final = Kind(429, "rate_limited", "Too many requests")
TOO_MANY_STREAMS: Final = Kind(429, "too_many_streams", "Too many streams at once")
INTERNAL: Final = Kind(500, "internal", "Internal error")
BUSY: Final = Kind(503, "busy", "Wallet busy")
PARTLY: Final = Kind(503, "partly", "Not in all databases")
OVERLOADED: Final = Kind(503, "overloaded", "Too many requests at once")
TIMEOUT: Final = Kind(503, "timeout", "Time limit exceeded")
UNAVAILABLE: Final = Kind(503, "unavailable", "Service unavailable")

INVALID_ARGUMENT: Final = Kind(422, "WA002", "Invalid argument")
INVALID_CURSOR: Final = Kind(422, "WA024", "Invalid cursor")
NOT_OPERATOR: Final = Kind(403, "WA027", "Operators only")
NOT_FINAL: Final = Kind(503, "WA036", "Not final yet")
WRONG_PASSWORD: Final = Kind(403, "WA034", "Wrong current password")
UNKNOWN_USER: Final = Kind(404, "WA029", "Unknown user")
KEY_REFUSED: Final = Kind(403, "WA047", "Key does not allow this")
"""Codes of the database that the service raises, too: where it knows before it calls."""

# SQL knows no HTTP statuses, and routes know no SQLSTATEs: this table is where they meet.
SQLSTATES: Final[Mapping[str, Kind]] = {
    "WA001": Kind(404, "WA001", "Unknown wallet"),
    "WA002": INVALID_ARGUMENT,
    "WA003": Kind(402, "WA003", "Insufficient funds"),
    "WA004": Kind(409, "WA004", "txn_id already used for another request"),
    "WA005": Kind(409, "WA005", "Username already taken"),
    "WA006": Kind(422, "WA006", "Balance limit exceeded"),
    "WA007": Kind(500, "WA007", "Unsupported isolation level"),
    "WA008": Kind(500, "WA008", "Recorded facts never change"),
    "WA009": Kind(404, "WA009", "Unknown recipient"),
    "WA010": Kind(422, "WA010", "Sender and recipient are the same wallet"),
    "WA011": Kind(422, "WA011", "The recipient's wallet holds another asset"),
    "WA012": Kind(409, "WA012", "Wallet frozen"),
    "WA013": Kind(409, "WA013", "Wallet closed"),
    "WA014": Kind(422, "WA014", "Limit exceeded"),
    "WA015": Kind(404, "WA015", "Hold not found"),
    "WA016": Kind(409, "WA016", "Hold already captured"),
    "WA017": Kind(409, "WA017", "Hold voided"),
    "WA018": Kind(409, "WA018", "Hold expired"),
    "WA019": Kind(422, "WA019", "Capture above the hold"),
    "WA020": Kind(422, "WA020", "Refund above what is left"),
    "WA021": Kind(422, "WA021", "Transaction not refundable"),
    "WA022": Kind(409, "WA022", "Wallet not empty"),
    "WA023": Kind(422, "WA023", "Time in the future"),
    "WA024": INVALID_CURSOR,
    "WA025": Kind(409, "WA025", "Too many open holds"),
    "WA026": Kind(404, "WA026", "Unknown asset"),
    "WA027": NOT_OPERATOR,
    "WA028": Kind(404, "WA028", "Unknown transaction"),
    "WA029": UNKNOWN_USER,
    "WA030": Kind(409, "WA030", "User already erased"),
    "WA033": Kind(429, "WA033", "Too many failed sign-ins"),
    "WA034": WRONG_PASSWORD,
    "WA035": Kind(500, "WA035", "Administrators only"),
    "WA036": NOT_FINAL,
    "WA037": Kind(403, "WA037", "Password reset token not valid"),
    "WA038": Kind(403, "WA038", "Left to another operator"),
    "WA039": Kind(404, "WA039", "Unknown confirmation"),
    "WA040": Kind(409, "WA040", "Already decided"),
    "WA041": Kind(410, "WA041", "History has changed"),
    "WA042": Kind(404, "WA042", "Unknown webhook"),
    "WA043": Kind(500, "WA043", "Not in a transaction of its own"),
    "WA044": Kind(409, "WA044", "Too many webhooks"),
    "WA045": Kind(409, "WA045", "Verification already runs"),
    "WA046": Kind(503, "WA046", "Username lives in another database"),
    "WA047": KEY_REFUSED,
    "WA048": Kind(404, "WA048", "Unknown key"),
    "WA049": Kind(409, "WA049", "Too many keys"),
    "25006": UNAVAILABLE,  # read only: connected to a standby
    "26000": UNAVAILABLE,  # a prepared statement is on another session
    "25P03": TIMEOUT,  # idle in transaction session timeout
    "40001": BUSY,  # serialization failure
    "40P01": BUSY,  # deadlock detected
    "53000": UNAVAILABLE,  # insufficient resources
    "53100": UNAVAILABLE,  # disk full
    "53200": UNAVAILABLE,  # out of memory
    "53300": UNAVAILABLE,  # too many connections
    "55P03": BUSY,  # lock timeout
    "57014": TIMEOUT,  # statement timeout
    "57P01": UNAVAILABLE,  # admin shutdown
    "57P02": UNAVAILABLE,  # crash shutdown
    "57P03": UNAVAILABLE,  # starting up or shutting down
    "57P05": UNAVAILABLE,  # idle session timeout
}

SENTENCES: Final[Mapping[str, str]] = {
    "not_found": "There is nothing at this path.",
    "method_not_allowed": "The path exists, but not for this method: see the Allow header.",
    "too_large": "The body may have at most 64 KiB.",
    "batch_refused": "An item of the atomic batch was refused, so nothing of it was written: see results.",
    "rate_limited": "Too many requests in a short time. Try again after the seconds that Retry-After says.",
    "too_many_streams": "Close a stream first: a user, and an address, can have no more of them at once.",
    "busy": "Another request holds this wallet. Nothing was written: try again in a moment.",
    "partly": "A database of the cluster did not answer, so this is done in some of them only: see done and away.",
    "overloaded": "Too many requests wait here already. Nothing was written: try again in a moment.",
    "timeout": "The database took too long. Try again in a moment, with the same txn_id.",
    "unavailable": "The service cannot do this right now. Try again in a moment, with the same txn_id.",
    "internal": "The service failed. Its log tells why under this request_id.",
}

MESSAGES: Final[Mapping[str, str]] = {
    "bad_request": "The service does not understand what was sent.",
    "malformed_json": "The service does not understand what was sent.",
    "unauthorized": "Please sign in.",
    "operators_only": "Only the operators of this service can do this.",
    "not_found": "This does not exist.",
    "method_not_allowed": "This is not possible here.",
    "batch_refused": "One of these requests was refused, so none of them was carried out.",
    "no_webhooks": "This service is not set up for webhooks.",
    "too_large": "This is too much to send at once.",
    "unsupported_media_type": "The service does not understand what was sent.",
    "validation": "Please check what you entered.",
    "rate_limited": "Too many requests. Please try again in a moment.",
    "too_many_streams": "This is open in too many places. Please close one of them.",
    "internal": "Something went wrong on our side. Please try again later.",
    "busy": "This wallet is in use at the moment. Please try again.",
    "partly": "This is not done everywhere yet. Please try again in a moment.",
    "overloaded": "The service is very busy. Please try again in a moment.",
    "timeout": "This took too long. Please try again in a moment.",
    "unavailable": "The service is not available at the moment. Please try again shortly.",
    "WA001": "This wallet does not exist, or it is not yours.",
    "WA002": "Please check what you entered.",
    "WA003": "There is not enough money available for this.",
    "WA004": "This payment was already made with other details. Please start a new one.",
    "WA005": "This username is taken. Please choose another one.",
    "WA006": "The recipient cannot receive this much.",
    "WA009": "There is no such recipient with a wallet for this money.",
    "WA010": "You cannot send money to yourself.",
    "WA011": "The recipient's wallet is for other money than yours.",
    "WA012": "This wallet is frozen: no money can leave it. Please contact customer care.",
    "WA013": "This wallet is closed: no money can enter or leave it.",
    "WA014": "This is more than your limit allows.",
    "WA015": "This reservation does not exist.",
    "WA016": "All of this reservation was used already.",
    "WA017": "This reservation was cancelled: its money is free again.",
    "WA018": "This reservation has expired: its money is free again.",
    "WA019": "This is more than what is left of the reservation.",
    "WA020": "This is more than what can still be refunded.",
    "WA021": "This transaction cannot be refunded.",
    "WA022": "There is still money in this wallet: it cannot be closed.",
    "WA023": "This time is in the future.",
    "WA024": "This list cannot be continued from here. Please start from its beginning.",
    "WA025": "You have too many open reservations. Please complete or cancel one first.",
    "WA026": "This kind of money does not exist here.",
    "WA027": "Only the operators of this service can do this.",
    "WA028": "You made no such transaction; money that you received is in your history.",
    "WA029": "This user does not exist.",
    "WA030": "This user was erased already.",
    "WA033": "Too many failed sign-ins. Please try again in a moment.",
    "WA034": "Your current password is not right.",
    "WA036": "This is not final yet. Please try again in a moment.",
    "WA037": "This code is not valid any more. Please ask for a new one.",
    "WA038": "Another operator has to do this.",
    "WA039": "This request does not exist.",
    "WA040": "This was decided already.",
    "WA041": "What happened since then is not known any more. Please start from the beginning.",
    "WA042": "This webhook does not exist.",
    "WA044": "There are too many webhooks. Please delete one first.",
    "WA045": "A verification is running already. Please wait until it has ended.",
    "WA046": "The service is not available at the moment. Please try again shortly.",
    "WA047": "This app may not do this.",
    "WA048": "This key does not exist.",
    "WA049": "There are too many keys. Please revoke one first.",
}
"""What an application can show to its user, by code."""

SPECIFIC: Final[Mapping[str, str]] = {
    "WA001": "You have no {asset} wallet yet.",
    "WA001 operator": "This wallet does not exist.",
    "WA003": "You have {available} available, {requested} are needed.",
    "WA003 operator": "This wallet has {available} available; {requested} cannot be taken.",
    "WA006": "This wallet can hold at most {maximum}, and has {balance} already.",
    "WA009": "There is no such recipient with a wallet for {asset}.",
    "WA012 operator": "This wallet is frozen: no money can leave it.",
    "WA013 field=to_username": "The recipient's wallet is closed.",
    "WA013 field=to_wallet_id": "The recipient's wallet is closed.",
    "WA014": "You can {verb} {left} more now: your limit is {maximum} in {window}.",
    "WA014 limit=per_transaction": "You can {verb} at most {maximum} at once.",
    "WA014 left=0": "You have reached your limit of {maximum} in {window}.",
    "WA014 maximum=0": "{noun} is switched off for this wallet.",
    "WA014 operator": "This is more than the wallet's limit allows.",
    "WA019": "Only {left} of the reservation are left; {requested} were asked for.",
    "WA020": "At most {left} of this payment can still be refunded.",
    "WA020 left=0": "This payment was refunded in full already.",
    "WA021 type=transfer": "A transfer cannot be refunded; ask the recipient to send it back.",
    "WA022": "This wallet has a balance of {balance}, and {held} reserved: it cannot be closed.",
    "WA022 balance=0": "Of this wallet {in_transit} are on their way: it cannot be closed before they have arrived.",
    "WA028 operator": "This transaction does not exist.",
    "WA033": "Too many failed sign-ins. Please try again in {retry_after} seconds.",
    "WA033 retry_after=1": "Too many failed sign-ins. Please try again in 1 second.",
    "WA038 field=user_id": "Only an administrator can do this.",
    "WA040 decision=confirmed": "This request was confirmed already.",
    "WA040 decision=rejected": "This request was rejected already.",
    "WA047 reason=subject": "This app may not act for this user.",
}
"""The same, where the error has all members that the sentence names. By code; by code and the value of a member, the
first of VARYING first; and before these by code and `operator`, for calls about the wallet of somebody else."""
VARYING: Final = ("maximum", "left", "limit", "type", "decision", "field", "retry_after", "balance", "reason")

KEY_ENDED: Final = frozenset({"unknown", "revoked", "expired"})
"""Reasons of WA047 with which a key is none any more."""
KEY_NOT_VALID: Final = "The key is not valid: it is unknown, was revoked, or has expired."

_IN_THE_APP: Final = "Something went wrong in the app. Please try again."
_NO_DATE: Final = "This date is not valid."
FAULTS: Final[Mapping[str, str]] = {
    "must be 3 to 64 of letters, digits, _, . and -": "Use 3 to 64 letters, digits, _, . or -.",
    "must have 8 to 72 bytes in UTF-8": "Use 8 to 72 characters (fewer with accents or emoji).",
    "must be a UUID": _IN_THE_APP,
    "is not a known field": _IN_THE_APP,
    "txn_id": _IN_THE_APP,
    "hold_txn_id": _IN_THE_APP,
    "original_txn_id": _IN_THE_APP,
    "Idempotency-Key": _IN_THE_APP,
    "amount": "This amount is not valid.",
    "at": _NO_DATE,
    "effective_at": _NO_DATE,
    "from": _NO_DATE,
    "to": _NO_DATE,
}
"""The same for a field at fault, by what is wrong with it or by its name."""

AMOUNTS: Final = ("requested", "available", "balance", "held", "left", "maximum", "in_transit")
"""Members in minor units, where `asset` and `scale` are there, too."""
TIMES: Final = ("at", "expires_at", "now", "replayed_until")
"""Members that are times."""
LIMITED: Final[Mapping[object, tuple[str, str]]] = {
    "topup": ("top up", "Topping up"),
    "spend": ("spend", "Spending"),
    "transfer": ("send", "Sending"),
}
WINDOWS: Final[Mapping[object, str]] = {"per_day": "24 hours", "per_30_days": "30 days"}


class CommandError(Exception):
    """A command cannot do what it was asked to. The text tells its operator why and what to do, in one line."""


class FieldError(msgspec.Struct):
    """What is wrong with one field of the request."""

    EXAMPLE: ClassVar = {"field": "amount", "message": "must be a whole number of at least 1"}

    field: str
    message: str


class ServiceError(Exception):
    """An error of a kind. `detail` tells a programmer what is wrong and what to do, `members` are values for programs.

    `message` is for the person who uses a wallet; without one it is made of the kind, the members and the errors.
    The response gets `headers`.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        members: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        message: str | None = None,
    ) -> None:
        self.kind = kind
        self.detail = detail or SENTENCES.get(kind.code, kind.title)
        self.errors = errors
        self.members = members or {}
        self.headers = headers or {}
        self._message = message
        super().__init__(self.detail)

    @property
    def message(self) -> str:
        """A sentence that can be shown to a person, with amounts as the person knows them."""
        return self.told()

    def told(self, *, to_operator: bool = False) -> str:
        """Return the sentence, for the wallet's user or for an operator, whose wallet it is not."""
        if self._message:
            return self._message
        if self.errors and self.kind in {VALIDATION, INVALID_ARGUMENT}:
            fault = self.errors[0]
            name = fault.field.rpartition(".")[2]
            unknown = f"Please check {name.replace('_', ' ')}: it {fault.message}."
            return FAULTS.get(fault.message) or FAULTS.get(name, unknown)
        code, shown = self.kind.code, _shown(self.members)
        cases = ["operator"] if to_operator else []
        cases += [f"{name}={self.members[name]}" for name in VARYING if name in self.members]
        for template in (*(SPECIFIC.get(f"{code} {case}") for case in cases), SPECIFIC.get(code), MESSAGES.get(code)):
            with suppress(KeyError):
                if template:
                    return template.format_map(shown)
        return f"{self.kind.title}."


def _shown(members: Mapping[str, object]) -> dict[str, object]:
    """Return the members as people read them. Amounts of an unknown scale are left out.

    What an adjustment would have taken has no sign: `requested` alone tells its direction to programs.
    """
    shown = {name: value for name, value in members.items() if name not in AMOUNTS}
    asset, scale = members.get("asset"), members.get("scale")
    if isinstance(scale, int):
        for name in AMOUNTS:
            if isinstance(amount := members.get(name), int):
                # a debit by an adjustment asks for less than 0, and below its floor a wallet has nothing available
                amount = abs(amount) if name == "requested" else max(amount, 0) if name == "available" else amount
                shown[name] = f"{Decimal(amount).scaleb(-scale):f} {asset}"
    shown["verb"], shown["noun"] = LIMITED.get(members.get("kind"), ("move", "Moving money"))
    if window := WINDOWS.get(members.get("limit")):
        shown["window"] = window
    return shown


def invalid(*errors: FieldError) -> ServiceError:
    """Return the error for a well-formed request with wrong fields. It names the first 20 of them."""
    named = [
        FieldError(shortened(error.field, LONGEST_FIELD), shortened(error.message, LONGEST_REASON))
        for error in errors[:MOST_FAULTS]
    ]
    detail = "; ".join(f"{error.field} {error.message}" for error in named)
    return ServiceError(VALIDATION, detail + ("; …" if len(errors) > len(named) else "."), named)


def shortened(text: str, length: int) -> str:
    """Return the text, cut to so many characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def from_postgres(sqlstate: str, detail: str | None, hint: str | None) -> ServiceError | None:
    """Return the error for a SQLSTATE of the table; None for one that no caller should ever cause.

    DETAIL of a domain error is a JSON object: `field` and `reason` name the fault, its other keys become members.
    """
    kind = SQLSTATES.get(sqlstate)
    if kind is None or kind.status == INTERNAL.status:
        return None
    if not sqlstate.startswith("WA"):
        return ServiceError(kind)
    members: dict[str, Any] = msgspec.json.decode(detail or "{}", type=dict[str, Any])
    if kind is KEY_REFUSED and members.get("reason") in KEY_ENDED:
        return ServiceError(UNAUTHORIZED, KEY_NOT_VALID)
    members.update((name, _in_utc(members[name])) for name in TIMES if name in members)
    field, reason = members.get("field"), members.get("reason")
    errors = [FieldError(field, reason or kind.title)] if field else []
    headers = {"Retry-After": str(members["retry_after"])} if "retry_after" in members else None
    return ServiceError(kind, _detail(kind, members, hint), errors, members, headers)


def _in_utc(said: object) -> object:
    """Read a time of DETAIL, which has the offset of the session; what is none stays as it is."""
    try:
        return msgspec.convert(said, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return said


def _detail(kind: Kind, members: Mapping[str, Any], hint: str | None) -> str:
    """Say which field is at fault, why, with which values, and what to do next."""
    field, reason = members.get("field"), members.get("reason")
    if field and reason:
        return f"{field} {reason}."
    fault = f"{field}: {kind.title[:1].lower()}{kind.title[1:]}" if field else kind.title
    if reason:
        said = [reason, members["scope"]] if members.get("scope") else [reason]
        fault += f" ({' '.join(said)})"
    if "scale" in members:
        values = [f"{name} {members[name]}" for name in ("kind", "limit", *AMOUNTS) if name in members]
        fault += f" ({', '.join(values)}, in minor units of {members['asset']})"
    return f"{fault}. {hint or ''}".rstrip()
