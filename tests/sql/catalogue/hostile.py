"""Values that nobody should pass to a function, among those that get it somewhere, as PostgreSQL's literals."""

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

LARGEST = 2**53 - 1
# of ten values so many fit
FITTING = 7
NUMBERS = [1, 100, 999, 0, -1, LARGEST, LARGEST + 1, -LARGEST, -LARGEST - 1]
TEXTS = [
    *["", " ", "a", "x" * 256, "x" * 257, "x" * 100_000, "\x01\x1f\x7f", "\x85\u2028\u202e", "\U0001f600" * 65],
    *["\u0130\u0131\u017f\u212a"],
    *["\\u0000", "\\", "'", '"', "{}", "{1,2}", "null", "NULL", "NaN", "%s%n", "$1", "'; drop table wallet.ledger; --"],
    "00000000-0000-0000-0000-000000000000",
]
WORDS = {
    "p_types": ["topup", "spend", "transfer", "hold", "capture", "void", "refund", "bonus", "adjustment"],
    "p_type": ["topup", "spend", "transfer", "capture", "refund", "bonus", "adjustment"],
    "p_kinds": ["topup", "spend", "transfer"],
    "p_status": [
        *["active", "frozen", "closed", "open", "expired", "captured", "voided"],
        *["waiting", "confirmed", "rejected"],
    ],
    "p_asset": ["UC", "USD"],
    "p_action": ["read", "status", "topup", "erase"],
    "p_query": ["alice", "B", "order 17", "00000000-0000-4000-8000-000000000001"],
    "p_code": ["UC", "XYZ", "uc"],
    "p_role": ["user", "operator"],
    "p_username": ["alice", "bob", "ALICE"],
    "p_usernames": ["alice", "bob", "nobody"],
    "p_to_username": ["bob", "alice", "nobody"],
    "p_scopes": ["read", "topup", "spend"],
    "p_networks": ["10.0.0.0/8", "::/0", "10.0.0.1/8"],
    "p_name": ["a shop"],
    "p_prefix": ["pgw_12345678"],
    "p_url": ["https://example.com", "http://user@example.com", "HTTPS://[::1]:1/#a"],
}
MOMENTS = [
    *[
        "infinity",
        "-infinity",
        "4713-01-01 00:00:00+00 BC",
        "294276-12-31 23:59:59.999999+00",
        "0001-01-01 00:00:00+00",
    ],
    *["epoch", "2000-01-01 00:00:00+15:59", "2026-01-01 00:00:00.000001-15:59", "9999-12-31 23:59:59+00"],
    *["now", "yesterday", "tomorrow"],
]
DOCUMENTS = [
    *[
        "{}",
        '{"order": 17}',
        "[]",
        "null",
        "1",
        '"x"',
        "true",
        '{"": {"": []}}',
        '{"a": "\\ud83d\\ude00", "\\u0001": 1}',
    ],
    *['{"a": 1e1000}', '{"a": -1e-1000}', '{"a": 0.' + "0" * 2000 + "1}", json.dumps({"a": "x" * 4100})],
    *['{"a":' * 1000 + "1" + "}" * 1000, "[" * 1000 + "]" * 1000, json.dumps({str(n): n for n in range(3000)})],
]


class Argument(NamedTuple):
    """An argument of a function, by its name and PostgreSQL type."""

    name: str
    type: str


def scalars(argument: Argument, ids: Mapping[str, list[str]]) -> st.SearchStrategy[str | None]:
    """Literals of the argument's type, or of its elements' type. Raises KeyError for a type that is not known here."""
    name = argument.name
    kind = argument.type.removesuffix("[]")
    own = _own(argument, ids)
    known: dict[str, list[Any]] = {
        "uuid": own * 3 + [one for found in ids.values() for one in found],
        "bigint": [*NUMBERS, 2**63 - 1, -(2**63)],
        "integer": [*[number for number in NUMBERS if abs(number) < 2**31], 50, 2**31 - 1, -(2**31)],
        "smallint": [0, 2, 8, 9, -1, 2**15 - 1, -(2**15)],
        "numeric": [0, 1, "NaN", "Infinity", "1e1000"],
        "double precision": [0, 1.5, -1, "NaN", "Infinity", "-Infinity", "1e308"],
        "boolean": ["true", "false"],
        "text": WORDS.get(name, []) * 4 + TEXTS,
        "timestamp with time zone": MOMENTS,
        "interval": ["0", "1 day", "-1 day", "178000000 years"],
        "jsonb": DOCUMENTS,
        "bytea": ["\\x", "\\x00", "\\x" + "ff" * 32],
        "inet": ["127.0.0.1", "::ffff:10.0.0.1", "::/0", "0.0.0.0/0", "10.0.0.1/8"],
    }
    values = [None, *(str(value) for value in known[kind])]
    drawn = st.sampled_from(values)
    if kind == "text":
        drawn |= st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
    fitting = st.sampled_from(usual(argument, ids))
    # a call whose arguments are all odd is refused for the first of them
    return st.integers(0, 9).flatmap(lambda dice: fitting if dice < FITTING else drawn)


def usual(argument: Argument, ids: Mapping[str, list[str]]) -> list[str | None]:
    """Literals that an ordinary call has for this argument or its elements."""
    kind = argument.type.removesuffix("[]")
    found = {"uuid": _own(argument, ids)[:2], "bigint": ["100"], "text": WORDS.get(argument.name), "boolean": ["true"]}
    literals: list[str | None] = [*(found.get(kind) or ())]
    return literals or [None]


def misshapen(arguments: list[Argument], ids: Mapping[str, list[str]]) -> Iterator[list[str | None]]:
    """Ordinary calls in which one array has another shape than the others, each for both of the usual actors."""
    for turn, (place, odd) in itertools.product(range(2), enumerate(arguments)):
        if not odd.type.endswith("[]"):
            continue
        literals = []
        for argument in arguments:
            found = usual(argument, ids)
            one = found[turn % len(found)]
            literals.append(_braced([one] * 2) if argument.type.endswith("[]") else one)
        one = usual(odd, ids)[0]
        pair = _braced([one] * 2)
        for shape in (
            None,
            "{}",
            _braced([one]),
            _braced([one, None]),
            f"[0:1]={pair}",
            f"{{{pair}}}",
            f"{{{pair},{pair}}}",
        ):
            yield [*literals[:place], shape, *literals[place + 1 :]]


def arrays(argument: Argument, ids: Mapping[str, list[str]], length: int) -> st.SearchStrategy[str | None]:
    """Array literals: mostly of this length, now and then of any other shape."""
    element = scalars(argument, ids)
    plain = st.lists(element, min_size=length, max_size=length)
    square = st.tuples(element, element, element, element).map(
        lambda four: f"{{{_braced(four[:2])},{_braced(four[2:])}}}"
    )
    odd = (
        st.sampled_from([None, "{}", "{NULL}"])
        | st.lists(element, max_size=3).map(_braced)
        | st.lists(element, min_size=2, max_size=2).map(lambda two: "[0:1]=" + _braced(two))
        | square
        | element.map(lambda one: _braced([one] * 1001))
    )
    return st.integers(0, 9).flatmap(lambda dice: odd if dice < 3 else plain.map(_braced))


@st.composite
def calls(draw: st.DrawFn, arguments: list[Argument], ids: Mapping[str, list[str]]) -> list[str | None]:
    """The literals of one call."""
    length = draw(st.integers(1, 4))
    return [
        draw(arrays(argument, ids, length) if argument.type.endswith("[]") else scalars(argument, ids))
        for argument in arguments
    ]


def _own(argument: Argument, ids: Mapping[str, list[str]]) -> list[str]:
    return next((found for part, found in ids.items() if part in argument.name), [])


def _braced(elements: Any) -> str:
    quoted = ["NULL" if one is None else '"' + one.replace("\\", "\\\\").replace('"', '\\"') + '"' for one in elements]
    return "{" + ",".join(quoted) + "}"
