"""What operators do: a form, a review that says what will happen and asks for the password, and the result."""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, Final

from litestar import Response, route

from api.auth.guards import AuthenticatedRequest
from api.auth.tokens import reset_token_hash
from api.database.requests import Correction, Details
from api.errors import NOT_FOUND, FieldError, ServiceError, invalid
from api.pages.acting import BOTH, Act, Context, answer
from api.pages.forms import Form, MistakeError, convert
from api.pages.judging import judge_change, judge_refund, judge_status
from api.pages.site import Site, see
from api.routes.operator import UserPath, WalletPath
from api.routes.operator_reads import NumberPath
from api.routes.parameters import details, number
from api.schemas.inspection import FoundHold, FoundTransaction
from api.schemas.operator import (
    AdjustmentRequest,
    ErasureRequest,
    FundRequest,
    GiveBackRequest,
    KindLimits,
    LimitsByKind,
    LimitsRequest,
    PasswordResetRequest,
    StatusRequest,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from litestar.handlers import HTTPRouteHandler

    from api.schemas.inspection import InspectedWallet
    from api.schemas.operator import Confirmation


KINDS: Final = LimitsByKind.__struct_fields__
WINDOWS: Final = KindLimits.__struct_fields__
VALID_FOR: Final = (3600, 900, 86400)
"""Seconds for which a password reset token can be made."""


def act_pages(site: Site) -> list[HTTPRouteHandler]:
    """Return the pages with which operators change something."""
    database, services, words = site.database, site.services, site.words
    operators = site.guard(operator=True)

    async def act(
        request: AuthenticatedRequest,
        template: str,
        show: Callable[[], Awaitable[Context]],
        plan: Callable[[Form, Context], Context],
        do: Callable[[Form], Awaitable[Response[Any]]],
        judge: Callable[[Context], None] = lambda _: None,
    ) -> Response[Any]:
        return await answer(site, request, template, Act(show, plan, do, recorded, judge=judge))

    async def recorded(wallet_id: UUID, txn_id: UUID, me: UUID) -> Context | None:
        """Return what was done, or asked for, with this id."""

        def shown(path: str, kind: str, amount: int, one: FoundTransaction | FoundHold | Confirmation) -> Context:
            more = {name: getattr(one, name) for name in ("asset", "scale", "reference")}
            return {"path": f"/operator/{path}/{one.id}", "type": kind, "amount": amount, "at": one.created_at, **more}

        home = database.of(wallet_id)
        for found in (await home.search(str(txn_id), me)).items:
            if isinstance(found, FoundTransaction) and (found.wallet_id, found.txn_id) == (wallet_id, txn_id):
                return shown("transactions", found.type, found.amount, found)
            if isinstance(found, FoundHold) and found.wallet_id == wallet_id:
                return shown("holds", "hold", found.amount, found)
        for one in (await home.confirmations(None, 200, None, me)).items:
            if (one.wallet_id, one.txn_id) == (wallet_id, txn_id):
                return shown("confirmations", one.type, one.amount or one.expected, one)
        return None

    async def scale_of(form: Form) -> int:
        """Return the scale of the asset that the form is about, as its page named it. Raises ServiceError (422)."""
        for asset in await database.assets():
            if asset.code == form["asset"]:
                return asset.scale
        raise invalid(FieldError("asset", "is not an asset of this service"))

    async def the_wallet(request: AuthenticatedRequest, wallet_id: UUID) -> Context:
        wallet = await database.inspect_wallet(wallet_id, request.user.user_id)
        if wallet.user_id is None:
            raise ServiceError(NOT_FOUND)
        own = wallet.user_id == request.user.user_id
        return {"wallet": wallet, "wallet_id": wallet_id, "own": own, "four_eyes": services.four_eyes}

    async def correct(asked: Correction, done: str) -> Response[Any]:
        """Let an adjustment or refund happen, or wait for another operator."""
        waits = await services.propose(asked)
        if waits:
            return see(f"/operator/confirmations/{waits.id}", done="waits")
        result = await (database.adjust(asked) if asked.type == "adjustment" else database.give_back(asked))
        return see(f"/operator/transactions/{result.id}", done=done)

    def reason(form: Form, name: str = "reason") -> str:
        if given := form.text(name):
            return given
        raise MistakeError(name, words.act.reason_needed)

    # a wallet

    @route("/operator/wallets/{wallet_id:uuid}/status", http_method=BOTH, before_request=operators)
    async def status(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        def asked(form: Form) -> StatusRequest:
            if form["status"] not in vars(words.status):
                raise MistakeError("status", words.forms.choose)
            return convert(StatusRequest, status=form["status"], reason=reason(form))

        def plan(form: Form, _: Context) -> Context:
            return {"status": asked(form).status}

        async def do(form: Form) -> Response[Any]:
            data = asked(form)
            await database.set_status(wallet_id, data.status, data.reason, request.user.user_id)
            return see(f"/operator/wallets/{wallet_id}", done=data.status)

        def judge(context: Context) -> None:
            judge_status(context["wallet"], context["review"]["status"])

        return await act(request, "act_status.html", lambda: the_wallet(request, wallet_id), plan, do, judge)

    @route("/operator/wallets/{wallet_id:uuid}/limits", http_method=BOTH, before_request=operators)
    async def limits(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        async def show() -> Context:
            context = await the_wallet(request, wallet_id)
            now = limits_now(context["wallet"])
            return context | {"now": now, "was": spelled(now), "kinds": KINDS, "windows": WINDOWS}

        def asked(form: Form, context: Context) -> dict[str, int | None]:
            """Return what every field says. Raises MistakeError, also where others changed the limits meanwhile."""
            if form["was"] != context["was"]:
                raise MistakeError("was", words.act_limits.changed)
            reason(form)
            return {
                name: form.amount(words, context["wallet"].scale, name, zero=True) if form[name].strip() else None
                for name in context["now"]
            }

        def plan(form: Form, context: Context) -> Context:
            wanted = asked(form, context)
            changes = [(name, context["now"][name], wanted[name]) for name in wanted]
            changes = [change for change in changes if change[1] != change[2]]
            if not changes:
                raise MistakeError("reason", words.act_limits.nothing)
            off = {kind: [wanted[f"{kind}_{window}"] for window in WINDOWS] for kind in KINDS}
            return {"changes": changes, "off": off | {"max_balance": [wanted["max_balance"]]}}

        async def do(form: Form) -> Response[Any]:
            wanted = asked(form, await show())
            kinds = {kind: {window: wanted[f"{kind}_{window}"] for window in WINDOWS} for kind in KINDS}
            data = convert(
                LimitsRequest,
                limits={kind: given for kind, given in kinds.items() if any(one is not None for one in given.values())},
                floor=-(wanted["overdraft"] or 0),
                max_balance=wanted["max_balance"],
                reason=reason(form),
            )
            await database.set_limits(wallet_id, data, request.user.user_id)
            return see(f"/operator/wallets/{wallet_id}", done="limits")

        return await act(request, "act_limits.html", show, plan, do)

    @route("/operator/wallets/{wallet_id:uuid}/top-up", http_method=BOTH, before_request=operators)
    async def top_up(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        def asked(form: Form, scale: int) -> FundRequest:
            amount = form.amount(words, scale)
            return convert(FundRequest, txn_id=form.txn_id(), amount=amount, reference=reason(form, "reference"))

        def plan(form: Form, context: Context) -> Context:
            return {"amount": asked(form, context["wallet"].scale).amount, "waits": False}

        async def do(form: Form) -> Response[Any]:
            data = asked(form, await scale_of(form))
            me = request.user.user_id
            result = await database.fund(wallet_id, data.txn_id, data.amount, details(data), me)
            return see(f"/operator/transactions/{result.id}", done="topup")

        return await act(request, "act_topup.html", lambda: the_wallet(request, wallet_id), plan, do, judge_money)

    @route("/operator/wallets/{wallet_id:uuid}/adjust", http_method=BOTH, before_request=operators)
    async def adjust(request: AuthenticatedRequest, wallet_id: WalletPath) -> Response[Any]:
        def asked(form: Form, scale: int) -> AdjustmentRequest:
            if form["direction"] not in {"add", "take"}:
                raise MistakeError("direction", words.forms.choose)
            amount = form.amount(words, scale) * (1 if form["direction"] == "add" else -1)
            return convert(AdjustmentRequest, txn_id=form.txn_id(), amount=amount, reason=reason(form))

        def plan(form: Form, context: Context) -> Context:
            amount = asked(form, context["wallet"].scale).amount
            return {"amount": amount, "waits": waits(amount)}

        async def do(form: Form) -> Response[Any]:
            data = asked(form, await scale_of(form))
            more, me = Details(data.reason, None, None), request.user.user_id
            return await correct(
                Correction("adjustment", wallet_id, data.txn_id, None, data.amount, more, me), "adjustment"
            )

        return await act(request, "act_adjust.html", lambda: the_wallet(request, wallet_id), plan, do, judge_money)

    # a transaction

    @route("/operator/transactions/{transaction_id:int}/refund", http_method=BOTH, before_request=operators)
    async def refund(request: AuthenticatedRequest, transaction_id: NumberPath) -> Response[Any]:
        which, me = number(request, transaction_id), request.user.user_id

        async def show() -> Context:
            transaction = await database.inspect_transaction(which, me)
            return {"transaction": transaction} | await the_wallet(request, transaction.wallet_id)

        def asked(form: Form, scale: int) -> GiveBackRequest:
            return convert(
                GiveBackRequest,
                txn_id=form.txn_id(),
                original_txn_id=form.txn_id("original_txn_id"),
                amount=form.amount(words, scale),
                reference=reason(form, "reference"),
            )

        def plan(form: Form, context: Context) -> Context:
            amount = asked(form, context["wallet"].scale).amount
            return {"amount": amount, "waits": waits(amount)}

        async def do(form: Form) -> Response[Any]:
            data = asked(form, await scale_of(form))
            wallet_id = form.txn_id("wallet_id")
            more = details(data)
            return await correct(
                Correction("refund", wallet_id, data.txn_id, data.original_txn_id, data.amount, more, me), "refund"
            )

        def judge(context: Context) -> None:
            judge_refund(context["transaction"], context["review"]["amount"])
            judge_money(context)

        return await act(request, "act_refund.html", show, plan, do, judge)

    def judge_money(context: Context) -> None:
        # the wallet can change before another operator confirms
        if not context["review"]["waits"]:
            judge_change(context["wallet"], context["review"]["amount"])

    def waits(amount: int | None) -> bool:
        """Whether the review says that another operator has to confirm it; the database decides."""
        return services.four_eyes is not None and abs(amount or 0) > services.four_eyes

    # a user

    async def the_user(request: AuthenticatedRequest, user_id: UUID) -> Context:
        user = await database.inspect_user(user_id, request.user.user_id)
        return {"user": user, "own": user.role == "operator", "valid_for": VALID_FOR}

    @route("/operator/users/{user_id:uuid}/password-reset", http_method=BOTH, before_request=operators)
    async def password_reset(request: AuthenticatedRequest, user_id: UserPath) -> Response[Any]:
        def asked(form: Form) -> PasswordResetRequest:
            if form["expires_in"] not in map(str, VALID_FOR):
                raise MistakeError("expires_in", words.forms.choose)
            return convert(PasswordResetRequest, reason=reason(form), expires_in=int(form["expires_in"]))

        def plan(form: Form, _: Context) -> Context:
            return {"expires_in": asked(form).expires_in}

        async def do(form: Form) -> Response[Any]:
            data, token = asked(form), token_urlsafe(32) + database.mark(user_id)
            expires_at = await database.create_password_reset(
                user_id, reset_token_hash(token), data.reason, data.expires_in, request.user.user_id
            )
            address = f"{request.base_url}reset"
            return site.page(
                request, "care_token.html", user_id=user_id, token=token, expires_at=expires_at, address=address
            )

        return await act(request, "act_password_reset.html", lambda: the_user(request, user_id), plan, do)

    @route("/operator/users/{user_id:uuid}/erase", http_method=BOTH, before_request=operators)
    async def erase(request: AuthenticatedRequest, user_id: UserPath) -> Response[Any]:
        def plan(form: Form, _: Context) -> Context:
            return {"reason": convert(ErasureRequest, reason=reason(form)).reason}

        async def do(form: Form) -> Response[Any]:
            data = convert(ErasureRequest, reason=reason(form))
            user = await database.inspect_user(user_id, request.user.user_id)
            if form["username"].strip().lower() != user.username:
                raise MistakeError("username", words.act_erase.not_the_name)
            await database.erase_user(user_id, data.reason, request.user.user_id)
            return see(f"/operator/users/{user_id}", done="erased")

        return await act(request, "act_erase.html", lambda: the_user(request, user_id), plan, do)

    return [status, limits, top_up, adjust, refund, password_reset, erase]


def limits_now(wallet: InspectedWallet) -> dict[str, int | None]:
    """Return what is set, by the fields of the form: minor units, None for no limit."""
    found: dict[str, int | None] = {"max_balance": wallet.max_balance, "overdraft": -(wallet.floor or 0) or None}
    for kind in KINDS:
        for window in WINDOWS:
            limit = getattr(getattr(wallet.limits, kind), window, None)
            found[f"{kind}_{window}"] = None if limit is None else limit.maximum
    return found


def spelled(limits: dict[str, int | None]) -> str:
    """Spell limits for a hidden field, which tells whether others changed them meanwhile."""
    return ",".join("" if limit is None else str(limit) for limit in limits.values())
