"""Webhooks on the console: how far each is, what was delivered, and all that operators do to them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, get_args

from litestar import Response, get, route

from api.auth.guards import AuthenticatedRequest
from api.errors import NOT_FOUND, SQLSTATES, ServiceError
from api.pages.acting import BOTH, Act, Context, answer
from api.pages.forms import Form, MistakeError, convert
from api.pages.site import Site, see
from api.routes.parameters import MAX_ID, decode_places, encode_cursor, number
from api.routes.webhooks import EventPath, WebhookPath
from api.schemas.events import AccountEventName, HoldEventName, TransactionEventName
from api.schemas.webhooks import BEGINNING, NewWebhookRequest, PauseRequest, WebhookRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from litestar.handlers import HTTPRouteHandler

    from api.schemas.webhooks import Webhook, WebhookWithSecret

    Do = Callable[[Form], Awaitable[Response[Any]]]

PAGE: Final = 50
UNKNOWN: Final = SQLSTATES["WA042"]
GROUPS: Final = tuple(get_args(names) for names in (TransactionEventName, HoldEventName, AccountEventName))
EVENTS: Final = tuple(name for group in GROUPS for name in group)
CHOSEN: Final = "type."
"""Before the name of each event that is chosen: a form keeps one value of a name."""
TERMS: Final = WebhookRequest.__struct_fields__
STARTS: Final = ("now", BEGINNING)
FROM: Final = (BEGINNING, "number")


def webhook_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages about webhooks."""
    database, hooks, words = site.database, site.services.hooks, site.words
    operators = site.guard(operator=True)

    async def one(request: AuthenticatedRequest, webhook_id: UUID) -> Context:
        webhook = await database.webhook(webhook_id, request.user.user_id)
        return {"webhook": webhook, "away": webhook.away}

    async def acted(
        request: AuthenticatedRequest,
        webhook_id: UUID,
        template: str,
        do: Do,
        plan: Callable[[Form, Context], Context] | None = None,
        **more: Any,
    ) -> Response[Any]:
        """Answer a form about one webhook; without a `plan` there is nothing to fill in."""

        async def show() -> Context:
            return await one(request, webhook_id) | more

        act = Act(show, plan or (lambda _form, _context: {}), do, at_once=plan is None)
        return await answer(site, request, template, act)

    def shown(request: AuthenticatedRequest, template: str, **context: Any) -> Response[Any]:
        done = vars(words.webhook_done).get(site.query(request)["done"])
        return site.page(request, template, done=done, **context)

    def told(webhook: WebhookWithSecret, request: AuthenticatedRequest, title: str) -> Response[Any]:
        """Show a secret, once. The same form again shows it again, for as long as it is the webhook's."""
        return site.page(request, "webhook_secret.html", webhook=webhook, title=title)

    @get("/operator/webhooks", before_request=operators)
    async def webhooks(request: AuthenticatedRequest) -> Response[Any]:
        # at most 100 of them, and most services have a few
        page = await database.webhooks(request.user.user_id)
        whys = {one.id: await why(one, request.user.user_id) for one in page.items if one.failures}
        return shown(request, "webhooks.html", items=page.items, whys=whys, away=page.away)

    @route("/operator/webhooks/new", http_method=BOTH, before_request=operators)
    async def new(request: AuthenticatedRequest) -> Response[Any]:
        async def show() -> Context:
            return await choices()

        def asked(form: Form) -> NewWebhookRequest:
            if form["start"] not in STARTS:
                raise MistakeError("start", words.forms.choose)
            after = BEGINNING if form["start"] == BEGINNING else None
            return convert(NewWebhookRequest, **terms(form), after=after)

        async def do(form: Form) -> Response[Any]:
            webhook = await hooks.create(asked(form), request.user.user_id, form.txn_id())
            return told(webhook, request, words.webhook_secret.made)

        def plan(form: Form, _: Context) -> Context:
            wanted = asked(form)
            hooks.check(wanted.url)
            return {"asked": wanted}

        act = Act(show, plan, do)
        return await answer(site, request, "act_webhook_new.html", act)

    async def choices() -> Context:
        return {"assets": await database.assets(), "groups": GROUPS, "chosen": CHOSEN}

    def terms(form: Form) -> dict[str, Any]:
        """Return what is set of a webhook, as the form has it. Raises MistakeError."""
        types = [name for name in EVENTS if f"{CHOSEN}{name}" in form]
        return {
            "url": form.text("url") or "",
            "description": form.text("description"),
            "types": types or None,
            "asset": form.text("asset"),
            "wallet_id": form.text("wallet_id"),
            "batch_size": form.whole(words, "batch_size", 1, 100),
        }

    @get("/operator/webhooks/{webhook_id:uuid}", before_request=operators)
    async def webhook(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        context = await one(request, webhook_id)
        found = await why(context["webhook"], request.user.user_id)
        return shown(request, "webhook.html", why=found, **context)

    async def why(webhook: Webhook, me: UUID) -> str | None:
        """Return why its last delivery failed, None where the last one did not."""
        if not webhook.failures:
            return None
        newest = next(iter((await database.webhook_deliveries(webhook.id, 1, None, me)).items), None)
        if newest is None or newest.outcome != "failed":
            return None
        return newest.error or words.webhook.answered.format(status=newest.status)

    @route("/operator/webhooks/{webhook_id:uuid}/change", http_method=BOTH, before_request=operators)
    async def change(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        async def show() -> Context:
            context = await one(request, webhook_id) | await choices()
            return context | {"was": spelled(context["webhook"])}

        def asked(form: Form, now: Webhook) -> WebhookRequest:
            """Read the form. Raises MistakeError, also where others changed the webhook meanwhile."""
            if form["was"] != spelled(now):
                raise MistakeError("url", words.act_webhook.changed)
            return convert(WebhookRequest, **terms(form))

        def plan(form: Form, context: Context) -> Context:
            wanted, now = asked(form, context["webhook"]), context["webhook"]
            names = [name for name in TERMS if term(now, name) != term(wanted, name)]
            if not names:
                raise MistakeError("url", words.act_limits.nothing)
            if "url" in names:
                hooks.check(wanted.url)
            return {"asked": wanted, "names": names}

        async def do(form: Form) -> Response[Any]:
            now = await database.webhook(webhook_id, request.user.user_id)
            await hooks.change(webhook_id, asked(form, now), request.user.user_id)
            return see(f"/operator/webhooks/{webhook_id}", done="changed")

        return await answer(site, request, "act_webhook_change.html", Act(show, plan, do))

    @route("/operator/webhooks/{webhook_id:uuid}/pause", http_method=BOTH, before_request=operators)
    async def pause(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        def asked(form: Form, _: Context | None = None) -> Context:
            return {"reason": convert(PauseRequest, reason=form.text("reason")).reason}

        async def do(form: Form) -> Response[Any]:
            await database.pause_webhook(webhook_id, asked(form)["reason"], request.user.user_id)
            return see(f"/operator/webhooks/{webhook_id}", done="paused")

        return await acted(request, webhook_id, "act_webhook_pause.html", do, asked)

    @route("/operator/webhooks/{webhook_id:uuid}/resume", http_method=BOTH, before_request=operators)
    async def resume(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        async def do(_: Form) -> Response[Any]:
            await database.resume_webhook(webhook_id, request.user.user_id)
            return see(f"/operator/webhooks/{webhook_id}", done="resumed")

        return await acted(request, webhook_id, "act_webhook.html", do, kind="resume", number=None)

    @route("/operator/webhooks/{webhook_id:uuid}/secret", http_method=BOTH, before_request=operators)
    async def rotate(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        async def do(form: Form) -> Response[Any]:
            changed = await hooks.rotate(webhook_id, request.user.user_id, form.txn_id())
            return told(changed, request, words.webhook_secret.rotated)

        return await acted(request, webhook_id, "act_webhook.html", do, kind="rotate", number=None)

    @route("/operator/webhooks/{webhook_id:uuid}/test", http_method=BOTH, before_request=operators)
    async def test(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        async def do(_: Form) -> Response[Any]:
            result = await hooks.test(webhook_id, request.user.user_id)
            return site.page(request, "webhook_test.html", result=result, **await one(request, webhook_id))

        return await acted(request, webhook_id, "act_webhook.html", do, kind="test", number=None)

    @route("/operator/webhooks/{webhook_id:uuid}/delete", http_method=BOTH, before_request=operators)
    async def delete(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        async def do(_: Form) -> Response[Any]:
            try:
                await database.delete_webhook(webhook_id, request.user.user_id)
            except ServiceError as refusal:
                if refusal.kind is not UNKNOWN:  # pressed twice
                    raise
            return see("/operator/webhooks", done="deleted")

        return await acted(request, webhook_id, "act_webhook.html", do, kind="delete", number=None)

    @route("/operator/webhooks/{webhook_id:uuid}/replay", http_method=BOTH, before_request=operators)
    async def replay(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        def asked(form: Form, _: Context | None = None) -> Context:
            if form["from"] not in FROM:
                raise MistakeError("from", words.forms.choose)
            return {"after": 0 if form["from"] == BEGINNING else form.whole(words, "after", 0, MAX_ID)}

        async def do(form: Form) -> Response[Any]:
            await hooks.replay(webhook_id, asked(form)["after"], request.user.user_id)
            return see(f"/operator/webhooks/{webhook_id}", done="replayed")

        return await acted(request, webhook_id, "act_webhook_replay.html", do, asked)

    # what was delivered, and what was not

    @get("/operator/webhooks/{webhook_id:uuid}/deliveries", before_request=operators)
    async def deliveries(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        return await listed(request, webhook_id, "webhook_deliveries.html", database.webhook_deliveries)

    @get("/operator/webhooks/{webhook_id:uuid}/dead-letters", before_request=operators)
    async def dead_letters(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        return await listed(request, webhook_id, "webhook_dead_letters.html", database.webhook_dead_letters)

    async def listed(request: AuthenticatedRequest, webhook_id: UUID, template: str, read: Any) -> Response[Any]:
        cursor = decode_places(site.query(request).text("cursor"))
        page = await read(webhook_id, PAGE, cursor, request.user.user_id)
        context = {"items": page.items, "next": encode_cursor(page.next), "first": cursor is None}
        return shown(request, template, **await one(request, webhook_id) | context | {"away": page.away})

    @route("/operator/webhooks/{webhook_id:uuid}/dead-letters/retry", http_method=BOTH, before_request=operators)
    async def retry_all(request: AuthenticatedRequest, webhook_id: WebhookPath) -> Response[Any]:
        async def do(_: Form) -> Response[Any]:
            await database.retry_dead_letters(webhook_id, None, request.user.user_id)
            return see(f"/operator/webhooks/{webhook_id}", done="retried")

        return await acted(request, webhook_id, "act_webhook.html", do, kind="retry_all", number=None)

    @route(
        "/operator/webhooks/{webhook_id:uuid}/dead-letters/{event:int}/retry",
        http_method=BOTH,
        before_request=operators,
    )
    async def retry(request: AuthenticatedRequest, webhook_id: WebhookPath, event: EventPath) -> Response[Any]:
        which = number(request, event)

        async def do(_: Form) -> Response[Any]:
            if await database.retry_dead_letters(webhook_id, [which], request.user.user_id) == 0:
                raise ServiceError(NOT_FOUND)
            return see(f"/operator/webhooks/{webhook_id}/dead-letters", done="retried")

        return await acted(request, webhook_id, "act_webhook.html", do, kind="retry", number=which)

    return [
        *(webhooks, new, webhook, change, pause, resume, rotate, test, delete, replay),
        *(deliveries, dead_letters, retry_all, retry),
    ]


def term(webhook: Webhook | WebhookRequest, name: str) -> object:
    """Return what is set of a webhook, in a way that can be compared."""
    found = getattr(webhook, name)
    return sorted(found) if isinstance(found, list) else found


def spelled(webhook: Webhook) -> str:
    """Make a mark of what is set of a webhook, for a hidden field that tells whether others changed it meanwhile.

    The values themselves would not come back as they are: browsers send other ends of lines.
    """
    return sha256(repr([term(webhook, name) for name in TERMS]).encode()).hexdigest()
