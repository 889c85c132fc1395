"""The one way in for request bodies: strict JSON, decoded into the Struct that also makes the OpenAPI schema.

Litestar's own decoding takes `"1"` and `1.0` for an int and any content type for JSON. Here a body is what its schema
says or the answer names every field at fault. What passes can be stored: PostgreSQL's jsonb takes it without an error.
"""

from __future__ import annotations

import codecs
import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar, get_args

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.dto import MsgspecDTO
from litestar.openapi.spec import Schema
from litestar.typing import FieldDefinition
from msgspec import Raw, Struct
from msgspec.structs import fields

from api.errors import BAD_REQUEST, MALFORMED, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, FieldError, ServiceError, invalid

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.dto._backend import DTOBackend
    from litestar.handlers.base import BaseRouteHandler
    from litestar.openapi.spec import Reference

S = TypeVar("S", bound=Struct)

MAX_BODY_BYTES = 64 * 1024
MAX_BATCH_BYTES = 1024 * 1024
MAX_DECIMAL_PLACES = 400
MAX_MAGNITUDE = 308
NOT_JSON = "The body is not valid JSON in UTF-8."
MARKED = "The body begins with a byte order mark: send JSON in UTF-8, without one."
CUT_OFF = "The request ended before its body was complete, or its chunks are malformed."

_LOCATION = re.compile(r" - at `\$(.*)`$")


class Decoder(Generic[S]):
    """Decodes bodies of one type."""

    def __init__(self, model: type[S]) -> None:
        self._decode = msgspec.json.Decoder(model).decode
        self._fields = {field.encode_name: field for field in fields(model)}
        self._objects = [field.name for field in fields(model) if _is_raw(field.type)]
        self._once = [f'"{name}"'.encode() for name in self._fields if name not in self._objects]
        self._never = [f'"{name}"'.encode() for name in self._objects]
        self._nested = {name for name, field in self._fields.items() if _structs(field.type)}

    def decode(self, body: bytes) -> S:
        """Return the body as the Struct. Raises ServiceError: 400 for what is no JSON, 422 for what does not fit."""
        try:
            data = self._decode(body)
        except RecursionError:
            raise ServiceError(MALFORMED, "The body is nested too deeply.") from None
        except ValueError:
            self._refuse(body)
        if not self._plain(body):
            self._check(body, data)
        return data

    def _plain(self, body: bytes) -> bool:
        """See at a glance that no key is repeated and no raw object is there; false where that takes a closer look."""
        if b"\\" in body or self._nested:
            return False
        return all(body.count(name) <= 1 for name in self._once) and not any(name in body for name in self._never)

    def _check(self, body: bytes, data: S) -> None:
        """Look at what the typed decoder lets pass: repeated keys, and everything inside raw objects."""
        try:
            plain = _scan(body.decode())
        except _RepeatedKeyError:
            top = [key for key, _ in json.loads(body, object_pairs_hook=list, parse_float=str)]
            twice = {key for key in top if top.count(key) > 1} or [*self._objects, *self._nested]
            raise invalid(*(FieldError(name, "has a key twice") for name in twice)) from None
        except RecursionError:
            raise ServiceError(MALFORMED, "The body is nested too deeply.") from None
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise ServiceError(MALFORMED, NOT_JSON) from None
        except ValueError:
            raise invalid(*(FieldError(name, "has a number out of range") for name in self._objects)) from None
        _check_objects(data, plain, "")

    def _refuse(self, body: bytes) -> NoReturn:
        """Name every field at fault, not only the first."""
        try:
            members = msgspec.json.decode(body, type=dict[str, Raw])
        except msgspec.ValidationError:
            raise invalid(FieldError("body", "must be a JSON object")) from None
        except (ValueError, RecursionError):
            marked = body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            raise ServiceError(MALFORMED, MARKED if marked else NOT_JSON) from None
        errors = [FieldError(name, "is not a known field") for name in members if name not in self._fields]
        for name, field in self._fields.items():
            if name not in members:
                if field.required:
                    errors.append(FieldError(name, "is required"))
                continue
            try:
                msgspec.json.decode(members[name], type=field.type)
            except msgspec.ValidationError as error:
                inside = _LOCATION.search(str(error))
                path = inside[1] if inside else ""
                errors.append(FieldError(name + path, _LOCATION.sub("", str(error))))
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
            if more and not chunk:  # so says the protocol that no more comes
                raise ServiceError(BAD_REQUEST, CUT_OFF)
            if size > self.max_bytes:
                raise ServiceError(TOO_LARGE, f"The body may have at most {self.max_bytes // 1024} KiB.")
        if size == 0:
            raise ServiceError(MALFORMED, "The body is empty: a JSON object is expected.")
        return b"".join(chunks)


class BatchRequest(JsonRequest):
    """The request class of routes that take lists: more room."""

    max_bytes = MAX_BATCH_BYTES


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
        """Show the Struct, that it and those inside are closed, and an example made of the examples of its fields."""
        del handler_id
        reference = schema_creator.for_field_definition(field_definition)
        registry = schema_creator.schema_registry
        for inside in _structs(field_definition.annotation):
            closed = registry.get_schema_for_field_definition(FieldDefinition.from_annotation(inside))
            closed.additional_properties = False
        schema = registry.get_schema_for_field_definition(field_definition)
        members = {
            name: member.examples[0]
            for name, member in (schema.properties or {}).items()
            if isinstance(member, Schema) and member.examples
        }
        schema.examples = [members]
        return reference

    @staticmethod
    @lru_cache
    def _decoder(handler: BaseRouteHandler) -> Decoder[Any]:
        # handler_id is put together anew whenever it is asked for
        return StrictJson._decoders[handler.handler_id]

    def decode_bytes(self, value: bytes) -> Any:
        """Decode a body that says it is JSON. Raises ServiceError: 415 for any other content type, or coding."""
        connection = self.asgi_connection
        kind = b""
        for name, said in connection.scope["headers"]:
            if name == b"content-type":
                kind = kind or said
            elif name == b"content-encoding" and said.strip().lower() != b"identity":
                raise ServiceError(
                    UNSUPPORTED_MEDIA_TYPE,
                    "The body must be sent as it is: no Content-Encoding is read.",
                    headers={"Accept-Encoding": "identity"},
                )
        if kind.partition(b";")[0].strip().lower() != b"application/json":
            raise ServiceError(UNSUPPORTED_MEDIA_TYPE, "The content type must be application/json.")
        return self._decoder(connection.route_handler).decode(value)


class _RepeatedKeyError(Exception):
    """An object says the same key twice: two readers could read two different requests."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedKeyError
    return members


def _number(text: str) -> Decimal:
    """Accept what both jsonb's numeric and every client's double can hold in size; precision is not limited."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise ValueError(text) from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > MAX_DECIMAL_PLACES or number.adjusted() > MAX_MAGNITUDE:
        raise ValueError(text)
    return number


_scan = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_number).decode


def _object_fault(value: object) -> str | None:
    """What keeps a decoded raw value from being stored as a JSON object; null counts as absent."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return "must be a JSON object"
    if any("\x00" in text for text in _strings(value)):
        return "must not contain U+0000"
    return None


def _strings(value: object) -> list[str]:
    """All keys and strings inside a decoded JSON value."""
    found, queue = [], [value]
    while queue:
        item = queue.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            found.extend(item)
            queue.extend(item.values())
        elif isinstance(item, list):
            queue.extend(item)
    return found


_fields = lru_cache(fields)


def _check_objects(data: Struct, plain: dict[str, Any], path: str) -> None:
    """Refuse raw values that cannot be stored, here and in the structs inside; null becomes none at all."""
    for field in _fields(type(data)):
        value, member = getattr(data, field.name), plain.get(field.encode_name)
        name = f"{path}{field.encode_name}"
        if _is_raw(field.type):
            if fault := _object_fault(member):
                raise invalid(FieldError(name, fault))
            if member is None:
                setattr(data, field.name, Raw())
        elif isinstance(value, Struct) and isinstance(member, dict):
            _check_objects(value, member, f"{name}.")
        elif isinstance(value, list) and isinstance(member, list):
            for place, (item, plain_item) in enumerate(zip(value, member, strict=True)):
                if isinstance(item, Struct):
                    _check_objects(item, plain_item, f"{name}[{place}].")


def _structs(annotation: Any) -> set[type[Struct]]:
    """The structs that a value of this type holds, those inside them too."""
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return {annotation}.union(*(_structs(field.type) for field in _fields(annotation)))
    return set().union(*(_structs(argument) for argument in get_args(annotation)))


def _is_raw(annotation: Any) -> bool:
    return annotation is Raw or getattr(annotation, "__origin__", None) is Raw
