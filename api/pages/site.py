"""What all pages share: who looks, how a page is made, and what a form is answered that was refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template import TemplateConfig
from markupsafe import Markup, escape

from api.errors import INTERNAL, NOT_OPERATOR, ServiceError
from api.http.client_address import client_address
from api.http.problems import judged
from api.http.security_headers import CHOSEN, SITE
from api.pages import amounts
from api.pages.cross_site import OWNER, mark
from api.pages.forms import Form, MistakeError, parse
from api.pages.sessions import SESSION, Sessions
from api.pages.words import fill, load
from api.schemas.fields import ASSET_PATTERN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from litestar import Request, Response
    from litestar.datastructures import Cookie
    from msgspec import Raw

    from api.auth.accounts import Accounts
    from api.auth.guards import AuthenticatedRequest
    from api.database.rows import SessionUser
    from api.routes.services import Services
    from api.schemas.wallets import OwnWallet

HERE: Final = Path(__file__).parent
OURS: Final = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~?=&%+:,-]{0,1000}")
"""A path of this site, and no other site's address."""
SIGN_IN: Final = "/sign-in"
CONSOLE: Final = "/operator"

Refusal = (ServiceError, MistakeError)


class Link(NamedTuple):
    """An entry of the navigation."""

    path: str
    name: str


class Site:
    """The pages' ways. `links` lead to the static files."""

    def __init__(self, services: Services, accounts: Accounts, links: dict[str, str]) -> None:
        self.services = services
        self.database = services.database
        self.accounts = accounts
        self.sessions = Sessions(services.database)
        self.words = load()
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals.update(words=self.words, links=links, txn_id=uuid4, amount_of=amount_of, time_of=time_of)
        environment.filters.update(plain=amounts.plain, shown=amounts.shown, fill=fill, exact=exact, minute=minute)
        environment.filters.update(json_text=json_text)
        nav = self.words.nav
        environment.globals.update(
            wallet_links=[
                *(Link("/", nav.home), Link("/history", nav.history), Link("/transfer", nav.transfer)),
                *(Link("/holds", nav.holds), Link("/statement", nav.statement), Link("/account", nav.account)),
            ],
            console_links=[
                *(Link(CONSOLE, nav.search), Link("/operator/users", nav.users)),
                *(Link("/operator/confirmations", nav.confirmations), Link("/operator/audit", nav.record)),
                *(Link("/operator/activity", nav.activity), Link("/operator/verifications", nav.verifications)),
                *(Link("/operator/trial-balance", nav.trial_balance), Link("/operator/webhooks", nav.webhooks)),
                Link("/operator/keys", nav.keys),
            ],
        )
        self.templates = TemplateConfig(instance=JinjaTemplateEngine(engine_instance=environment))

    # who looks

    def guard(self, *, operator: bool = False) -> Callable[[AuthenticatedRequest], Awaitable[Response[Any] | None]]:
        """Return the hook before pages for users, or operators. Whoever is not signed in does so first."""

        async def admit(request: AuthenticatedRequest) -> Response[Any] | None:
            found = await self.sessions.find(request)
            if found is None:
                return await self._ask_to_sign_in(request)
            self.services.limits.user(found.user_id)
            if operator and found.role != "operator":
                raise ServiceError(NOT_OPERATOR)
            if request.scope["state"].get(OWNER) not in {None, "", str(found.user_id)}:
                return self.go_on(request, request.scope["path"], later(await self.form(request)), 409)
            return None

        return admit

    async def _ask_to_sign_in(self, request: AuthenticatedRequest) -> Response[Any]:
        path = request.scope["path"]
        if request.method != "POST":
            query = request.scope["query_string"].decode("latin-1")
            return see(SIGN_IN, next=f"{path}?{query}" if query else path)
        # what was typed goes on from page to page until it is sent
        form, kept = Form({"next": path}), later(await self.form(request))
        return self.page(request, "sign_in.html", 401, form=form, kept=kept, demo=[], expired=True)

    def session(self, request: Request[Any, Any, Any]) -> SessionUser | None:
        """The session of this request, if the visitor is signed in."""
        found: SessionUser | None = request.scope["state"].get(SESSION)
        return found

    # what was sent

    async def form(self, request: Request[Any, Any, Any]) -> Form:
        """What was typed."""
        return Form({name: str(value) for name, value in (await request.form()).items()})

    def drawn(self, request: Request[Any, Any, Any]) -> Form | Redirect:
        """Return what the query fills in, with a txn_id: the back button leads to the same form, sent or not."""
        form = self.query(request)
        try:
            form.txn_id()
        except ServiceError:
            form.fresh()
            return see(request.scope["path"], **form.values)
        return form

    def query(self, request: Request[Any, Any, Any]) -> Form:
        """What the query asks for. Raises ServiceError (400)."""
        return Form(parse(request.scope["query_string"]))

    async def wallets(self, request: AuthenticatedRequest, asset: str | None) -> tuple[OwnWallet, list[OwnWallet]]:
        """Return the user's wallet in this asset, the default one without; and all. Raises ServiceError (WA001)."""
        wallet_id = await self.wallet_id(request, asset)
        me = await self.database.me(request.user.user_id, request.user.user_id)
        return next(wallet for wallet in me.wallets if wallet.wallet_id == wallet_id), me.wallets

    async def wallet_id(self, request: AuthenticatedRequest, asset: str | None) -> UUID:
        """Return the id of this wallet, which is mostly known here. Raises ServiceError (WA001)."""
        if asset is not None and not re.fullmatch(ASSET_PATTERN, asset):
            asset = None
        return await self.services.wallet_ids.find(request, asset)

    async def confirm(self, request: AuthenticatedRequest, form: Form) -> None:
        """Ask an operator's password before something changes. Raises ServiceError: WA033, WA034; MistakeError."""
        if not form["password"]:
            raise MistakeError("password", self.words.forms.password_needed)
        await self.accounts.confirm(request.user.user_id, form["password"], client_address(request.scope))

    # what is answered

    def page(
        self,
        request: Request[Any, Any, Any],
        template: str,
        status: int = 200,
        *,
        cookies: list[Cookie] | None = None,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> Template:
        """Return a page."""
        request.scope["state"][CHOSEN] = SITE
        path = request.scope["path"]
        session = self.session(request)
        if session is not None:
            mark(request.scope, str(session.user_id))
        return Template(
            template,
            context={
                "session": session,
                "path": path,
                "console": path == CONSOLE or path.startswith(f"{CONSOLE}/"),
                "operator": session is not None and session.role == "operator",
                "unencrypted": request.scope["scheme"] != "https" and not _is_local(request),
                **context,
            },
            status_code=status,
            cookies=cookies or [],
            headers=headers or {},
        )

    def go_on(
        self,
        request: Request[Any, Any, Any],
        path: str,
        kept: list[tuple[str, str]],
        status: int = 200,
        cookies: list[Cookie] | None = None,
    ) -> Template:
        """Let whoever is signed in now send what was typed before, or not."""
        return self.page(request, "go_on.html", status, cookies=cookies, to=ours(path), kept=kept)

    def refused(
        self,
        request: Request[Any, Any, Any],
        template: str,
        form: Form,
        refusal: ServiceError | MistakeError,
        **context: Any,
    ) -> Template:
        """Show a form again, with what was typed and what is wrong with it."""
        form.note(refusal, to_operator=request.scope["path"].startswith(f"{CONSOLE}/"))
        if isinstance(refusal, MistakeError):
            return self.page(request, template, 422, form=form, **context)
        request.scope["state"]["code"] = refusal.kind.code
        headers = dict(refusal.headers)
        return self.page(request, template, refusal.kind.status, headers=headers, form=form, **context)

    def failed(self, request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        """Answer any exception with a page."""
        known, headers = judged(request, error)
        told = known.told(to_operator=request.scope["path"].startswith(CONSOLE))
        return self.page(
            request,
            "error.html",
            known.kind.status,
            headers=headers,
            told=told,
            code=known.kind.code,
            request_id=request.scope["state"].get("request_id") if known.kind.status >= INTERNAL.status else None,
        )


def see(path: str, /, **query: object) -> Redirect:
    """Go on with another page. A query can have any names, `path` too."""
    given = {name: value for name, value in query.items() if value is not None}
    return Redirect(f"{path}?{urlencode(given, quote_via=quote)}" if given else path, status_code=303)


def later(form: Form) -> list[tuple[str, str]]:
    """What was typed, to be sent later, perhaps by somebody else: what was reviewed is reviewed again."""
    reviewed = {"step": "review"} if form["step"] in {"send", "do"} else {}
    return list(Form(form.values | reviewed).kept())


def ours(path: str, otherwise: str = "/") -> str:
    """Return the path, if it is one of this site."""
    return path if OURS.fullmatch(path) else otherwise


def exact(moment: datetime) -> str:
    """Spell a moment to the microsecond, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def minute(moment: datetime) -> str:
    """Spell a moment for people, before the browser shows it in its zone."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def amount_of(minor: int, scale: int, asset: str, signed: bool = False) -> Markup:  # noqa: FBT001, FBT002 - templates call it
    """Mark an amount up. Pages have so many of them that a macro would take most of the time."""
    exactly, code = amounts.plain(minor, scale), escape(asset)
    plus = "+" if signed and minor > 0 else ""
    return Markup(  # noqa: S704 - the rest are digits
        f'<data class="money" value="{exactly}" data-scale="{scale}" data-asset="{code}"'
        f'{" data-signed" if signed else ""} title="{exactly} {code}">'
        f"{plus}{amounts.shown(minor, scale)}&nbsp;{code}</data>"
    )


def time_of(moment: datetime) -> Markup:
    """Mark a moment up."""
    exactly = exact(moment)
    return Markup(f'<time datetime="{exactly}" title="{exactly}">{minute(moment)}</time>')  # noqa: S704 - as above


def json_text(value: Raw, indent: int = 0) -> str | None:
    """Spell stored JSON for people, None for none."""
    text = bytes(value)
    return None if text in {b"", b"null"} else msgspec.json.format(text, indent=indent).decode()


def _is_local(request: Request[Any, Any, Any]) -> bool:
    host = (request.headers.get("host", "")).rpartition(":")[0] or request.headers.get("host", "")
    return host in {"localhost", "127.0.0.1", "[::1]"} or host.endswith(".localhost")
