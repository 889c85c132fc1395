"""The secrets of webhooks, and how they are stored."""

import base64
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from api.events.secrets import SecretBox, SecretError, new_secret

KEY = "the key that encrypts the secrets of the tests"


def test_a_new_secret_is_one_of_standard_webhooks_and_never_the_same() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    Webhook(secret)
    assert new_secret() != secret


def test_what_was_sealed_is_opened_with_the_same_key() -> None:
    secret = new_secret()
    sealed = SecretBox(KEY).seal(secret)
    assert SecretBox(KEY).open(sealed) == secret
    assert secret.encode() not in sealed
    # equal secrets do not look equal
    assert SecretBox(KEY).seal(secret) != sealed


def test_another_key_opens_nothing() -> None:
    with pytest.raises(SecretError, match="another PGWALLET_WEBHOOK_KEY"):
        SecretBox(KEY + "x").open(SecretBox(KEY).seal(new_secret()))


def test_what_was_changed_or_is_no_secret_is_not_opened() -> None:
    box = SecretBox(KEY)
    sealed = box.seal(new_secret())
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    for bad in (*changed, b"", sealed[:5], sealed[:-1], sealed + b"\0"):
        with pytest.raises(SecretError):
            box.open(bad)


def test_a_request_makes_the_same_each_time_and_another_something_else() -> None:
    one, other = uuid4(), uuid4()
    webhook_id, secret, sealed = SecretBox(KEY).made_by(one)
    assert SecretBox(KEY).made_by(one) == (webhook_id, secret, sealed)
    assert SecretBox(KEY).open(sealed) == secret
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    for made in (SecretBox(KEY).made_by(other), SecretBox(KEY + "x").made_by(one)):
        assert not set(made) & {webhook_id, secret, sealed}
    # the id of a webhook is no secret
    assert webhook_id != one
