"""Typed rows have the columns and types that their SQL functions declare: neither mypy nor asyncpg can tell."""

import re
import types
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import pytest

from api.database import functions
from api.database.rows import BalancePoint, Page, SessionUser
from api.schemas.operator import KindLimits, WalletLimits
from tests.database import Database

TYPES = {
    "uuid": UUID,
    "text": str,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "numeric": int,
    "double precision": float,
    "boolean": bool,
    "json": str,
    "jsonb": msgspec.Raw,
    "timestamp with time zone": datetime,
    "bigint[]": list[int],
    "uuid[]": list[UUID],
    "text[]": list[str],
    "bytea": bytes,
}
NAMES = vars(functions) | {"AsyncGenerator": AsyncGenerator, "datetime": datetime}
# made of several rows: these are its parts that are rows
PARTS: dict[type[msgspec.Struct], type[msgspec.Struct]] = {WalletLimits: KindLimits}
# rows that are tuples
TUPLES = {BalancePoint, SessionUser}
# what a method reads in the same statement, besides its function
BESIDE = {"postgres": "text"}
OUT = """
select coalesce(a.name, t.attname), format_type(coalesce(a.type, t.atttypid), null)
from pg_proc p
left join lateral unnest(p.proargnames, p.proallargtypes, p.proargmodes) as a (name, type, mode) on a.mode in ('t', 'o')
left join pg_type r on r.oid = p.prorettype
left join pg_attribute t on t.attrelid = r.typrelid and t.attnum > 0
where p.oid = %s::regproc
"""


def structs(annotation: Any) -> Iterator[type[Any]]:
    """The Structs and tuples in an annotation, each once for what it is in."""
    if isinstance(annotation, type) and (issubclass(annotation, msgspec.Struct) or annotation in TUPLES):
        yield PARTS.get(annotation, annotation)
    for argument in get_args(annotation):
        yield from structs(argument)


def fields(struct: type[Any]) -> list[tuple[str, Any]]:
    """Names and types of what a row has."""
    if struct in TUPLES:
        return list(get_type_hints(struct).items())
    # what is unset by default comes from elsewhere
    return [(field.name, field.type) for field in msgspec.structs.fields(struct) if field.default is not msgspec.UNSET]


def plain(annotation: Any) -> Any:
    """The type of a field, without what describes it and without null."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return str
    if get_origin(annotation) is list:
        return list[plain(get_args(annotation)[0])]  # type: ignore[misc]
    if isinstance(annotation, types.UnionType) or get_origin(annotation) is Union:
        (only,) = (argument for argument in get_args(annotation) if argument is not type(None))
        return plain(only)
    return annotation


CALLS = [
    pytest.param(found[1], struct, id=f"{name}-{struct.__name__}")
    for name, method in vars(functions.Database).items()
    if callable(method) and not name.startswith("_") and (found := re.search(r"`(wallet_\w+)`", method.__doc__ or ""))
    for struct in dict.fromkeys(structs(eval(method.__annotations__["return"], NAMES)))
    if struct is not Page
]


@pytest.mark.parametrize(("function", "struct"), CALLS)
def test_a_row_is_what_its_function_returns(shared_database: Database, function: str, struct: type[Any]) -> None:
    with shared_database.connect() as connection:
        columns: dict[str, str] = dict(connection.execute(OUT, [f"public.{function}"]).fetchall())
    for name, type_ in fields(struct):
        declared, found = TYPES[(BESIDE | columns)[name]], plain(type_)
        # a list or Struct is decoded from its column, which fails where the two do not fit
        nested = declared is msgspec.Raw and any(structs(found))
        assert nested or declared == found, name


def test_every_row_is_looked_at() -> None:
    assert len(CALLS) >= 25
