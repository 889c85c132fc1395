"""Writes what the Python client has of the OpenAPI document, and its sync half; a test holds the files equal to this.

python -m tests.api.python_client.generate
"""

import keyword
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from textwrap import fill, indent
from typing import Any, Final, NamedTuple

from api.app import create_app
from api.http.error_examples import NEXT_STEPS
from api.settings import Settings
from tests.docs.markdown import ROOT

PACKAGE: Final = ROOT / "clients/python/pgwallet_client"
ANEW: Final = "python -m tests.api.python_client.generate"
WIDTH: Final = 110

Schema = Mapping[str, Any]

ATTRIBUTES: Final = {"from": "start", "to": "end"}
"""Members and parameters whose names Python does not allow, or that read badly then."""
LITERALS: Final = {"hold.opened": "EventName", "password_reset_created": "Action"}
"""The name of an enumeration, by one of its values."""
EXCEPTIONS: Final = {"WA004": "TxnIdAlreadyUsed", "WA010": "SameWallet"}
"""Where the title makes no good name."""
METHODS: Final = {
    "inspectUser": "user",
    "inspectWallet": "wallet",
    "inspectTransaction": "transaction",
    "inspectTransactions": "transactions",
    "inspectHold": "hold",
    "inspectHolds": "holds",
    "inspectStatement": "statement",
    "topUpForUser": "top_up",
    "refundForUser": "refund",
    "placeHold": "hold",
    "captureHold": "capture",
    "voidHold": "void",
    "listEvents": "event_page",
    "checkReceipt": "receipt",
}
"""Names of methods, where the operation's without get or list is none."""
BY_HAND: Final = {"getBalance", "runBatch", "streamEvents", "streamOwnEvents"}
LEFT_OUT: Final = {"format"}
"""Parameters of answers that are no JSON."""
PATH_NAMES: Final = {("captureHold", "txn_id"): "hold_txn_id", ("voidHold", "txn_id"): "hold_txn_id"}
UNIONS: Final = {"TransactionCloudEvent": "Event", "InsufficientFunds": "dict[str, Any]"}
"""What a union without a tag is read as, by one of its members."""
DESCRIBING: Final = {"reference", "metadata", "effective_at"}
SHARED: Final = (
    *("ApiError", "FieldFault", "NoAnswerError", "PgwalletError", "ReceiptError", "UnexpectedAnswerError"),
    "WebhookError",
)
"""What errors.py has of `_errors.py`."""
SIMPLE: Final = {"integer": "int", "number": "float", "boolean": "bool", "null": "None", None: "Any"}
BASES: Final = {"BatchItemResult": "Outcome, Model"}

# What becomes of the async half, in this order.
SYNC: Final = (
    (r"^.*", f'"""Made of its half for asyncio and trio: {ANEW} writes this file."""'),
    (r"import anyio\n", "import threading\n"),
    (r"anyio\.Lock\(\)", "threading.Lock()"),
    (r"anyio\.sleep", "time.sleep"),
    (r"AsyncGenerator, AsyncIterator, Awaitable, Callable,", "Callable, Generator, Iterator,"),
    (r"Awaitable\[(\w+)\]", r"\1"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\b_async_(calls|pages)\b", r"_sync_\1"),
    (r"__a(enter|exit|iter)__", r"__\1__"),
    (r"\baclos", "clos"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\bAsync(?=[A-Z])", ""),
)


class Argument(NamedTuple):
    """An argument of a method, and where in the request it goes."""

    place: str
    spelt: str
    python: str
    kind: str
    required: bool

    @property
    def value(self) -> str:
        return f"{self.python} or uuid4()" if self.spelt == "txn_id" and self.place == "body" else self.python


@cache
def document() -> Schema:
    """The OpenAPI document, without a service."""
    app = create_app(Settings(api_url="postgresql://wallet_api@/none", jwt_secret="a secret of 32 bytes at the least"))
    found: Schema = app.litestar.openapi_schema.to_schema()
    return found


def files() -> dict[Path, str]:
    """What each of the files must hold."""
    api = Api(document())
    calls = api.calls()
    made = {
        "models.py": api.models(),
        "errors.py": api.errors(),
        "_async_calls.py": calls,
        "_sync_calls.py": as_sync(calls),
        **{f"_sync{name}.py": as_sync((PACKAGE / f"_async{name}.py").read_text()) for name in ("", "_pages")},
    }
    return {PACKAGE / name: formatted(text) for name, text in made.items()}


def as_sync(source: str) -> str:
    """The same without asyncio."""
    for pattern, replacement in SYNC:
        source = re.sub(pattern, replacement, source)
    return source


def formatted(source: str) -> str:
    """Source as ruff writes it."""
    for command in (["check", "--fix-only", "--select=I,F401", "--quiet"], ["format", "--quiet"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("ruff"), *command, f"--stdin-filename={PACKAGE / 'made.py'}", "-"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        source = done.stdout
    return source


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def attribute(name: str) -> str:
    return ATTRIBUTES.get(name, f"{name}_" if keyword.iskeyword(name) else name)


def docstring(text: str) -> str:
    return fill(
        f'"""{" ".join(text.split())}"""'.replace("\\", "\\\\"), WIDTH, break_long_words=False, break_on_hyphens=False
    )


def target(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


class Api:
    """The document, and what is made of it."""

    def __init__(self, found: Schema) -> None:
        self.found = found
        self.schemas: Mapping[str, Schema] = found["components"]["schemas"]
        self.literals: dict[str, list[str]] = {}
        self.tags: dict[str, tuple[str, str]] = {}
        for schema in self.schemas.values():
            for member in (
                schema,
                *schema["properties"].values(),
                *(m.get("items", {}) for m in self._members(schema)),
            ):
                self._note_tags(member)

    @staticmethod
    def _members(schema: Schema) -> Iterable[Schema]:
        found: Iterable[Schema] = schema["properties"].values()
        return found

    def _note_tags(self, member: Schema) -> None:
        if discriminator := member.get("discriminator"):
            for value, ref in discriminator["mapping"].items():
                self.tags[ref.rpartition("/")[2]] = discriminator["propertyName"], value

    # types

    def type(self, schema: Schema, *, sent: bool = False) -> str:
        """Python's type of a value; `sent` for one that the client chooses, whose values are known."""
        if "$ref" in schema:
            return target(schema)
        if several := schema.get("oneOf"):
            special = [UNIONS[target(one)] for one in several if target(one) in UNIONS]
            kinds = [self.type(one, sent=sent) for one in several]
            # the document has them in any order
            kinds.sort(key=lambda kind: kind == "None")
            return " | ".join(dict.fromkeys([*special[:1], *(kind for kind in kinds if not special or kind == "None")]))
        kind = schema.get("type")
        if isinstance(kind, list):
            return self.type({"oneOf": [{**schema, "type": one} for one in kind]}, sent=sent)
        if sent and schema.get("enum"):
            return self._literal([value for value in schema["enum"] if value is not None])
        if kind == "array":
            return f"{'Sequence' if sent else 'list'}[{self.type(schema['items'], sent=sent)}]"
        if kind == "object":
            inner = schema.get("additionalProperties")
            value = self.type(inner, sent=sent) if isinstance(inner, dict) and inner else "Any"
            return f"{'Mapping' if sent else 'dict'}[str, {value}]"
        if kind == "string":
            return {"uuid": "UUID", "date-time": "datetime"}.get(schema.get("format", ""), "str")
        return SIMPLE[kind]

    def _literal(self, values: list[str]) -> str:
        for value in values:
            if name := LITERALS.get(value):
                self.literals[name] = values
                return name
        return f"Literal[{', '.join(map(repr, values))}]"

    # models

    def problems(self) -> dict[str, str]:
        """The schema of each code."""
        found = {}
        for name, schema in self.schemas.items():
            code = schema["properties"].get("code", {})
            if {"title", "detail", "code"} <= schema["properties"].keys():
                found.update(dict.fromkeys(code.get("enum") or [code["const"]], name))
        return found

    def _reached(self) -> list[str]:
        """The schemas that answers are made of, and those that the client hands over."""
        left = ["BatchItemRequest", "TransactionData", "HoldData", "AccountData"]
        for _, _, operation in self.operations(all_of_them=True):
            left += [target(data) for data in self.answers(operation).values() if "$ref" in data]
            left += [ref for data in self.answers(operation).values() for ref in refs(data)]
            left += [ref for member in self.body(operation)[0].values() for ref in refs(member)]
        left += [ref for name in self.problems().values() for ref in refs(self.schemas[name]["properties"])]
        reached: set[str] = set()
        while left:
            name = left.pop()
            skipped = name.endswith("CloudEvent") or name in self.problems().values() or name == "FieldError"
            if name not in reached and not skipped:
                reached.add(name)
                left += refs(self.schemas[name])
        return sorted(reached)

    def models(self) -> str:
        parts = [self._model(name) for name in self._reached()]
        self.calls()  # which names more enumerations
        literals = [
            f"{name} = Literal[{', '.join(map(repr, values))}]" for name, values in sorted(self.literals.items())
        ]
        return "\n\n".join(
            [
                f'"""What answers are made of. {ANEW} writes this file."""',
                "from __future__ import annotations",
                "from collections.abc import Mapping, Sequence\nfrom datetime import datetime\n"
                "from typing import Any, Literal\nfrom uuid import UUID, uuid4",
                "from msgspec import field",
                "from pgwallet_client._model import Event, Model, Outcome",
                *literals,
                *parts,
            ]
        )

    def _model(self, name: str) -> str:
        schema = self.schemas[name]
        sent = name == "BatchItemRequest"
        base = BASES.get(name, "Model") + ", frozen=True, kw_only=True"
        if name in self.tags:
            field, value = self.tags[name]
            base += f", tag_field={field!r}, tag={value!r}"
        if sent:
            base += ", omit_defaults=True"
        lines = [f"class {name}({base}):", indent(docstring(schema["description"]), "    ")]
        for member, about in schema["properties"].items():
            if self.tags.get(name, ("",))[0] == member:
                continue
            lines += [
                indent(line, "    ") for line in self._field(member, about, member in schema["required"], sent=sent)
            ]
        return "\n".join(lines)

    def _field(self, member: str, about: Schema, required: bool, *, sent: bool) -> Iterator[str]:
        kind, name, default = self.type(about, sent=sent), attribute(member), ""
        if sent and member == "txn_id":
            default = "field(default_factory=uuid4)"
        elif name != member:
            default = f"field(name={member!r})"
        elif not required:
            kind, default = kind if "None" in kind else f"{kind} | None", "None"
        yield f"{name}: {kind}" + (f" = {default}" if default else "")
        text = about.get("description", "")
        if about.get("enum") and not sent and len(about["enum"]) <= 12:
            values = "One of " + ", ".join(f"`{value}`" for value in about["enum"] if value is not None) + "."
            text = f"{values} {text}".strip()
        if text:
            yield docstring(text)

    # exceptions

    def errors(self) -> str:
        schemas = self.problems()
        named: dict[str, str] = {}
        for code, example in self.found["components"]["examples"].items():
            alone = list(schemas.values()).count(schemas[code]) == 1
            words = "".join(word[:1].upper() + word[1:] for word in re.findall(r"\w+", example["value"]["title"]))
            named[code] = EXCEPTIONS.get(code) or (schemas[code] if alone else words)
        assert len(set(named.values())) == len(named), "two codes have one name"
        classes = [self._error(code, named[code], schemas[code]) for code in named]
        table = "".join(f"    {code!r}: {name},\n" for code, name in named.items())
        used = sorted(
            {ref for name in schemas.values() for ref in refs(self.schemas[name]["properties"])} - {"FieldError"}
        )
        public = ["CODES", *sorted([*SHARED, *named.values()]), "refusal"]
        return "\n\n".join(
            [
                f'"""One exception for each code of the service. {ANEW} writes this file."""',
                "from __future__ import annotations",
                "from collections.abc import Mapping\nfrom datetime import datetime\n"
                "from typing import Any, Final\nfrom uuid import UUID",
                f"from pgwallet_client._errors import {', '.join(SHARED)}",
                f"from pgwallet_client.models import {', '.join(used)}" if used else "",
                f"__all__ = {public!r}",
                *classes,
                f"CODES: Final[Mapping[str, type[ApiError]]] = {{\n{table}}}\n"
                + docstring("The exception of each code; that of others is ApiError."),
                "def refusal(problem: Mapping[str, Any]) -> ApiError:\n"
                '    """Return the exception of a problem document. Raises msgspec.ValidationError."""\n'
                '    return CODES.get(str(problem.get("code")), ApiError)(problem)',
            ]
        )

    def _error(self, code: str, name: str, schema: str) -> str:
        about = self.schemas[schema]
        common = self.schemas["Problem"]["properties"].keys()
        text = self.found["components"]["examples"][code]["value"]["title"]
        more = about["description"] if schema != "Problem" else ""
        lines = [
            f"class {name}(ApiError):",
            indent(docstring(f"`{code}` {text}. {more}".replace(f"{text}. {text}", text)), "    "),
            f"    hint = {NEXT_STEPS[code]!r}",
        ]
        for member, shape in about["properties"].items():
            if member not in common:
                kind = self.type(shape)
                optional = member not in about["required"] and "None" not in kind
                lines.append(f"    {attribute(member)}: {kind}{' | None' if optional else ''}")
                if "description" in shape:
                    lines.append(indent(docstring(shape["description"]), "    "))
        return "\n".join(lines)

    # calls

    def operations(self, *, all_of_them: bool = False) -> Iterator[tuple[str, str, Schema]]:
        for path, methods in self.found["paths"].items():
            for method, operation in methods.items():
                by_hand = operation["operationId"] in BY_HAND and not all_of_them
                if "/health" not in path and not by_hand:
                    yield method.upper(), path, operation

    def answers(self, operation: Schema) -> dict[int, Schema]:
        """The schema of the data that each success has."""
        found = {}
        for status, answer in operation["responses"].items():
            media = answer.get("content", {}).get("application/json")
            if int(status) < 400 and media:
                envelope = self.schemas[target(media["schema"])]
                found[int(status)] = envelope["properties"]["data"]
        return found

    def body(self, operation: Schema) -> tuple[Mapping[str, Schema], list[str]]:
        """The fields of the body, and those that it must have."""
        if "requestBody" not in operation:
            return {}, []
        schema = self.schemas[target(operation["requestBody"]["content"]["application/json"]["schema"])]
        return schema["properties"], [name for name in schema["required"] if name != "txn_id"]

    def calls(self) -> str:
        users: list[str] = []
        operators: list[str] = []
        for method, path, operation in self.operations():
            text = self._method(method, path, operation)
            (operators if path.startswith("/api/operator") else users).append(text)
        models = sorted({*self._reached(), *self.literals})
        return "\n\n".join(
            [
                f'"""A method for each call. {ANEW} writes this file."""',
                "from __future__ import annotations",
                "from collections.abc import Mapping, Sequence\nfrom datetime import datetime\n"
                "from typing import Any, Literal, TypeVar\nfrom uuid import UUID, uuid4",
                "from pgwallet_client._core import Call, given, part",
                f"from pgwallet_client.models import {', '.join(models)}",
                "from pgwallet_client._async_pages import AsyncPages",
                'T = TypeVar("T")',
                self._class("AsyncCalls", "What users do.", users),
                self._class("AsyncOperatorCalls", "What operators do.", operators),
            ]
        )

    @staticmethod
    def _class(name: str, text: str, methods: list[str]) -> str:
        call = "async def _call(self, call: Call[T]) -> T:\n    raise NotImplementedError\n"
        return f"class {name}:\n" + indent("\n".join([f'"""{text}"""\n', call, *methods]), "    ")

    def _arguments(self, operation: Schema) -> Iterator[Argument]:
        parameters = operation.get("parameters", [])
        in_pages = any(one["name"] == "cursor" for one in parameters)
        for one in parameters:
            spelt, kind = one["name"], self.type(one["schema"], sent=True)
            python = PATH_NAMES.get((operation["operationId"], spelt), attribute(spelt))
            if spelt == "limit" and in_pages:
                python = "page_size"
            elif spelt == "type" and kind.startswith("Sequence"):
                python = "types"
            if one["in"] != "header" and spelt not in LEFT_OUT:
                yield Argument(one["in"], spelt, python, kind, bool(one.get("required")))
        fields, musts = self.body(operation)
        for spelt, about in fields.items():
            kind = self.type(about, sent=True).removesuffix(" | None")
            yield Argument("body", spelt, attribute(spelt), kind, spelt in musts)

    def _method(self, method: str, path: str, operation: Schema) -> str:
        arguments = list(self._arguments(operation))
        names = {one.spelt: one.python for one in arguments if one.place == "path"}
        spelt = re.sub(r"\{(\w+)\}", lambda found: f"{{part({names[found[1]]})}}", path)
        kinds = {status: self.type(data) for status, data in self.answers(operation).items()}
        given = [repr(method), f'{"f" if names else ""}"{spelt}"']
        given.append(f"{{{', '.join(f'{status}: {kind}' for status, kind in kinds.items())}}}")
        for place, before in (("query", ""), ("body", "body=")):
            values = [f"{one.spelt!r}: {one.value}" for one in arguments if one.place == place]
            if values or (place == "body" and "requestBody" in operation):
                given.append(f"{before}given({{{', '.join(values)}}})")
        keyed = any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", []))
        if method in {"GET", "PUT"} or keyed:
            given.append("again=True")
        if not operation["security"]:
            given.append("public=True")
        return self._text(operation, arguments, " | ".join(dict.fromkeys(kinds.values())), ", ".join(given))

    def _text(self, operation: Schema, arguments: list[Argument], result: str, given: str) -> str:
        name = operation["operationId"]
        python = METHODS.get(name) or snake(re.sub("^(get|list)(?=[A-Z])", "", name))
        required = [f"{one.python}: {one.kind}" for one in arguments if one.required]
        optional = [f"{one.python}: {one.kind} | None = None" for one in arguments if not one.required]
        # the key of the call is what matters first, what only describes it last
        optional.sort(key=lambda one: (not one.startswith("txn_id"), one.partition(":")[0] in DESCRIBING))
        signature = ", ".join(["self", *required, *(["*", *optional] if optional else [])])
        call = f"    call: Call[{result}] = Call({given})"
        about = self.schemas.get(result, {}).get("properties", {})
        text = indent(docstring(operation["description"]), "    ")
        if "next_cursor" in about:
            head = f"def {python}({signature}) -> AsyncPages[{result}, {self.type(about['items']['items'])}]:"
            return "\n".join([head, text, call, "    return AsyncPages(self._call, call)\n"])
        answer, returned = result, "await self._call(call)"
        if about.keys() == {"items"}:
            answer, returned = self.type(about["items"]), f"({returned}).items"
        return "\n".join([f"async def {python}({signature}) -> {answer}:", text, call, f"    return {returned}\n"])


def refs(part: object) -> Iterator[str]:
    """The schemas that are named anywhere in it."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield target(part)
        for name, value in part.items():
            if name != "examples":
                yield from refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from refs(value)


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text)
