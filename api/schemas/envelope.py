"""What surrounds the data of an answer, what stands in its place after an error, and health."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from api.errors import FieldError
from api.schemas.fields import CreatedAt

T = TypeVar("T")


class Envelope(Struct, Generic[T]):
    """Every success but health comes in this envelope."""

    success: Literal[True]
    message: str
    data: T


class Problem(Struct, kw_only=True):
    """An error (RFC 9457). Codes with members of their own have a schema of their own, like `InsufficientFunds`."""

    type: Annotated[str, Meta(description="Where the code is documented.")]
    title: str
    status: int
    detail: Annotated[str, Meta(description="For programmers: which field is at fault, why, and what to do next.")]
    code: Annotated[str, Meta(description="For programs: the SQLSTATE of a refusal, or a word.")]
    success: Literal[False]
    message: Annotated[str, Meta(description="For the person who uses the wallet, with amounts in the asset's scale.")]
    request_id: Annotated[str | None, Meta(description="Same as the header X-Request-Id; the service logs it.")]
    errors: Annotated[list[FieldError], Meta(description="Which fields are at fault, where one is.")] = []


class Check(Struct):
    """One thing the service depends on."""

    status: Literal["healthy", "unhealthy"]
    response_time: Annotated[float, Meta(description="Milliseconds.", examples=[0.8])]


class Health(Struct):
    """Whether the service can work."""

    status: Literal["healthy", "unhealthy"]
    timestamp: CreatedAt
    checks: Annotated[dict[str, Check], Meta(examples=[{"database": {"status": "healthy", "response_time": 0.8}}])]
