"""Keys of machines: operators make, look at and revoke them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated
from uuid import UUID, uuid4

import msgspec
from litestar import Router, delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.auth.guards import AuthenticatedRequest, operator
from api.auth.keys import new_secret, user_named
from api.database.requests import KeyTerms
from api.errors import INVALID_ARGUMENT, MOST_FAULTS, UNKNOWN_USER, FieldError, ServiceError
from api.http.openapi import KEYS
from api.http.responses import BODY_ERRORS, JsonResponse, errors, success
from api.routes.operator import OPERATOR_ERRORS
from api.routes.parameters import CursorQuery, LimitQuery, decode_uuid_cursor, encode_cursor, in_utc, named
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.keys import Key, KeyPage, KeyRequest, KeyWithSecret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.database.functions import Database

READ_ERRORS = (*OPERATOR_ERRORS, "timeout")
ONE_ERRORS = (*READ_ERRORS, "not_found", "WA048")
AT_A_TIME = 10
"""Names that are looked up at once."""

KeyPath = Annotated[UUID, PathParameter(description="A key.")]


def key_routes(services: Services) -> Router:
    """Return `/api/operator/keys`."""
    database = services.database

    @post(
        operation_id="createKey",
        summary="Make a key",
        response_description="The key, and the secret, which is shown once",
        responses=errors(*READ_ERRORS, *BODY_ERRORS, "WA002", "WA029", "WA049", "busy", "partly"),
    )
    async def create(
        request: AuthenticatedRequest, data: JSONBody[KeyRequest]
    ) -> JsonResponse[Envelope[KeyWithSecret]]:
        """Let a machine act for users, within scopes, networks and a time. Whoever has the secret can.

        It is sent as `Authorization: Bearer pgw_…`, with the user's id or name in the header `On-Behalf-Of`.
        """
        return success("key made", await make_key(database, data, request.user.user_id, uuid4()), 201)

    @get(operation_id="listKeys", summary="Keys", responses=errors(*READ_ERRORS, "validation", "WA024"))
    async def keys(
        request: AuthenticatedRequest,
        limit: LimitQuery = 50,
        cursor: CursorQuery = None,
        revoked: Annotated[bool, QueryParameter(description="Also those that were revoked.")] = False,  # noqa: FBT002
    ) -> JsonResponse[Envelope[KeyPage]]:
        """Page through the keys, newest first."""
        page = await database.keys(limit, decode_uuid_cursor(cursor), with_revoked=revoked, actor=request.user.user_id)
        return success("keys", KeyPage(page.items, encode_cursor(page.next), named(page.away)))

    @get("/{key_id:uuid}", operation_id="getKey", summary="One key", responses=errors(*ONE_ERRORS))
    async def key(request: AuthenticatedRequest, key_id: KeyPath) -> JsonResponse[Envelope[Key]]:
        """Show a key, without its secret."""
        return success("key", await database.key(key_id, request.user.user_id))

    @delete(
        "/{key_id:uuid}",
        status_code=200,
        operation_id="revokeKey",
        summary="Revoke a key",
        responses=errors(*ONE_ERRORS, "busy", "partly"),
    )
    async def revoke(request: AuthenticatedRequest, key_id: KeyPath) -> JsonResponse[Envelope[Key]]:
        """End a key for good, in every process of the service within a second. It stays on record."""
        found = await database.revoke_key(key_id, request.user.user_id)
        services.tokens.forget({key_id})
        return success("key revoked", found)

    return Router(
        "/api/operator/keys",
        route_handlers=[create, keys, key, revoke],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[KEYS],
    )


async def make_key(database: Database, asked: KeyRequest, actor: UUID, key_id: UUID) -> KeyWithSecret:
    """Make a key with a new secret. Errors: WA002, WA027, WA029, WA049."""
    if (asked.subjects is None) is not asked.all_users:
        fault = FieldError("subjects", "must be given, or all_users, and not both")
        raise ServiceError(INVALID_ARGUMENT, f"{fault.field} {fault.message}.", [fault])
    expires_at = in_utc("expires_at", asked.expires_at)
    user_ids = None if asked.subjects is None else await _user_ids(database, asked.subjects, actor)
    secret, prefix, secret_hash = new_secret()
    terms = KeyTerms(
        asked.name,
        secret_hash,
        prefix,
        asked.scopes,
        user_ids,
        asked.all_users,
        asked.networks,
        expires_at,
        asked.calls_per_minute,
    )
    try:
        key = await database.create_key(key_id, terms, actor)
    except ServiceError as error:
        raise _told(error) from None
    return KeyWithSecret(**msgspec.structs.asdict(key), secret=secret)


async def subjects_found(database: Database, subjects: Sequence[str], actor: UUID) -> list[UUID | None]:
    """Return whom each of these ids and usernames names; None: nobody has the name. An id is not looked up."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def found(subject: str) -> UUID | None:
        user = user_named(subject)
        if isinstance(user, str):
            async with turns:
                return await database.user_named(user, actor)
        return user

    answers = await asyncio.gather(*map(found, subjects), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def _user_ids(database: Database, subjects: Sequence[str], actor: UUID) -> list[UUID]:
    """Return whom these ids and usernames name, each once. Raises ServiceError (WA029)."""
    answers = await subjects_found(database, subjects, actor)
    faults = [
        FieldError(f"subjects[{place}]", UNKNOWN_USER.title) for place, user in enumerate(answers) if user is None
    ]
    if faults:
        raise ServiceError(UNKNOWN_USER, f"There is no user of this name: {faults[0].field}.", faults[:MOST_FAULTS])
    return list(dict.fromkeys(user for user in answers if user is not None))


def _told(error: ServiceError) -> ServiceError:
    """Return a refusal with the field as the request has it."""
    if [fault.field for fault in error.errors] != ["user_ids"]:
        return error
    (fault,) = error.errors
    whom = f" (user_id {error.members['user_id']})" if "user_id" in error.members else ""
    members = {**error.members, "field": "subjects"}
    said = fault.message[:1].lower() + fault.message[1:]
    return ServiceError(error.kind, f"subjects: {said}{whom}.", [FieldError("subjects", fault.message)], members)
