"""Decodes request bodies: strict JSON, into the Struct that also makes the OpenAPI schema.

Litestar's own decoding accepts `"1"` and `1.0` for an int, and any content type. Here a body fits its schema, or the
answer names every wrong field. PostgreSQL's jsonb can store every body that passes.
"""

from __future__ import annotations

import asyncio
import codecs
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar, get_args
from uuid import UUID

import jiter
import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.dto import MsgspecDTO
from litestar.openapi.spec import Schema
from litestar.typing import FieldDefinition
from msgspec import UNSET, Raw, Struct, UnsetType, defstruct
from msgspec.structs import fields

from api.database.admission import Admission, Turns
from api.errors import (
    BAD_REQUEST,
    INVALID_ARGUMENT,
    MALFORMED,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    FieldError,
    ServiceError,
    invalid,
)
from api.http.wording import REQUIRED, UNKNOWN, fault

if TYPE_CHECKING:
    # private parts of Litestar, for the types of what is overridden alone
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.dto._backend import DTOBackend
    from litestar.handlers.base import BaseRouteHandler
    from litestar.openapi.spec import Reference

S = TypeVar("S", bound=Struct)

MAX_BODY_BYTES = 64 * 1024
MAX_BATCH_BYTES = 1024 * 1024
LARGE = 16 * 1024
"""Bytes. To decode more takes milliseconds."""
MAX_LARGE = 40
"""Large bodies that may wait. Each takes the event loop for some 20 ms."""
MAX_OBJECT_BYTES = 4096
"""Bytes of a raw object as the database stores it, which only the database can count."""
LONGEST_SPELLING = 6
"""Bytes that JSON can take for one, as `\\u0041` for A. Longer objects are refused without a look inside."""
MAX_DECIMAL_PLACES = 400
MAX_MAGNITUDE = 308
JSON = b"application/json"
RARE = frozenset({b"content-encoding", b"idempotency-key"})
NOT_JSON = "The body is not valid JSON in UTF-8."
MARKED = "The body begins with a byte order mark: send JSON in UTF-8, without one."
CUT_OFF = "The request ended before its body was complete, or its chunks are malformed."
TOO_DEEP = "The body is nested too deeply."
OUT_OF_RANGE = "has a number out of range"
IDEMPOTENCY_KEY = "Idempotency-Key"
"""A second spelling of `txn_id`."""


class Decoder(Generic[S]):
    """Decodes bodies of one type."""

    def __init__(self, model: type[S]) -> None:
        self._decode = msgspec.json.Decoder(model).decode
        self._fields = {field.encode_name: field for field in fields(model)}
        self._objects = [field.name for field in fields(model) if _is_raw(field.type)]
        self._once = [f'"{name}"'.encode() for name in self._fields if name not in self._objects]
        self._never = [f'"{name}"'.encode() for name in self._objects]
        self._nested = {name for name, field in self._fields.items() if _structs(field.type)}
        self._keyed = self._without_txn_id(model)
        self._is_batch = any("txn_id" in item.__struct_fields__ for item in _structs(model) - {model})

    def _without_txn_id(self, model: type[S]) -> Decoder[S] | None:
        """Return the decoder of bodies whose `txn_id` may be in a header; None where no body has one."""
        if "txn_id" not in self._fields or not self._fields["txn_id"].required:
            return None
        optional = [("txn_id", self._fields["txn_id"].type | UnsetType, UNSET)]
        keyed: Any = defstruct(model.__name__, optional, bases=(model,), kw_only=True, forbid_unknown_fields=True)
        return Decoder(keyed)

    def decode(self, body: bytes) -> S:
        """Return the body as the Struct. Raises ServiceError: 400 for what is no JSON, 422 for what does not fit."""
        try:
            data = self._decode(body)
        except RecursionError:
            raise ServiceError(MALFORMED, TOO_DEEP) from None
        except ValueError:
            self._refuse(body)
        if not self._plain(body):
            _check_sizes(data, "")
            _check_objects(data, self._scan(body), "")
        return data

    def decode_keyed(self, body: bytes, keys: list[bytes]) -> S:
        """Return the body as the Struct, with the `txn_id` of the header Idempotency-Key."""
        if self._is_batch:
            raise invalid(FieldError(IDEMPOTENCY_KEY, "is not for batches, where each request has a txn_id"))
        if self._keyed is None:
            return self.decode(body)
        if len(keys) > 1:
            raise invalid(FieldError(IDEMPOTENCY_KEY, "is given more than once"))
        key = _key(keys[0])
        data = self._keyed.decode(body)
        said = getattr(data, "txn_id")  # noqa: B009 - not every S has one
        if said is UNSET:
            setattr(data, "txn_id", key)  # noqa: B010
        elif said != key:
            raise invalid(FieldError("txn_id", f"must be the same as {IDEMPOTENCY_KEY}"))
        return data

    def _plain(self, body: bytes) -> bool:
        """Whether surely no key is repeated and no raw object is there: a cheap test before `_scan`."""
        if self._nested or b"\\" in body or any(name in body for name in self._never):
            return False
        return all(body.count(name) <= 1 for name in self._once)

    def _scan(self, body: bytes) -> Any:
        """Read the body again, for what the typed decoder ignores: repeated keys, and all that raw objects hold."""
        try:
            return _strictly(body)
        except ValueError as error:
            said = str(error)
        if said.startswith("Detected duplicate key"):
            members = msgspec.json.decode(body, type=dict[str, Raw])
            inside = [name for name in (*self._objects, *self._nested) if not _is_strict(members.get(name))]
            key = said.partition('"')[2].rpartition('"')[0]
            twice = inside or [key if key in self._fields else "body"]
            raise invalid(*(FieldError(name, "has a key twice") for name in twice))
        if said.startswith(("number out of range", "Internal error")):
            raise invalid(*(FieldError(name, OUT_OF_RANGE) for name in self._objects or self._nested))
        raise ServiceError(MALFORMED, TOO_DEEP if said.startswith("recursion") else NOT_JSON)

    def _refuse(self, body: bytes) -> NoReturn:
        """Name every field at fault, not only the first."""
        try:
            members = msgspec.json.decode(body, type=dict[str, Raw])
        except msgspec.ValidationError:
            raise invalid(FieldError("body", "must be a JSON object")) from None
        except (ValueError, RecursionError):
            marked = body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            raise ServiceError(MALFORMED, MARKED if marked else NOT_JSON) from None
        errors = [FieldError(name, UNKNOWN) for name in members if name not in self._fields]
        for name, field in self._fields.items():
            if name not in members:
                if field.required:
                    here = f"{REQUIRED}, here or as the header {IDEMPOTENCY_KEY}"
                    errors.append(FieldError(name, here if name == "txn_id" and self._keyed else REQUIRED))
                continue
            try:
                msgspec.json.decode(members[name], type=field.type)
            except msgspec.ValidationError as error:
                errors.append(fault(name, str(error), field.type))
            except (ValueError, RecursionError):
                errors.append(FieldError(name, "is not valid JSON in UTF-8"))
        raise invalid(*errors)


class JsonRequest(Request[Any, Any, State]):
    """The request class of the whole application: reads a body in one go, and never more than `max_bytes`."""

    max_bytes: ClassVar[int] = MAX_BODY_BYTES

    async def body(self) -> bytes:
        """Return the body. Raises ServiceError: 413, or 400 when there is none or the client left before its end."""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ServiceError(BAD_REQUEST, CUT_OFF)
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            more = message.get("more_body", False)
            if more:
                if not chunk:  # the protocol says so that no more comes
                    raise ServiceError(BAD_REQUEST, CUT_OFF)
                self.require_room(size)
            if size > self.max_bytes:
                raise ServiceError(TOO_LARGE, f"The body may have at most {self.max_bytes // 1024} KiB.")
        if size == 0:
            raise ServiceError(MALFORMED, "The body is empty: a JSON object is expected.")
        return b"".join(chunks)

    def require_room(self, size: int) -> None:
        """Raise ServiceError (503) where a body of so many bytes would not be served."""


class BatchRequest(JsonRequest):
    """The request class of routes that take lists: their bodies may be larger, and large ones take turns.

    A large body or answer takes the event loop for many milliseconds. Users take turns, and between two turns the rest
    of the service has the loop for twice as long as the last turn took.
    """

    max_bytes = MAX_BATCH_BYTES
    waiting: ClassVar[Admission] = Admission(MAX_LARGE)
    turns: ClassVar[Turns] = Turns(1, 1)

    async def body(self) -> bytes:
        """Return the body when its turn has come. Raises ServiceError: 503, and as above."""
        body = await super().body()
        if len(body) > LARGE:
            who = self.user.user_id
            self.waiting.enter(who)
            try:
                await self.turn()
            finally:
                self.waiting.leave(who)
        return body

    def require_room(self, size: int) -> None:
        """Raise ServiceError (503) for a large body where too many others wait."""
        if size > LARGE:
            self.waiting.require_room(self.user.user_id)

    async def turn(self) -> None:
        """Wait for the turn. It lasts until the caller's next await."""
        who = (self.user.user_id,)
        await self.turns.enter(who, None)
        loop = asyncio.get_running_loop()
        began = loop.time()
        loop.call_soon(lambda: loop.call_later(2 * (loop.time() - began), self.turns.leave, who))


class StrictJson(MsgspecDTO[Struct]):
    """The DTO of the whole application: strict decoding, while OpenAPI shows the Struct itself."""

    _decoders: ClassVar[dict[str, Decoder[Any]]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: type[DTOBackend] | None = None
    ) -> None:
        """Prepare the decoder of one route."""
        del backend_cls
        cls._decoders[handler_id] = Decoder(field_definition.annotation)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Show the Struct, that it and those inside are closed, and that `txn_id` can come as a header."""
        del handler_id
        reference = schema_creator.for_field_definition(field_definition)
        registry = schema_creator.schema_registry
        for inside in _structs(field_definition.annotation):
            closed = registry.get_schema_for_field_definition(FieldDefinition.from_annotation(inside))
            closed.additional_properties = False
        schema = registry.get_schema_for_field_definition(field_definition)
        if schema.required:
            schema.required = [name for name in schema.required if name != "txn_id"]
        return reference

    @staticmethod
    @lru_cache
    def _decoder(handler: BaseRouteHandler) -> Decoder[Any]:
        # each access to handler_id builds the string anew
        return StrictJson._decoders[handler.handler_id]

    def decode_bytes(self, value: bytes) -> Any:
        """Decode a body that says it is JSON. Raises ServiceError: 415 for any other content type, or coding."""
        connection = self.asgi_connection
        kind = b""
        keys = []
        for name, said in connection.scope["headers"]:
            if name == b"content-type":
                kind = kind or said
            elif name not in RARE:
                continue
            elif name == b"idempotency-key":
                keys.append(said)
            elif said.strip().lower() != b"identity":
                raise ServiceError(
                    UNSUPPORTED_MEDIA_TYPE,
                    "The body must be sent as it is: no Content-Encoding is read.",
                    headers={"Accept-Encoding": "identity"},
                )
        if kind != JSON and kind.partition(b";")[0].strip().lower() != JSON:
            raise ServiceError(UNSUPPORTED_MEDIA_TYPE, "The content type must be application/json.")
        decoder = self._decoder(connection.route_handler)
        data = decoder.decode_keyed(value, keys) if keys else decoder.decode(value)
        # for the line of the log
        connection.scope["state"]["txn_id"] = getattr(data, "txn_id", None)
        return data


def _key(said: bytes) -> UUID:
    """Read the header: a UUID as in a body, also as a string of structured fields (RFC 9651), in double quotes."""
    text = said.decode("latin-1").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError as error:
        raise invalid(fault(IDEMPOTENCY_KEY, str(error))) from None


def _strictly(text: bytes) -> Any:
    """Parse JSON without repeated keys and NaN; numbers with a point or exponent become Decimal."""
    return jiter.from_json(
        text, allow_inf_nan=False, cache_mode="none", catch_duplicate_keys=True, float_mode="decimal"
    )


def _is_strict(value: Raw | None) -> bool:
    try:
        _strictly(bytes(value or b"null"))
    except ValueError:
        return False
    return True


def _fits(number: Decimal) -> bool:
    """Whether jsonb's numeric and every client's double can hold the number's size. Its precision has no limit."""
    text = str(number)
    if len(text) <= MAX_MAGNITUDE and "E" not in text:
        return True
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and abs(exponent) <= MAX_DECIMAL_PLACES and number.adjusted() <= MAX_MAGNITUDE


def _object_fault(value: object) -> str | None:
    """Say what keeps a decoded value from being stored as a JSON object. Null counts as absent."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return "must be a JSON object"
    queue: list[object] = [value]
    while queue:
        item = queue.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return "must not contain U+0000"
        elif isinstance(item, dict):
            queue.extend(item)
            queue.extend(item.values())
        elif isinstance(item, list):
            queue.extend(item)
        elif isinstance(item, Decimal) and not _fits(item):
            return OUT_OF_RANGE
    return None


_fields = lru_cache(fields)


@lru_cache
def _parts(struct: type[Struct]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the raw objects among the fields, and those that hold structs, each with its name in JSON."""
    names = [(field.name, field.encode_name, field.type) for field in fields(struct)]
    return (
        [(name, shown) for name, shown, kind in names if _is_raw(kind)],
        [(name, shown) for name, shown, kind in names if _structs(kind)],
    )


def _check_sizes(data: Struct, path: str) -> None:
    """Refuse raw values that are too large, in the database's words, before anything reads what they hold."""
    objects, nested = _parts(type(data))
    for name, shown in objects:
        if len(bytes(getattr(data, name))) > MAX_OBJECT_BYTES * LONGEST_SPELLING:
            fault = FieldError(path + shown, f"must have at most {MAX_OBJECT_BYTES} bytes")
            raise ServiceError(INVALID_ARGUMENT, f"{fault.field} {fault.message}.", [fault])
    for name, shown in nested:
        value = getattr(data, name)
        if isinstance(value, Struct):
            _check_sizes(value, f"{path}{shown}.")
        elif isinstance(value, list):
            for place, item in enumerate(value):
                _check_sizes(item, f"{path}{shown}[{place}].")


def _check_objects(data: Struct, plain: dict[str, Any], path: str) -> None:
    """Refuse raw values that cannot be stored, also in nested structs. Null becomes absent."""
    objects, nested = _parts(type(data))
    for name, shown in objects:
        member = plain.get(shown)
        if fault := _object_fault(member):
            raise invalid(FieldError(path + shown, fault))
        if member is None:
            setattr(data, name, Raw())
    for name, shown in nested:
        value, member = getattr(data, name), plain.get(shown)
        if isinstance(value, Struct) and isinstance(member, dict):
            _check_objects(value, member, f"{path}{shown}.")
        elif isinstance(value, list) and isinstance(member, list):
            for place, (item, plain_item) in enumerate(zip(value, member, strict=True)):
                _check_objects(item, plain_item, f"{path}{shown}[{place}].")


def _structs(annotation: Any) -> set[type[Struct]]:
    """Return the structs that a value of this type holds, nested ones too."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return {annotation}.union(*(_structs(field.type) for field in _fields(annotation)))
    return set().union(*(_structs(argument) for argument in get_args(annotation)))


def _is_raw(annotation: Any) -> bool:
    return annotation is Raw or getattr(annotation, "__origin__", None) is Raw
