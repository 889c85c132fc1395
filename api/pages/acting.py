"""How operators change something: a form, a review that says what will happen and asks for the password, the result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from litestar import HttpMethod, Response

from api.errors import ServiceError
from api.pages.forms import Form, MistakeError
from api.pages.sending import USED
from api.pages.site import Refusal

if TYPE_CHECKING:
    from api.auth.guards import AuthenticatedRequest
    from api.pages.site import Site

Context: TypeAlias = dict[str, Any]

BOTH: Final = (HttpMethod.GET, HttpMethod.POST)
TYPED_IN_REVIEW: Final = ("password", "username")
ANSWERED_IN_REVIEW: Final = (403, 429, 503)
"""Statuses of refusals that are not of what was asked for: it can be sent as it is."""


class Act(NamedTuple):
    """What `show` returns is a look, so it is called where a page is shown alone.

    `plan` returns what the review says, and raises what is wrong with the form before the password is asked for.
    `recorded` finds what was done with a used id. `at_once`: there is nothing to fill in before the review.
    `judge` raises what the page knows that the database would refuse, unless it was done with this id before.
    """

    show: Callable[[], Awaitable[Context]]
    plan: Callable[[Form, Context], Context]
    do: Callable[[Form], Awaitable[Response[Any]]]
    recorded: Callable[[UUID, UUID, UUID], Awaitable[Context | None]] | None = None
    at_once: bool = False
    judge: Callable[[Context], None] = lambda _: None


async def answer(site: Site, request: AuthenticatedRequest, template: str, act: Act) -> Response[Any]:
    """Answer a form of `template`."""
    form = await site.form(request) if request.method == "POST" else site.drawn(request)
    if isinstance(form, Response):
        return form
    step = form.values.pop("step", "") if request.method == "POST" else ""
    refused: Any = None
    if step == "do":
        try:
            await site.confirm(request, form)
            return await act.do(form)
        except Refusal as refusal:
            refused = refusal
    if step == "again":
        form.fresh()
    context: Context = {"me": request.user.user_id, "own": False, "review": None, "first": None, "at_once": act.at_once}
    context |= await act.show()
    if step in {"review", "again"} or act.at_once or (refused and in_review(refused)):
        try:
            review = act.plan(form, context)
            if not refused:
                await known(act, form, context | {"review": review})
            context["review"] = review
        except Refusal as refusal:
            refused = refused or refusal
    if not refused:
        return site.page(request, template, form=form, **context)
    if act.recorded and isinstance(refused, ServiceError) and refused.kind is USED:
        context["first"] = await act.recorded(context["wallet_id"], form.txn_id(), request.user.user_id)
    return site.refused(request, template, form, refused, **context)


async def known(act: Act, form: Form, context: Context) -> None:
    """Judge a form before its review. Raises ServiceError; a replay of what was done is not judged again."""
    try:
        act.judge(context)
    except ServiceError:
        if not act.recorded or "txn_id" not in form:
            raise
        if await act.recorded(context["wallet_id"], form.txn_id(), context["me"]) is None:
            raise


def in_review(refusal: ServiceError | MistakeError) -> bool:
    """Whether the review can be sent again, so that the form need not be shown."""
    if isinstance(refusal, MistakeError):
        return refusal.field in TYPED_IN_REVIEW
    return refusal.kind.status in ANSWERED_IN_REVIEW
