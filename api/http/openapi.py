"""The API's document: what Litestar makes of routes and Structs, and what it has no words for.

Rules that hold for every operation stand here, so that a new route needs only its own texts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from http import HTTPStatus
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, ClassVar, Final, get_args, get_origin, get_type_hints

import msgspec
from litestar.openapi.spec import (
    Components,
    Contact,
    Discriminator,
    Example,
    License,
    OpenAPIHeader,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    Schema,
    SecurityScheme,
    Server,
    Tag,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.openapi.spec.schema import SchemaDataContainer
from litestar.plugins import OpenAPISchemaPlugin, ReceiveRoutePlugin
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from msgspec import UNSET, Struct, UnsetType

from api.http.error_examples import EXAMPLES
from api.http.json_body import IDEMPOTENCY_KEY
from api.http.problems import PROBLEM_JSON
from api.http.responses import VARIANTS, problem_examples, shown
from api.schemas.envelope import Envelope, Problem
from api.schemas.fields import OPERATOR_ID, ORIGINAL_TXN_ID, TXN_ID, USERNAME_PATTERN

if TYPE_CHECKING:
    # private parts of Litestar, for the types of what is handed in alone
    from litestar._openapi.datastructures import SchemaRegistry
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.routes import BaseRoute

BEARER: Final = "bearer"
KEY: Final = "key"
BY_KEYS: Final[list[dict[str, list[str]]]] = [{BEARER: []}, {KEY: []}]
"""Who may call what keys reach."""
SCHEMAS: Final = "#/components/schemas/"
CONTACT: Final = Contact(name="The operators of this service")
LICENSE: Final = License(name="MIT", identifier="MIT")
INTRODUCTION: Final = """A digital wallet.

- **Amounts** are whole numbers of minor units: in USD, which has two decimal places, 700 means 7.00.
- **Times** are RFC 3339 in UTC.
- **Sending again** is safe: what moves money happens once for each `txn_id`.
- **Errors** have a `message` for the person and a `code` for programs: see [all codes](/api/docs/errors).
- **To try a call**, sign in at the top of this page. *Authorize* is for a token that you have already.
- **Customer care** (needs an operator): open *Operators: look*, then *Search*; look at what it found by its id.
"""
SERVERS: Final = [Server(url="/", description="The service that this document comes from.")]
LOOK: Final = "Operators: look"
ACT: Final = "Operators: act"
HOOKS: Final = "Operators: webhooks"
KEYS: Final = "Operators: keys"
EVENTS: Final = "Events"
TAGS: Final = [
    Tag("Accounts", "Sign-up, sign-in, sign-out, and the password."),
    Tag("Wallet", "The balance, and what moves money of the signed-in user's wallet."),
    Tag("Wallets", "The signed-in user's wallets: one for each asset."),
    Tag("Holds", "Money set aside, then captured or released."),
    Tag("History", "Ledger entries, single transactions, and statements."),
    Tag(LOOK, "For customer care: find and read what any user has. Needs an operator. Who was shown is on record."),
    Tag(ACT, "What operators change, on record. Needs an operator, who changes nothing of their own."),
    Tag(HOOKS, "Who is told of events by HTTP. Needs an operator; every change is on record."),
    Tag(KEYS, "What machines use in place of a token. Needs an operator; what is made or revoked is on record."),
    Tag(EVENTS, "What happened, in order: by pages and as streams. Nothing is missed, and nothing comes twice."),
    Tag("Health", "For load balancers, orchestrators and people."),
]


def _header(description: str, kind: OpenAPIType, *, required: bool = True) -> OpenAPIHeader:
    # Litestar's defaults for the other members are those of parameters: a header has none of them
    return OpenAPIHeader(description=description, required=required, schema=Schema(type=kind))


HEADERS: Final = {
    "X-Request-Id": _header(
        "The request's id in the service's log: the client's own, or a new one.", OpenAPIType.STRING
    ),
    "WWW-Authenticate": _header("The scheme of tokens: `Bearer`.", OpenAPIType.STRING),
    "Allow": _header("The methods of the path.", OpenAPIType.STRING),
    "Retry-After": _header("Seconds to wait before the next try.", OpenAPIType.INTEGER),
    "RateLimit-Limit": _header("Requests in a window.", OpenAPIType.INTEGER, required=False),
    "RateLimit-Policy": _header("Requests and the window's seconds: `60;w=60`.", OpenAPIType.STRING, required=False),
    "RateLimit-Remaining": _header("Requests that are left now.", OpenAPIType.INTEGER, required=False),
    "RateLimit-Reset": _header("Seconds until a request is left.", OpenAPIType.INTEGER, required=False),
}
BY_STATUS: Final = {
    "401": ("WWW-Authenticate",),
    "405": ("Allow",),
    "429": ("Retry-After", "RateLimit-Limit", "RateLimit-Policy", "RateLimit-Remaining", "RateLimit-Reset"),
    "503": ("Retry-After",),
}
"""Headers of answers, besides X-Request-Id."""
PLAIN_EXAMPLES: Final[Mapping[Any, Any]] = {
    (OpenAPIType.STRING, None): "text",
    (OpenAPIType.STRING, OpenAPIFormat.UUID): TXN_ID,
    (OpenAPIType.STRING, OpenAPIFormat.DATE_TIME): "2026-11-22T12:00:00Z",
    (OpenAPIType.INTEGER, None): 1,
    (OpenAPIType.NUMBER, None): 1.0,
    (OpenAPIType.BOOLEAN, None): True,
}
"""Of members without an example of their own, by type and format."""


MESSAGES: Final = {
    "signUp": "account opened",
    "signIn": "signed in",
    "resetPassword": "password reset",
    "changePassword": "password changed",
    "signOut": "signed out",
    "signOutEverywhere": "signed out everywhere",
    "getMe": "me",
    "getBalance": "balance",
    "topUp": "topped up",
    "spend": "spent",
    "transfer": "transferred",
    "refund": "refunded",
    "runBatch": "batch",
    "openWallet": "wallet open",
    "listWallets": "wallets",
    "listAssets": "assets",
    "placeHold": "held",
    "listHolds": "holds",
    "captureHold": "captured",
    "voidHold": "voided",
    "listTransactions": "transactions",
    "getTransaction": "transaction",
    "checkReceipt": "receipt",
    "getStatement": "statement",
    "search": "search",
    "inspectUser": "user",
    "inspectWallet": "wallet",
    "inspectTransaction": "transaction",
    "inspectHold": "hold",
    "inspectTransactions": "transactions",
    "inspectHolds": "holds",
    "inspectStatement": "statement",
    "listUsers": "users",
    "listConfirmations": "confirmations",
    "listAudit": "audit",
    "listVerifications": "verifications",
    "startVerification": "verification started",
    "listVerificationRuns": "verifications",
    "getVerificationRun": "verification",
    "getTrialBalance": "trial balance",
    "setStatus": "status set",
    "setLimits": "limits set",
    "topUpForUser": "topped up",
    "refundForUser": "refunded",
    "adjustBalance": "adjusted",
    "confirm": "confirmed",
    "reject": "rejected",
    "createPasswordReset": "password reset token made",
    "eraseUser": "erased",
    "createWebhook": "webhook made",
    "listWebhooks": "webhooks",
    "getWebhook": "webhook",
    "changeWebhook": "webhook changed",
    "deleteWebhook": "webhook deleted",
    "testWebhook": "webhook tested",
    "pauseWebhook": "webhook paused",
    "resumeWebhook": "webhook resumed",
    "rotateWebhookSecret": "another secret",
    "replayWebhook": "replayed",
    "listDeliveries": "deliveries",
    "listDeadLetters": "dead letters",
    "retryDeadLetter": "retried",
    "retryDeadLetters": "retried",
    "listEvents": "events",
    "createKey": "key made",
    "listKeys": "keys",
    "getKey": "key",
    "revokeKey": "key revoked",
}
"""What each operation answers as `message`, for the examples of its answers."""
LEFT: Final = {"balance": 900, "available": 900}
ANSWERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "spend": {"type": "spend", **LEFT},
    "transfer": {"type": "transfer", **LEFT},
    "refund": {"type": "refund"},
    "placeHold": {"type": "hold", "balance": 1000, "available": 900, "receipt": None},
    "captureHold": {"type": "capture", **LEFT},
    "voidHold": {"type": "void", "balance": 1000, "available": 1000, "receipt": None},
    "refundForUser": {"type": "refund"},
    "refundForUser 202": {"type": "refund", "original_txn_id": ORIGINAL_TXN_ID, "amount": 100, "expected": 100},
    "openWallet 201": {"asset": "USD", "scale": 2, "balance": 0, "available": 0},
    "signOutEverywhere": {"ended": "all"},
    "pauseWebhook": {"status": "paused", "pause_reason": "trying it out"},
    "rotateWebhookSecret": {"previous_until": "2026-11-23T12:00:00Z"},
    "startVerification 202": {"status": "running", "rules_done": 0, "findings": []}
    | dict.fromkeys(("ended_at", "seconds", "violations", "warnings", "rules"), None),
    "reject": {
        "status": "rejected",
        "decided_by": OPERATOR_ID,
        "decided_at": "2026-11-22T12:00:00Z",
        "reason": "the charge was right",
    },
}
"""What the data of an operation's answer holds, of each status or one, where its schema's example does not fit."""


def components() -> Components:
    """Return what operations refer to."""
    return Components(
        security_schemes={
            BEARER: SecurityScheme(
                type="http",
                scheme="bearer",
                bearer_format="JWT",
                description="The `access_token` of a sign-up or sign-in.",
            ),
            KEY: SecurityScheme(
                type="http",
                scheme="bearer",
                bearer_format="pgw_…",
                description="The `secret` of a key, with the user for whom it acts in the header `On-Behalf-Of`.",
            ),
        },
        examples=problem_examples(),
        headers=dict(HEADERS),
    )


ON_BEHALF_OF: Final = Parameter(
    name="On-Behalf-Of",
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING, pattern=USERNAME_PATTERN),
    description="With a key: the user for whom it acts, by id or username. Not with a token.",
)
"""It has no example: one that is sent along with a token would be refused."""


@dataclass
class Documented(Operation):
    """An operation with what every operation has: who may call it, headers of answers, and problems told by `code`."""

    def __post_init__(self) -> None:
        """Complete what Litestar made of the route."""
        self.security = self.security or []
        if self.security == BY_KEYS:
            self.parameters = [*(self.parameters or ()), ON_BEHALF_OF]
        for parameter in self.parameters or []:
            if isinstance(parameter, Parameter) and isinstance(parameter.schema, Schema):
                _leave_out_null(parameter.schema)
        for status, response in (self.responses or {}).items():
            if isinstance(response, OpenAPIResponse):
                self._complete(status, response)
                self._show(status, response)

    def _complete(self, status: str, response: OpenAPIResponse) -> None:
        if response.description == HTTPStatus(int(status)).description:
            response.description = str(self.summary)
        names = ("X-Request-Id", *BY_STATUS.get(status, ()))
        response.headers = {
            **(response.headers or {}),
            **{name: Reference(f"#/components/headers/{name}") for name in names},
        }
        media = (response.content or {}).get(PROBLEM_JSON)
        if media is None:
            return
        examples = [one.value for one in (media.examples or {}).values() if isinstance(one, Example)]
        codes = [one["code"] for one in examples if isinstance(one, dict)]
        media.examples = {code: Reference(f"#/components/examples/{code}") for code in codes}
        if isinstance(media.schema, Schema):
            # with codes that are not answered here, too: openapi-typescript takes all of a schema's from one mapping
            schemas = {VARIANTS.get(code, Problem) for code in codes}
            mapping = {
                code: SCHEMAS + schema.__name__
                for code in sorted(EXAMPLES)
                if (schema := VARIANTS.get(code, Problem)) in schemas
            }
            media.schema.discriminator = Discriminator("code", mapping)

    def _show(self, status: str, response: OpenAPIResponse) -> None:
        """Give a success the example of its schema with what this operation says and does."""
        media = (response.content or {}).get("application/json")
        message = MESSAGES.get(str(self.operation_id))
        if media is None or message is None or not isinstance(media.schema, Reference):
            return
        example = Structs.examples[media.schema.ref.rpartition("_")[2]]
        otherwise = {} if status == "202" else ANSWERS.get(str(self.operation_id), {})
        data = example["data"] | ANSWERS.get(f"{self.operation_id} {status}", otherwise)
        if status == "202" and "201" in (self.responses or {}):
            message = "waits for another operator"
        elif status == "200" and "201" in (self.responses or {}) and "replayed" in data:
            message, data = "already on record", data | {"replayed": True}
        media.example = shown(example | {"message": message, "data": data})


@dataclass
class KeyedOperation(Documented):
    """An operation whose `txn_id` can come as the header Idempotency-Key."""

    def __post_init__(self) -> None:
        """Add the parameter. It has no example: one that is sent along would contradict the body."""
        key = Parameter(
            name=IDEMPOTENCY_KEY,
            param_in="header",
            schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID),
            description="The `txn_id`, here in place of the body's. If both are given they must agree.",
        )
        self.parameters = [*(self.parameters or ()), key]
        super().__post_init__()


class DocumentRoutes(ReceiveRoutePlugin):
    """Makes every operation a documented one, unless its route has a class of its own."""

    def receive_route(self, route: BaseRoute) -> None:
        """Set the class of the route's operations."""
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.operation_class is Operation:
                    handler.operation_class = Documented


class Structs(OpenAPISchemaPlugin):
    """What Litestar's own plugin makes of a Struct, with the description of its docstring and an example.

    The example is made of those of the members; a Struct's `EXAMPLE` has what is otherwise, UNSET for what is left out.
    `ONE_OF` has, by member, the Structs that a list is of. An envelope is named after what it holds. A union of tagged
    Structs has a discriminator.
    """

    _made: ClassVar[list[Any]] = []
    examples: ClassVar[dict[str, dict[str, Any]]] = {}
    """Of the schemas that were made, by name."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Take Structs, except one that is being made: that is for Litestar's plugin."""
        taken = not field_definition.is_union and field_definition.is_subclass_of(Struct)
        return taken and field_definition.annotation not in self._made

    @staticmethod
    def is_undefined_sentinel(value: Any) -> bool:
        """A member that can be missing is of this type."""
        return value is UnsetType

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Make the schema."""
        annotation = field_definition.annotation
        if get_origin(annotation) is Envelope:
            return SchemaDataContainer(data_container=_envelope(get_args(annotation)[0]))
        self._made.append(annotation)
        try:
            schema_creator.for_field_definition(field_definition)
        finally:
            self._made.remove(annotation)
        registry = schema_creator.schema_registry
        schema = registry.get_schema_for_field_definition(field_definition)
        schema.description = cleandoc(annotation.__doc__ or "")
        properties = schema.properties or {}
        for name, structs in getattr(annotation, "ONE_OF", {}).items():
            # msgspec knows no union of Structs that no tag tells apart
            found = [schema_creator.for_field_definition(FieldDefinition.from_annotation(one)) for one in structs]
            properties[name] = Schema(type=OpenAPIType.ARRAY, items=Schema(one_of=found))
        for member in properties.values():
            _unwrap(member)
            _discriminate(member, registry)
            if isinstance(member, Schema) and member.examples:
                member.examples = shown(member.examples)
        if annotation is Problem and isinstance(code := properties["code"], Schema):
            code.enum = sorted(EXAMPLES.keys() - VARIANTS.keys())
        if not issubclass(annotation, Problem):
            made = {name: _example(member, registry) for name, member in properties.items()}
            made |= getattr(annotation, "EXAMPLE", {})
            example = {name: shown(value) for name, value in made.items() if value is not UNSET}
            self.examples[annotation.__name__] = example
            if annotation.__module__ != __name__:  # an envelope's is with each operation, which has its own message
                schema.examples = [example]
        return schema


@lru_cache
def _envelope(data: Any) -> type[Struct]:
    """Return the envelope of one type, named after it: of a union, after its first member."""
    args = get_args(data)
    first = args[0] if args else data
    hints = get_type_hints(Envelope, include_extras=True) | {"data": data}
    summary = cleandoc(first.__doc__ or "").partition("\n")[0]
    return msgspec.defstruct(
        f"{first.__name__}Envelope",
        list(hints.items()),
        namespace={"__doc__": f"A success. {summary}"},
        module=__name__,
    )


def _discriminate(member: Schema | Reference, registry: SchemaRegistry) -> None:
    """Let the tags of Structs tell the members of a union apart."""
    if not isinstance(member, Schema):
        return
    if isinstance(member.items, Schema):
        _discriminate(member.items, registry)
    structs = [registry.from_reference(one) for one in member.one_of or () if isinstance(one, Reference)]
    if len(structs) < 2 or len(structs) < len(member.one_of or ()):
        return
    for name in structs[0].schema.properties or ():
        tags = {str(_const(one.schema, name)): SCHEMAS + one.key[-1] for one in structs}
        if len(tags) == len(structs) and str(None) not in tags:
            member.discriminator = Discriminator(name, tags)


def _const(schema: Schema, name: str) -> Any:
    member = (schema.properties or {}).get(name)
    return member.const if isinstance(member, Schema) else None


def _unwrap(member: Schema | Reference) -> None:
    """Spell a union of one type as that type: a member that can be missing comes as one."""
    if isinstance(member, Schema) and member.one_of is not None and len(member.one_of) == 1:
        (inner,) = member.one_of
        if isinstance(inner, Schema):
            member.one_of = None
            for field in fields(Schema):
                value = getattr(inner, field.name)
                if value is not None and getattr(member, field.name) is None:
                    setattr(member, field.name, value)


def _leave_out_null(schema: Schema) -> None:
    """A parameter that is left out is left out: it is never null."""
    if schema.one_of is not None:
        schema.one_of = [
            one for one in schema.one_of if not isinstance(one, Schema) or one.type is not OpenAPIType.NULL
        ]
        _unwrap(schema)
    if isinstance(schema.type, list):
        kinds = [kind for kind in schema.type if kind is not OpenAPIType.NULL]
        schema.type = kinds[0] if len(kinds) == 1 else kinds
    if schema.enum is not None:
        schema.enum = [value for value in schema.enum if value is not None]


def _example(schema: Schema | Reference, registry: SchemaRegistry) -> Any:
    """Return the example of a member, or make one of what is in it."""
    if isinstance(schema, Reference):
        schema = registry.from_reference(schema).schema
    if schema.examples:
        return shown(schema.examples[0])
    for value in (schema.const, schema.default, *(schema.enum or ())):
        if value is not None:
            return value
    for inner in (*(schema.all_of or ()), *(schema.one_of or ())):
        return _example(inner, registry)
    if schema.items is not None:
        return [_example(schema.items, registry)]
    if isinstance(schema.additional_properties, Schema | Reference):
        return {"name": _example(schema.additional_properties, registry)}
    return PLAIN_EXAMPLES.get((schema.type, schema.format)) or PLAIN_EXAMPLES.get((schema.type, None))
