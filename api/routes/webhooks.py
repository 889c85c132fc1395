"""Webhooks: whom the service tells of events by HTTP. Operators make and change them; the relay delivers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Router, delete, get, post, put
from litestar.params import JSONBody, PathParameter

from api.auth.guards import AuthenticatedRequest, operator
from api.errors import NOT_FOUND, ServiceError
from api.http.openapi import HOOKS
from api.http.responses import BODY_ERRORS, JsonResponse, errors, success
from api.routes.operator import OPERATOR_ERRORS
from api.routes.parameters import MAX_ID, LimitQuery, PlacesQuery, decode_places, encode_cursor, named, number
from api.routes.services import Services
from api.schemas.envelope import Envelope
from api.schemas.webhooks import (
    DeadLetterPage,
    DeliveryPage,
    NewWebhookRequest,
    PauseRequest,
    ReplayRequest,
    Retried,
    Webhook,
    WebhookList,
    WebhookRequest,
    WebhookTest,
    WebhookWithSecret,
)

READ_ERRORS = (*OPERATOR_ERRORS, "timeout")
ONE_ERRORS = (*READ_ERRORS, "not_found", "WA042")
CHANGE_ERRORS = (*ONE_ERRORS, "busy", "partly")
TERMS_ERRORS = (*BODY_ERRORS, "WA001", "WA002", "WA026", "busy", "partly")
START_ERRORS = ("WA002", "WA024", "WA041")

WebhookPath = Annotated[UUID, PathParameter(description="A webhook.")]
EventPath = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="The number of an event.")]


def webhook_routes(services: Services) -> Router:
    """Return `/api/operator/webhooks`."""
    database, hooks = services.database, services.hooks

    @post(
        operation_id="createWebhook",
        summary="Make a webhook",
        response_description="The webhook, and the secret, which is shown once",
        responses=errors(*READ_ERRORS, *TERMS_ERRORS, *START_ERRORS, "WA036", "WA044", "no_webhooks"),
    )
    async def create(
        request: AuthenticatedRequest, data: JSONBody[NewWebhookRequest]
    ) -> JsonResponse[Envelope[WebhookWithSecret]]:
        """Tell a receiver of events by HTTP: of those that happen from now on, or from `after` on.

        [How a receiver verifies and takes deliveries](https://www.standardwebhooks.com/) is a public standard.
        """
        return success("webhook made", await hooks.create(data, request.user.user_id), 201)

    @get(operation_id="listWebhooks", summary="Webhooks", responses=errors(*READ_ERRORS))
    async def webhooks(request: AuthenticatedRequest) -> JsonResponse[Envelope[WebhookList]]:
        """List all webhooks, newest first, with how far each is behind."""
        page = await database.webhooks(request.user.user_id)
        return success("webhooks", WebhookList(page.items, named(page.away)))

    @get("/{webhook_id:uuid}", operation_id="getWebhook", summary="One webhook", responses=errors(*ONE_ERRORS))
    async def webhook(request: AuthenticatedRequest, webhook_id: WebhookPath) -> JsonResponse[Envelope[Webhook]]:
        """Show a webhook, without its secret."""
        return success("webhook", await database.webhook(webhook_id, request.user.user_id))

    @put(
        "/{webhook_id:uuid}",
        operation_id="changeWebhook",
        summary="Change a webhook",
        responses=errors(*ONE_ERRORS, *TERMS_ERRORS),
    )
    async def change(
        request: AuthenticatedRequest, webhook_id: WebhookPath, data: JSONBody[WebhookRequest]
    ) -> JsonResponse[Envelope[Webhook]]:
        """Replace all that is set of a webhook: what is left out ends. The secret stays, and how far it is.

        Filters hold for events that it has not got to yet.
        """
        return success("webhook changed", await hooks.change(webhook_id, data, request.user.user_id))

    @delete(
        "/{webhook_id:uuid}",
        status_code=200,
        operation_id="deleteWebhook",
        summary="Delete a webhook",
        responses=errors(*CHANGE_ERRORS),
    )
    async def remove(request: AuthenticatedRequest, webhook_id: WebhookPath) -> JsonResponse[Envelope[Webhook]]:
        """Delete a webhook with its deliveries and dead letters, and show it as it was. Events are not lost."""
        return success("webhook deleted", await database.delete_webhook(webhook_id, request.user.user_id))

    @post(
        "/{webhook_id:uuid}/pause",
        status_code=200,
        operation_id="pauseWebhook",
        summary="Pause a webhook",
        responses=errors(*BODY_ERRORS, *CHANGE_ERRORS, "WA002"),
    )
    async def pause(
        request: AuthenticatedRequest, webhook_id: WebhookPath, data: JSONBody[PauseRequest]
    ) -> JsonResponse[Envelope[Webhook]]:
        """Deliver nothing until the webhook is resumed. Its events wait, and none is given up."""
        return success("webhook paused", await database.pause_webhook(webhook_id, data.reason, request.user.user_id))

    @post(
        "/{webhook_id:uuid}/resume",
        status_code=200,
        operation_id="resumeWebhook",
        summary="Resume a webhook",
        responses=errors(*CHANGE_ERRORS),
    )
    async def resume(request: AuthenticatedRequest, webhook_id: WebhookPath) -> JsonResponse[Envelope[Webhook]]:
        """Go on delivering where the webhook was paused, at once: by an operator, or as it only failed."""
        return success("webhook resumed", await database.resume_webhook(webhook_id, request.user.user_id))

    @post(
        "/{webhook_id:uuid}/secret",
        status_code=200,
        operation_id="rotateWebhookSecret",
        summary="Make another secret",
        response_description="The webhook, and the new secret, which is shown once",
        responses=errors(*CHANGE_ERRORS, "no_webhooks"),
    )
    async def rotate(
        request: AuthenticatedRequest, webhook_id: WebhookPath
    ) -> JsonResponse[Envelope[WebhookWithSecret]]:
        """Sign with another secret from now on; for 24 hours with the one before, too. An earlier one ends at once."""
        return success("another secret", await hooks.rotate(webhook_id, request.user.user_id))

    return Router(
        "/api/operator/webhooks",
        route_handlers=[
            *(create, webhooks, webhook, change),
            *(remove, pause, resume, rotate),
        ],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[HOOKS],
    )


def delivery_routes(services: Services) -> Router:
    """Return `/api/operator/webhooks/…`: what was delivered, what could not be, and what is to be delivered again."""
    database, hooks = services.database, services.hooks

    @post(
        "/{webhook_id:uuid}/test",
        status_code=200,
        operation_id="testWebhook",
        summary="Test a webhook",
        responses=errors(*CHANGE_ERRORS, "no_webhooks"),
    )
    async def test(request: AuthenticatedRequest, webhook_id: WebhookPath) -> JsonResponse[Envelope[WebhookTest]]:
        """Send an event of the type `pgwallet.webhook.test` at once, and tell what the receiver makes of it.

        It is sent once, signed like any other, to a paused webhook, too. It takes up to ten seconds.
        """
        return success("webhook tested", await hooks.test(webhook_id, request.user.user_id))

    @post(
        "/{webhook_id:uuid}/replay",
        status_code=200,
        operation_id="replayWebhook",
        summary="Deliver again",
        responses=errors(*BODY_ERRORS, *CHANGE_ERRORS, *START_ERRORS),
    )
    async def replay(
        request: AuthenticatedRequest, webhook_id: WebhookPath, data: JSONBody[ReplayRequest]
    ) -> JsonResponse[Envelope[Webhook]]:
        """Deliver all events after `after` again, in order; dead letters of that time, too."""
        return success("replayed", await hooks.replay(webhook_id, data.after, request.user.user_id))

    @get(
        "/{webhook_id:uuid}/deliveries",
        operation_id="listDeliveries",
        summary="A webhook's deliveries",
        response_description="A page, newest first",
        responses=errors(*ONE_ERRORS, "validation", "WA024"),
    )
    async def deliveries(
        request: AuthenticatedRequest, webhook_id: WebhookPath, limit: LimitQuery = 50, cursor: PlacesQuery = None
    ) -> JsonResponse[Envelope[DeliveryPage]]:
        """Page through the attempts to deliver; old ones are pruned."""
        page = await database.webhook_deliveries(webhook_id, limit, decode_places(cursor), request.user.user_id)
        return success("deliveries", DeliveryPage(page.items, encode_cursor(page.next), named(page.away)))

    @get(
        "/{webhook_id:uuid}/dead-letters",
        operation_id="listDeadLetters",
        summary="A webhook's dead letters",
        response_description="A page, newest first",
        responses=errors(*ONE_ERRORS, "validation", "WA024"),
    )
    async def dead_letters(
        request: AuthenticatedRequest, webhook_id: WebhookPath, limit: LimitQuery = 50, cursor: PlacesQuery = None
    ) -> JsonResponse[Envelope[DeadLetterPage]]:
        """Page through the events that were given up after `PGWALLET_WEBHOOK_GIVE_UP` seconds."""
        page = await database.webhook_dead_letters(webhook_id, limit, decode_places(cursor), request.user.user_id)
        return success("dead letters", DeadLetterPage(page.items, encode_cursor(page.next), named(page.away)))

    @post(
        "/{webhook_id:uuid}/dead-letters/{event:int}/retry",
        status_code=200,
        operation_id="retryDeadLetter",
        summary="Deliver a dead letter again",
        responses=errors(*CHANGE_ERRORS, "validation"),
    )
    async def retry(
        request: AuthenticatedRequest, webhook_id: WebhookPath, event: EventPath
    ) -> JsonResponse[Envelope[Retried]]:
        """Deliver one event again that was given up. It comes after what happened later."""
        moved = await database.retry_dead_letters(webhook_id, [number(request, event)], request.user.user_id)
        if moved == 0:
            raise ServiceError(NOT_FOUND)
        return success("retried", Retried(moved))

    @post(
        "/{webhook_id:uuid}/dead-letters/retry",
        status_code=200,
        operation_id="retryDeadLetters",
        summary="Deliver all dead letters again",
        responses=errors(*CHANGE_ERRORS),
    )
    async def retry_all(request: AuthenticatedRequest, webhook_id: WebhookPath) -> JsonResponse[Envelope[Retried]]:
        """Deliver all events again that were given up, in order; they come after what happened later."""
        return success("retried", Retried(await database.retry_dead_letters(webhook_id, None, request.user.user_id)))

    return Router(
        "/api/operator/webhooks",
        route_handlers=[test, replay, deliveries, dead_letters, retry, retry_all],
        before_request=operator(services.tokens, services.limits),
        security=[{"bearer": []}],
        tags=[HOOKS],
    )
