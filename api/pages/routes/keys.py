"""Keys on the console: which there are and when they were used, and all that operators do to them: make and revoke."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, get_args
from uuid import UUID, uuid4

from litestar import Response, get, route

from api.auth.guards import AuthenticatedRequest
from api.database.requests import AuditFilters
from api.errors import INVALID_ARGUMENT, SQLSTATES, ServiceError
from api.pages.acting import BOTH, Act, Context, answer
from api.pages.forms import Form, MistakeError, convert
from api.pages.site import Site, see
from api.routes.keys import KeyPath, make_key, subjects_found
from api.routes.parameters import decode_uuid_cursor, encode_cursor
from api.schemas.keys import KeyRequest, Scope

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from api.schemas.keys import Key

PAGE: Final = 50
SCOPES: Final = get_args(Scope)
CHOSEN: Final = "scope."
"""Before the name of each scope that is chosen: a form keeps one value of a name."""
WHOM: Final = ("users", "all")
MOST_USERS: Final = 1000
LASTING: Final = ("90", "7", "30", "365", "0")
"""Days that a key can be made for; 0: until it is revoked."""
UNKNOWN: Final = SQLSTATES["WA048"]


def key_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages about keys."""
    database, services, words = site.database, site.services, site.words
    operators = site.guard(operator=True)

    async def one(request: AuthenticatedRequest, key_id: UUID) -> Context:
        key = await database.key(key_id, request.user.user_id)
        return {"key": key, "now": datetime.now(UTC), "maker": await maker(key, request.user.user_id), "away": key.away}

    async def maker(key: Key, me: UUID) -> str | None:
        """Return the name of the operator who made it, as the record has it: to read that leaves no trace."""
        if key.created_by is None:
            return None
        filters = AuditFilters(None, None, key.created_by, "key_created")
        rows = (await database.audit(filters, 1, None, me)).items
        return next((row.actor_username for row in rows), None) or str(key.created_by)

    @get("/operator/keys", before_request=operators)
    async def keys(request: AuthenticatedRequest) -> Response[Any]:
        query, me = site.query(request), request.user.user_id
        of_all = query["of"] == "all"
        cursor = decode_uuid_cursor(query.text("cursor"))
        page = await database.keys(PAGE, cursor, with_revoked=of_all, actor=me)
        return site.page(
            request,
            "keys.html",
            items=page.items,
            now=datetime.now(UTC),
            next=encode_cursor(page.next),
            query={"of": "all"} if of_all else {},
            first=cursor is None,
            away=page.away,
        )

    @route("/operator/keys/new", http_method=BOTH, before_request=operators)
    async def new(request: AuthenticatedRequest) -> Response[Any]:
        async def show() -> Context:
            lasting = [(days, getattr(words.key_lasting, days)) for days in LASTING]
            context = {"key_id": uuid4(), "scopes": SCOPES, "chosen": CHOSEN, "lasting": lasting}
            form = await site.form(request) if request.method == "POST" else Form()
            return context | {"unknown": await unknown(form)}

        async def unknown(form: Form) -> list[str]:
            """Return the names of the list that nobody has."""
            named = listed(form, "users")[:MOST_USERS] if form["whom"] == "users" else []
            found = await subjects_found(database, named, request.user.user_id)
            return [name for name, user in zip(named, found, strict=True) if user is None]

        def asked(form: Form) -> KeyRequest:
            """Read the form. Raises MistakeError, ServiceError."""
            scopes = [scope for scope in SCOPES if f"{CHOSEN}{scope}" in form]
            users, networks = listed(form, "users"), listed(form, "networks")
            if not scopes:
                raise MistakeError("scopes", words.key_term.no_scope)
            if form["whom"] not in WHOM:
                raise MistakeError("whom", words.forms.choose)
            if form["whom"] == "users" and not users:
                raise MistakeError("users", words.key_term.nobody)
            if form["whom"] == "users" and len(users) > MOST_USERS:
                raise MistakeError("users", words.key_term.too_many)
            if form["expires"] not in LASTING:
                raise MistakeError("expires", words.forms.choose)
            days = int(form["expires"])
            calls = form.whole(words, "calls_per_minute", 1, 1_000_000) if form.text("calls_per_minute") else None
            form.called |= {"expires_at": "expires", "subjects": "users", "user_ids": "users"}
            form.called |= {f"subjects[{place}]": "users" for place in range(len(users))}
            form.called |= {f"networks[{place}]": "networks" for place in range(len(networks))}
            return convert(
                KeyRequest,
                name=form.text("name") or "",
                scopes=scopes,
                subjects=users if form["whom"] == "users" else None,
                all_users=form["whom"] == "all",
                networks=networks or None,
                expires_at=datetime.now(UTC) + timedelta(days=days) if days else None,
                calls_per_minute=calls,
            )

        def plan(form: Form, context: Context) -> Context:
            wanted = asked(form)
            if context["unknown"]:
                raise MistakeError("users", words.key_term.unknown.format(names=", ".join(context["unknown"][:10])))
            return {"asked": wanted}

        async def do(form: Form) -> Response[Any]:
            key_id = form.txn_id("key_id")
            if not await is_made(key_id):
                try:
                    key = await make_key(database, asked(form), request.user.user_id, key_id)
                    return site.page(request, "key_secret.html", key=key)
                except ServiceError as refusal:
                    if refusal.kind is not INVALID_ARGUMENT or not await is_made(key_id):
                        raise
            # pressed twice: the secret was shown then, and nobody has kept it
            return see(f"/operator/keys/{key_id}", done="again")

        async def is_made(key_id: UUID) -> bool:
            try:
                await database.key(key_id, request.user.user_id)
            except ServiceError as refusal:
                if refusal.kind is not UNKNOWN:
                    raise
                return False
            return True

        return await answer(site, request, "act_key_new.html", Act(show, plan, do))

    @get("/operator/keys/{key_id:uuid}", before_request=operators)
    async def key(request: AuthenticatedRequest, key_id: KeyPath) -> Response[Any]:
        done = vars(words.key_done).get(site.query(request)["done"])
        return site.page(request, "key.html", done=done, **await one(request, key_id))

    @route("/operator/keys/{key_id:uuid}/revoke", http_method=BOTH, before_request=operators)
    async def revoke(request: AuthenticatedRequest, key_id: KeyPath) -> Response[Any]:
        async def show() -> Context:
            return await one(request, key_id)

        async def do(_: Form) -> Response[Any]:
            await database.revoke_key(key_id, request.user.user_id)
            services.tokens.forget({key_id})
            return see(f"/operator/keys/{key_id}", done="revoked")

        act = Act(show, lambda _form, _context: {}, do, at_once=True)
        return await answer(site, request, "act_key_revoke.html", act)

    return [keys, new, key, revoke]


def listed(form: Form, name: str) -> list[str]:
    """Return the words of a field, which spaces, commas or ends of lines separate."""
    return [word for word in re.split(r"[\s,]+", form[name]) if word]
