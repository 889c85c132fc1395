"""Sign up, sign in and out, a forgotten password; and what the first visit shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, get, post

from api.auth.guards import AuthenticatedRequest
from api.auth.passwords import usable
from api.errors import ServiceError
from api.http.client_address import client_address
from api.pages.forms import Form, MistakeError, convert
from api.pages.site import CONSOLE, SIGN_IN, Refusal, Site, ours, see
from api.schemas.accounts import Credentials, PasswordChange, PasswordReset

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from litestar.handlers import HTTPRouteHandler

AnyRequest = Request[Any, Any, Any]
DEMO: Final = {"alice": "password123", "bob": "password456", "charlie": "password789"}
"""As db/seeds has them."""


def account_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages that need no session, and those that change or end it."""
    accounts = site.accounts
    signed_in = site.guard()

    async def demo() -> dict[str, str]:
        return {name: DEMO[name] for name in await site.database.demo_accounts()}

    async def start(request: AnyRequest, user_id: UUID, generation: int, path: str) -> Response[Any]:
        cookie = await site.sessions.start(request, user_id, generation)
        answer = see(path)
        answer.set_cookie(cookie)
        return answer

    async def require_room(request: AnyRequest) -> None:
        await accounts.require_room(client_address(request.scope))

    @get("/sign-in")
    async def sign_in_form(request: AnyRequest) -> Response[Any]:
        if await site.sessions.find(request):
            return see(ours(site.query(request)["next"]))
        return site.page(request, "sign_in.html", form=site.query(request), kept=[], demo=await demo(), expired=False)

    @post("/sign-in", before_request=require_room)
    async def sign_in(request: AnyRequest) -> Response[Any]:
        form = await site.form(request)
        # fields of a form that waits for the sign-in have a prefix of their own
        kept = [(name[5:], value) for name, value in form.values.items() if name.startswith("kept.")]
        try:
            asked = convert(Credentials, username=form["username"].strip(), password=form["password"])
            user = await accounts.sign_in(asked, client_address(request.scope))
            cookie = await site.sessions.start(request, user.user_id, user.token_generation)
        except ServiceError as refusal:
            again = {"kept": kept, "demo": await demo(), "expired": bool(kept)}
            return site.refused(request, "sign_in.html", form, refusal, **again)
        path = ours(form["next"])
        if kept:
            await site.sessions.find(request, cookie.value)
            return site.go_on(request, path, kept, cookies=[cookie])
        answer = see(CONSOLE if path == "/" and user.role == "operator" else path)
        answer.set_cookie(cookie)
        return answer

    @get("/sign-up")
    async def sign_up_form(request: AnyRequest) -> Response[Any]:
        if await site.sessions.find(request):
            return see("/")
        return site.page(request, "sign_up.html", form=Form())

    @post("/sign-up", before_request=require_room)
    async def sign_up(request: AnyRequest) -> Response[Any]:
        form = await site.form(request)
        try:
            _note_faults(site, form)
            if form.mistakes:
                return site.page(request, "sign_up.html", 422, form=form)
            asked = convert(Credentials, username=form["username"].strip(), password=form["password"])
            user = await accounts.open(asked, client_address(request.scope))
        except Refusal as refusal:
            return site.refused(request, "sign_up.html", form, refusal)
        return await start(request, user.user_id, 0, "/?welcome=1")

    @get("/reset")
    async def reset_form(request: AnyRequest) -> Response[Any]:
        return site.page(request, "reset.html", form=Form())

    @post("/reset", before_request=require_room)
    async def reset(request: AnyRequest) -> Response[Any]:
        form = await site.form(request)
        try:
            _require_same(site, form, "new_password")
            asked = convert(PasswordReset, token=form["token"].strip(), new_password=form["new_password"])
            user = await accounts.reset(asked, client_address(request.scope))
        except Refusal as refusal:
            return site.refused(request, "reset.html", form, refusal)
        return await start(request, user.user_id, user.token_generation, "/account?changed=1")

    @post("/sign-out")
    async def sign_out(request: AnyRequest) -> Response[Any]:
        answer = see(SIGN_IN, out="here")
        answer.set_cookie(await site.sessions.end(request))
        return answer

    @get("/account", before_request=signed_in)
    async def account(request: AuthenticatedRequest) -> Response[Any]:
        me = await site.database.me(request.user.user_id, request.user.user_id)
        changed = "changed" in site.query(request)
        return site.page(request, "account.html", me=me, form=Form(), changed=changed)

    @post("/account/password", before_request=signed_in)
    async def change_password(request: AuthenticatedRequest) -> Response[Any]:
        form = await site.form(request)
        try:
            _require_same(site, form, "new_password")
            asked = convert(
                PasswordChange, current_password=form["current_password"], new_password=form["new_password"]
            )
            address = client_address(request.scope)
            user, generation = await accounts.change_password(request.user.user_id, asked, address)
        except Refusal as refusal:
            me = await site.database.me(request.user.user_id, request.user.user_id)
            return site.refused(request, "account.html", form, refusal, me=me, changed=False)
        return await start(request, user.user_id, generation, "/account?changed=1")

    @post("/account/sign-out-everywhere", before_request=signed_in)
    async def sign_out_everywhere(request: AuthenticatedRequest) -> Response[Any]:
        await site.database.sign_out_everywhere(request.user.user_id)
        site.services.tokens.forget({request.user.user_id})
        answer = see(SIGN_IN, out="everywhere")
        answer.set_cookie(await site.sessions.end(request))
        return answer

    return [
        *(sign_in_form, sign_in, sign_up_form, sign_up, reset_form, reset),
        *(sign_out, account, change_password, sign_out_everywhere),
    ]


def _note_faults(site: Site, form: Form) -> None:
    """Note all that is wrong with a sign-up, as far as it can be known here: one attempt is to be enough."""
    checks: tuple[Callable[[], object], ...] = (
        lambda: convert(Credentials, username=form["username"].strip(), password="any"),  # noqa: S106 - the next one's
        lambda: usable(form["password"]),
        lambda: _require_same(site, form, "password"),
    )
    for check in checks:
        try:
            check()
        except Refusal as refusal:
            form.note(refusal)
    form.message = None  # the last one's, which is told at its field like the others


def _require_same(site: Site, form: Form, name: str) -> None:
    """Raise MistakeError where a new password was typed in two ways."""
    if form[name] != form["again"]:
        raise MistakeError("again", site.words.forms.not_the_same)
