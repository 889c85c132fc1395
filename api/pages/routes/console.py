"""Where operators begin: the search, what waits for a second operator, and the record of what operators did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args
from uuid import UUID

import msgspec
from litestar import Response, get, post

from api.auth.guards import AuthenticatedRequest
from api.database.requests import AuditFilters
from api.errors import INVALID_ARGUMENT, SQLSTATES, ServiceError
from api.pages import amounts
from api.pages.forms import Form, MistakeError, convert
from api.pages.site import CONSOLE, Refusal, Site, see
from api.routes.confirmations import ConfirmationPath
from api.routes.parameters import decode_places, encode_cursor, number
from api.schemas.fields import USERNAME_PATTERN
from api.schemas.inspection import Action, FoundHold, FoundTransaction, FoundUser, FoundWallet
from api.schemas.operator import KindLimits, RejectionRequest

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler
    from msgspec import Raw

    from api.schemas.inspection import AuditRow
    from api.schemas.operator import Confirmation

PAGE: Final = 50
FEW: Final = 5
ACTIONS: Final = get_args(Action)
FOUND: Final = {"user": FoundUser, "wallet": FoundWallet, "transaction": FoundTransaction, "hold": FoundHold}
DECISIONS: Final = ("waiting", "confirmed", "rejected")
AMOUNTS: Final = frozenset({"amount", "floor", "max_balance", *KindLimits.__struct_fields__})
LINKS: Final = frozenset({"of", "transaction_id", "confirmation_id", "asset", "scale"})
"""Members of the record that are said in other ways than as a change."""
PEOPLE: Final = ("user_id", "actor")
ALL, DONE = "all", "done"
"""Of the record: also looks; and, for `wallet_audit`, no looks."""
MOST_FOUND: Final = 50
"""As many as `wallet_search` finds at most."""


def console_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the console's first page, the search, the confirmations and the record."""
    database, words = site.database, site.words
    operators = site.guard(operator=True)

    @get("/operator", before_request=operators)
    async def home(request: AuthenticatedRequest) -> Response[Any]:
        me = request.user.user_id
        waiting = await database.confirmations("waiting", FEW, None, me)
        checked = await database.verifications(len(database.members), None, me)
        return site.page(
            request,
            "console.html",
            form=Form(),
            waiting=waiting.items,
            more=waiting.next is not None,
            checked=next((one for one in checked.items if one.violations), next(iter(checked.items), None)),
            away=waiting.away or checked.away,
        )

    @get("/operator/search", before_request=operators)
    async def search(request: AuthenticatedRequest) -> Response[Any]:
        query = site.query(request)
        asked = query.text("q")
        if asked is None:
            return see(CONSOLE)
        try:
            page = await database.search(asked, request.user.user_id)
        except ServiceError as refusal:
            if refusal.kind is not INVALID_ARGUMENT:
                raise
            mistake = MistakeError("q", words.console.too_long)
            return site.refused(request, "search.html", query, mistake, found={}, most=False)
        kinds = {kind: [one for one in page.items if isinstance(one, struct)] for kind, struct in FOUND.items()}
        most = len(page.items) == MOST_FOUND
        return site.page(request, "search.html", form=query, found=kinds, most=most, away=page.away)

    # what waits for a second operator

    @get("/operator/confirmations", before_request=operators)
    async def confirmations(request: AuthenticatedRequest) -> Response[Any]:
        query = site.query(request)
        status = query["status"] if query["status"] in (*DECISIONS, "all") else "waiting"
        wanted = None if status == "all" else status
        page = await database.confirmations(wanted, PAGE, decode_places(query.text("cursor")), request.user.user_id)
        return site.page(
            request,
            "confirmations.html",
            items=page.items,
            chosen=status,
            statuses=(*DECISIONS, "all"),
            next=encode_cursor(page.next),
            query={"status": status},
            first=not query["cursor"],
            away=page.away,
        )

    async def one(request: AuthenticatedRequest, confirmation_id: int) -> dict[str, Any]:
        """Return what a confirmation's page shows; while it waits the wallet is looked at. Raises ServiceError."""
        which, me = number(request, confirmation_id), request.user.user_id
        page = await database.of_row(which).confirmations(None, 1, which + 1, me)
        found: Confirmation | None = next((item for item in page.items if item.id == which), None)
        if found is None:
            raise ServiceError(SQLSTATES["WA039"])
        wallet = await database.inspect_wallet(found.wallet_id, me) if found.status == "waiting" else None
        own = "request" if found.actor == me else "wallet" if wallet and wallet.user_id == me else None
        return {"one": found, "wallet": wallet, "own": own, "done": None}

    @get("/operator/confirmations/{confirmation_id:int}", before_request=operators)
    async def confirmation(request: AuthenticatedRequest, confirmation_id: ConfirmationPath) -> Response[Any]:
        done = vars(words.care_done).get(site.query(request)["done"])
        shown = await one(request, confirmation_id)
        return site.page(request, "confirmation.html", form=Form(), **(shown | {"done": done}))

    @post("/operator/confirmations/{confirmation_id:int}", before_request=operators)
    async def confirm(request: AuthenticatedRequest, confirmation_id: ConfirmationPath) -> Response[Any]:
        form = await site.form(request)
        try:
            await site.confirm(request, form)
            result = await database.confirm(number(request, confirmation_id), request.user.user_id)
        except Refusal as refusal:
            return site.refused(request, "confirmation.html", form, refusal, **await one(request, confirmation_id))
        return see(f"/operator/transactions/{result.id}", done="confirmed")

    @get("/operator/confirmations/{confirmation_id:int}/reject", before_request=operators)
    async def reject_form(request: AuthenticatedRequest, confirmation_id: ConfirmationPath) -> Response[Any]:
        return site.page(request, "act_reject.html", form=Form(), **await one(request, confirmation_id))

    @post("/operator/confirmations/{confirmation_id:int}/reject", before_request=operators)
    async def reject(request: AuthenticatedRequest, confirmation_id: ConfirmationPath) -> Response[Any]:
        form = await site.form(request)
        try:
            if form.text("reason") is None:
                raise MistakeError("reason", words.act.reason_needed)
            asked = convert(RejectionRequest, reason=form.text("reason"))
            await site.confirm(request, form)
            found = await database.reject(number(request, confirmation_id), asked.reason, request.user.user_id)
        except Refusal as refusal:
            return site.refused(request, "act_reject.html", form, refusal, **await one(request, confirmation_id))
        return see(f"/operator/confirmations/{found.id}", done="rejected")

    # the record

    @get("/operator/audit", before_request=operators)
    async def audit(request: AuthenticatedRequest) -> Response[Any]:
        query, me = site.query(request), request.user.user_id
        asked = {name: query[name] for name in ("user_id", "wallet_id", "actor", "action") if query.text(name)}
        shown: dict[str, Any] = {
            "query": asked,
            "options": [(ALL, words.audit.all), *((action, getattr(words.action, action)) for action in ACTIONS)],
            "first": not query["cursor"],
        }
        shown["known"] = vars(words.looked_at)
        try:
            filters = await read_filters(query, me)
            asked |= {name: str(one) for name, one in filters._asdict().items() if name in PEOPLE and one}
            cursor = decode_places(query.text("cursor"))
            page = await database.audit(filters, PAGE, cursor, me)
        except Refusal as refusal:
            return site.refused(request, "audit.html", query, refusal, rows=[], next=None, **shown)
        rows = [(row, changes(row, words), members(row.after)) for row in page.items]
        return site.page(
            request, "audit.html", form=query, rows=rows, next=encode_cursor(page.next), away=page.away, **shown
        )

    async def read_filters(query: Form, me: UUID) -> AuditFilters:
        """Return which rows are asked for: what was done, if nothing is said. Raises MistakeError."""
        people = {name: await person(query, name, me) for name in PEOPLE}
        try:
            wallet = query.text("wallet_id")
            wallet_id = UUID(wallet) if wallet else None
        except ValueError:
            raise MistakeError("wallet_id", words.audit.not_an_id) from None
        action = query.text("action")
        if action not in (None, ALL, *ACTIONS):
            raise MistakeError("action", words.forms.choose)
        return AuditFilters(wallet_id=wallet_id, action=None if action == ALL else action or DONE, **people)

    async def person(query: Form, name: str, me: UUID) -> UUID | None:
        """Return the id of whom a field names, by id or username. Raises MistakeError."""
        text = query.text(name)
        if text is None:
            return None
        try:
            return UUID(text)
        except ValueError:
            pass
        # a search leaves a trace, so names that nobody can have are not looked for
        found = (await database.search(text, me)).items if re.fullmatch(USERNAME_PATTERN, text) else []
        for one in found:
            if isinstance(one, FoundUser) and one.username == text.lower():
                return one.user_id
        raise MistakeError(name, words.audit.no_such_user)

    return [
        *(home, search, audit),
        *(confirmations, confirmation, confirm, reject_form, reject),
    ]


def members(json: Raw) -> dict[str, Any]:
    """Return what was so before or is since then."""
    found = msgspec.json.decode(json)
    return found if isinstance(found, dict) else {}


def changes(row: AuditRow, words: Any) -> list[tuple[str, str | None, str | None]]:
    """Return what changed, in words: of what, what was so, what is since then; None where nothing is on record."""
    before, after = (flat(members(json)) for json in (row.before, row.after))
    asset, scale = after.get("asset", row.asset), after.get("scale", row.scale)

    def said(found: dict[str, Any], name: str) -> str | None:
        if name not in found:
            # of limits those that are not set are not on record
            return words.care.none if row.action == "limits" else None
        value = found[name]
        if value is None:
            return str(words.care.none)
        if isinstance(value, bool):
            return str(words.care.yes if value else words.care.no)
        if (
            name.removeprefix("topup_").removeprefix("spend_").removeprefix("transfer_") in AMOUNTS
            and scale is not None
        ):
            return f"{amounts.shown(value, scale)}\u00a0{asset}"
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    names = [name for name in (before | after) if name not in LINKS and before.get(name) != after.get(name)]
    return [(label(name, words), said(before, name), said(after, name)) for name in names]


def flat(found: dict[str, Any]) -> dict[str, Any]:
    """Return members without limits inside of them: `spend_per_day` for `per_day` of `spend`."""
    limits = found.get("limits", [])
    inside = {f"{limit['kind']}_{window}": limit[window] for limit in limits for window in KindLimits.__struct_fields__}
    return {name: value for name, value in found.items() if name != "limits"} | inside


def label(name: str, words: Any) -> str:
    """Return what a member is called."""
    kind, _, window = name.partition("_")
    if hasattr(words.limit_window, window):
        return f"{getattr(words.limit_kind, kind)}, {getattr(words.limit_window, window)}"
    return str(vars(words.fact).get(name, name))
