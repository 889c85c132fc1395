"""A webhook is tried out: one event that says nothing but that it is a test, sent at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.events.secrets import SecretError
from api.events.sender import MANY, ONE, Answer, Sender

if TYPE_CHECKING:
    from api.database.rows import WebhookTrial
    from api.events.networks import Networks
    from api.events.secrets import SecretBox


async def try_out(trial: WebhookTrial, box: SecretBox, networks: Networks) -> Answer:
    """Send the event as the relay would send it, and return what became of it. Whatever fails is in the answer."""
    try:
        secrets = [box.open(sealed) for sealed in (trial.secret, trial.previous_secret) if sealed is not None]
    except SecretError as error:
        return Answer(None, f"the secret cannot be read: {error}", 0, "")
    if not secrets:
        return Answer(None, "the webhook has no secret yet: the relay makes it, or make one", 0, "")
    body, kind = (trial.event, ONE) if trial.batch_size == 1 else (f"[{trial.event}]", MANY)
    sender = Sender(networks)
    try:
        return await sender.post(trial.url, trial.event_id, body.encode(), kind, secrets)
    finally:
        await sender.close()
