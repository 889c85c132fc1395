"""What can go wrong. Each code of the service has a class of its own, which is made in `errors.py`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Final, get_type_hints
from uuid import UUID

import msgspec

NOTHING_DONE: Final = frozenset({"rate_limited", "too_many_streams", "busy", "overloaded", "WA036", "WA046"})
"""Codes of refusals that pass, and after which nothing was written."""
_COMMON: Final = frozenset({"type", "title", "status", "detail", "code", "success", "message", "request_id", "errors"})
_LONGEST: Final = 300


class PgwalletError(Exception):
    """All that a client raises."""

    txn_id: UUID | None = None
    """Of the call that failed, whoever chose it: to make the same call again, give it this one."""
    uncertain: bool = False
    """Whether the call may have taken effect nevertheless. With its `txn_id` it is safe to make it again."""
    retry_after: float | None = None
    """Seconds after which another try makes sense, where the service says so."""


class NoAnswerError(PgwalletError):
    """The service was not reached, or its answer did not come, or not in time."""

    sent: bool = True
    """Whether the service may have got the request."""


class UnexpectedAnswerError(PgwalletError):
    """What came is no answer of this API: not its JSON, too large, or of another request."""

    def __init__(self, text: str, status: int = 0, request_id: str | None = None) -> None:
        super().__init__(text, status, request_id)
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        return str(self.args[0])


class ReceiptError(PgwalletError):
    """A receipt contradicts what is on record: `verdict` is `altered`, `rewritten` or `removed`."""

    def __init__(self, text: str, verdict: str) -> None:
        super().__init__(text, verdict)
        self.verdict = verdict

    def __str__(self) -> str:
        return str(self.args[0])


class WebhookError(PgwalletError):
    """A delivery does not come from the service, is too old, or says nothing that can be read."""


class FieldFault(msgspec.Struct, frozen=True):
    """What is wrong with one field of a request."""

    field: str
    message: str


class _Problem(msgspec.Struct):
    title: str
    status: int
    detail: str
    code: str
    message: str
    request_id: str | None = None
    errors: tuple[FieldFault, ...] = ()


class ApiError(PgwalletError):
    """The service refused, or failed. The class itself stands for codes that this version does not know."""

    hint: ClassVar[str] = ""
    """What to do about it."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        """Read a problem document. Raises msgspec.ValidationError."""
        super().__init__(problem)
        read = msgspec.convert(problem, _Problem)
        self.code: Final = read.code
        """For programs: the SQLSTATE of a refusal, or a word."""
        self.status: Final = read.status
        """Of the HTTP answer."""
        self.title: Final = read.title
        self.detail: Final = read.detail
        """For programmers: which field is at fault, why, and what to do next."""
        self.message: Final = read.message
        """For the person who uses the wallet, fit to be shown."""
        self.errors: Final = read.errors
        """Which fields are at fault."""
        self.request_id: Final = read.request_id
        """The line in the service's log."""
        self.members: Final = {name: value for name, value in problem.items() if name not in _COMMON}
        """The values of the refusal, as JSON has them. Those that are known are attributes, too."""
        for name, kind in self._declared().items():
            setattr(self, name, msgspec.convert(self.members.get(name), kind))

    def __str__(self) -> str:
        return f"{self.code} {self.title}: {self.detail[:_LONGEST]}"

    def __repr__(self) -> str:
        # logs have it, which are no place for amounts and names
        return f"{type(self).__name__}({self.code!r}, status={self.status}, request_id={self.request_id!r})"

    @classmethod
    @cache
    def _declared(cls) -> Mapping[str, Any]:
        """Return the types of the members that the class has as attributes."""
        own = vars(cls).get("__annotations__", {}) if cls is not ApiError else {}
        return {name: kind for name, kind in get_type_hints(cls).items() if name in own}
