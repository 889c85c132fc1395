"""What operators do to webhooks that is more than a call of the database: for the API's routes and the pages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import msgspec

from api.errors import INVALID_ARGUMENT, NO_WEBHOOKS, OVERLOADED, FieldError, ServiceError
from api.events.cursors import Cursors, read_cursors
from api.events.sender import address_fault, url_fault
from api.events.trial import try_out
from api.schemas.webhooks import BEGINNING, Webhook, WebhookTest, WebhookWithSecret

if TYPE_CHECKING:
    from api.database.functions import Database
    from api.events.networks import Networks
    from api.events.secrets import SecretBox
    from api.events.sources import Sources
    from api.schemas.webhooks import NewWebhookRequest, WebhookRequest

TESTS_AT_ONCE: Final = 4
"""Of one process. A receiver can take ten seconds, and an answer is waited for."""


class Hooks:
    """Makes, changes and tries webhooks out. Without a box for their secrets none can be made.

    What makes a secret takes the id of a request: the same request again makes the same webhook and secret.
    """

    def __init__(self, database: Database, sources: Sources, box: SecretBox | None, networks: Networks) -> None:
        self._database = database
        self._sources = sources
        self._box = box
        self._networks = networks
        self._tests = asyncio.Semaphore(TESTS_AT_ONCE)

    async def create(
        self, request: NewWebhookRequest, actor: UUID, request_id: UUID | None = None
    ) -> WebhookWithSecret:
        """Make a webhook. Errors: WA001, WA002, WA024, WA026, WA027, WA036, WA041, WA044, no_webhooks."""
        _check_url(request.url)
        start = None if request.after is None else _start(request.after)
        webhook_id, secret, kept = self._opened().made_by(request_id or uuid4())
        async with self._sources.with_resume(start):
            webhook = await self._database.create_webhook(webhook_id, request, kept, start, actor)
        return _with(secret, webhook)

    def check(self, url: str) -> None:
        """Refuse a URL to which no delivery can get, as far as its text tells. Raises ServiceError (WA002)."""
        _check_url(url)
        if fault := address_fault(url, self._networks):
            raise ServiceError(INVALID_ARGUMENT, f"url {fault}.", [FieldError("url", fault)])

    async def change(self, webhook_id: UUID, request: WebhookRequest, actor: UUID) -> Webhook:
        """Replace all that is set of a webhook. Errors: WA001, WA002, WA026, WA027, WA042."""
        _check_url(request.url)
        return await self._database.change_webhook(webhook_id, request, actor)

    async def rotate(self, webhook_id: UUID, actor: UUID, request_id: UUID | None = None) -> WebhookWithSecret:
        """Sign with another secret from now on. Errors: WA027, WA042, no_webhooks."""
        _, secret, kept = self._opened().made_by(request_id or uuid4())
        return _with(secret, await self._database.rotate_webhook_secret(webhook_id, kept, actor))

    async def replay(self, webhook_id: UUID, after: str | int, actor: UUID) -> Webhook:
        """Deliver all events after a cursor, or a number, again. Errors: WA002, WA024, WA027, WA041, WA042."""
        if isinstance(after, int) and after:
            # the number of an event tells its database: in the others nothing is delivered again
            database = self._database.of_row(after)
            await database.replay_webhook(webhook_id, dict.fromkeys(database.members, (None, after)), actor)
            return await self._database.webhook(webhook_id, actor)
        start = _start(after) if isinstance(after, str) else Cursors()
        async with self._sources.with_resume(start):
            return await self._database.replay_webhook(webhook_id, start, actor)

    async def test(self, webhook_id: UUID, actor: UUID) -> WebhookTest:
        """Send a test event, and tell what the receiver makes of it. Errors: WA027, WA042, no_webhooks, overloaded."""
        box = self._opened()
        if self._tests.locked():
            raise ServiceError(OVERLOADED)
        async with self._tests:
            trial = await self._database.test_webhook(webhook_id, actor)
            answer = await try_out(trial, box, self._networks)
        return WebhookTest(trial.event_id, answer.delivered, *answer)

    def _opened(self) -> SecretBox:
        if self._box is None:
            raise ServiceError(NO_WEBHOOKS, "The service has no PGWALLET_WEBHOOK_KEY, so it cannot keep their secrets.")
        return self._box


def _check_url(url: str) -> None:
    if fault := url_fault(url):
        raise ServiceError(INVALID_ARGUMENT, f"url {fault}.", [FieldError("url", fault)])


def _start(after: str) -> Cursors:
    """Return the events after which deliveries begin. Raises ServiceError (WA024)."""
    return Cursors() if after == BEGINNING else read_cursors(after)


def _with(secret: str, webhook: Webhook) -> WebhookWithSecret:
    return WebhookWithSecret(**msgspec.structs.asdict(webhook), secret=secret)
