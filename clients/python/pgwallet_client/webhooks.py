"""Webhooks: whether a delivery comes from the service (https://www.standardwebhooks.com)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from standardwebhooks import Webhook, WebhookVerificationError

from pgwallet_client._errors import WebhookError
from pgwallet_client._model import Event

LARGEST_DELIVERY: Final = 2 * 1024 * 1024
"""Bytes: a hundred events at most have half of it."""


def verify(body: bytes, headers: Mapping[str, str], secret: str | Sequence[str]) -> list[Event]:
    """Return the events of a delivery: one, or several of a webhook with a `batch_size`.

    `body` is what came, byte by byte, before anything read it. Answer 401 where this raises WebhookError: then the
    signature is of none of the secrets, or older than five minutes. Drop events whose `id` you have seen, and pass over
    types that you do not know.
    """
    if len(body) > LARGEST_DELIVERY:
        raise WebhookError("the delivery is too large")
    given = {name.lower(): value for name, value in headers.items()}
    secrets = [secret] if isinstance(secret, str) else secret
    if not any(_signed(body, given, one) for one in secrets):
        raise WebhookError("the delivery is not signed with this secret, or its time is not that of now")
    try:
        told = msgspec.json.decode(body)
        return [Event(one) for one in (told if isinstance(told, list) else [told])]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise WebhookError(f"the delivery holds no events: {error}") from None


def _signed(body: bytes, headers: dict[str, str], secret: str) -> bool:
    try:
        webhook = Webhook(secret)
    except Exception as error:
        raise ValueError("the secret must be as the service showed it: whsec_…") from error
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # the latter for headers and bodies that cannot be read
        return False
    return True
