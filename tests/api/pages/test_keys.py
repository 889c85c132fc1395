"""Keys on the console: one is made in two steps, its secret is shown once, and it is revoked for good."""

from typing import Any, get_args
from uuid import uuid4

from api.schemas.keys import Scope
from tests.api.pages.browser import Browser, Page
from tests.api.pages.places import HOSTILE
from tests.api.service import PASSWORD, User, data


def made(operator: User, **more: object) -> dict[str, Any]:
    terms = {"name": f"shop {uuid4().hex[:8]}", "scopes": ["read", "spend"], "all_users": True} | more
    return data(operator.post("/api/operator/keys", json=terms), 201)


def named(operator: User, name: str) -> list[dict[str, Any]]:
    keys = data(operator.get("/api/operator/keys", params={"limit": 200, "revoked": True}))["items"]
    return [key for key in keys if key["name"] == name]


def filled(console: Browser, **fields: str) -> Page:
    """The page after the form was filled in with this and more."""
    form = console.open("/operator/keys/new").form("Continue")
    return form.send(**{"name": "shop", "scope.read": "on", "whom": "all", **fields})


def done(page: Page, button: str) -> Page:
    """Type the password in a review, and press its button."""
    return page.form(button).send(button, password=PASSWORD)


def test_one_is_made_in_two_steps_and_its_secret_is_shown_once(
    console: Browser, operator: User, alice: User, bob: User
) -> None:
    name = f"shop {uuid4().hex[:8]}"
    form = console.open("/operator/keys").follow("Make a key").form("Continue")
    review = form.send(
        name=name,
        users=f"{alice.username}\n{bob.account['id']} ",
        networks="127.0.0.0/8, ::1",
        expires="30",
        calls_per_minute="600",
        whom="users",
        **{"scope.read": "on", "scope.topup": "on"},
    )
    assert review.facts["What it can do"] == "Look at wallets, Top up"
    assert review.facts["For whom"] == f"{alice.username}, {bob.account['id']}"
    assert named(operator, name) == []
    page = done(review, "Make it")
    assert page.title == "The key is made"
    (secret,) = [one.text for one in page.root.walk() if one["id"] == "secret"]
    (key,) = named(operator, name)
    assert (key["prefix"], key["scopes"], key["calls_per_minute"]) == (secret[:12], ["read", "topup"], 600)
    assert (key["user_ids"], key["all_users"]) == (sorted([alice.account["id"], bob.account["id"]]), False)
    assert sorted(key["networks"]) == ["127.0.0.0/8", "::1/128"]
    shown = page.follow("To the key")
    assert secret not in shown.html
    assert shown.facts["Begins with"] == f"{secret[:12]}…"
    assert shown.facts["Last use"] == "Never used"
    assert f"by {operator.username}" in shown.facts["Made"]
    # the same form once more, as by a double click: nobody has the secret any more
    again = done(review, "Make it")
    assert "This form was sent before: the key is made." in again
    assert secret not in again.text
    assert len(named(operator, name)) == 1

    topup = {"txn_id": str(uuid4()), "amount": 5}
    headers = {"Authorization": f"Bearer {secret}", "On-Behalf-Of": alice.username}
    made_by_key = data(alice.post("/api/wallet/topup", json=topup, headers=headers), 201)
    page = console.open(f"/operator/transactions/{made_by_key['id']}")
    assert page.facts["Made by"] == f"The key {name}, for the owner"
    assert page.follow(name).title.startswith(name)


def test_what_was_typed_wrong_is_kept_and_told(console: Browser, operator: User) -> None:
    for wrong, field in (
        ({"name": ""}, "name"),
        ({"whom": "users", "users": ""}, "users"),
        ({"whom": "users", "users": "nobody-has-this-name"}, "users"),
        ({"whom": "users", "users": HOSTILE}, "users"),
        ({"whom": "users", "users": "x " * 1001}, "users"),
        ({"networks": "10.0.0.0/8 nowhere"}, "networks"),
        ({"calls_per_minute": "0"}, "calls_per_minute"),
        ({"whom": ""}, "whom"),
    ):
        page = filled(console, **wrong)
        assert page.status in (404, 422), wrong
        assert list(page.mistakes) == [field]
        fields = page.form("Continue").fields
        assert fields["scope.read"] == "on"
        assert "scope.spend" not in fields
    form = console.open("/operator/keys/new").form("Continue")
    assert set(form.send(name="shop", whom="all").mistakes) == {f"scope.{name}" for name in get_args(Scope)}
    # what the database alone knows is told after the password
    page = done(filled(console, whom="users", users=operator.account["id"]), "Make it")
    assert list(page.mistakes) == ["users"]
    assert "console" not in page.title.lower()
    page = done(filled(console, networks="300.0.0.1"), "Make it")
    assert list(page.mistakes) == ["networks"]


def test_a_key_is_revoked_for_good(console: Browser, operator: User) -> None:
    key = made(operator, name=HOSTILE[:64], networks=["10.0.0.0/8"])
    listed = console.open("/operator/keys")
    assert key["prefix"] in listed.html
    page = console.open(f"/operator/keys/{key['id']}").follow("Revoke")
    assert "every call with this key is refused" in page
    assert page.facts["Only from these networks"] == "10.0.0.0/8"
    refused = page.form("Revoke").send("Revoke", password="")
    assert refused.mistakes == {"password": "Type your password."}
    assert data(operator.get(f"/api/operator/keys/{key['id']}"))["revoked_at"] is None
    for _ in range(2):
        page = done(console.open(f"/operator/keys/{key['id']}/revoke"), "Revoke")
        assert "The key is revoked." in page
        assert "Revoke" not in page.links
    assert data(operator.get(f"/api/operator/keys/{key['id']}"))["revoked_at"] is not None
    assert key["prefix"] not in console.open("/operator/keys").html
    assert key["prefix"] in console.open("/operator/keys?of=all").html


def test_the_record_says_who_made_and_revoked_it(console: Browser, operator: User) -> None:
    key = made(operator)
    operator.delete(f"/api/operator/keys/{key['id']}")
    for action, said in (("key_created", "made a key"), ("key_revoked", "revoked a key")):
        page = console.open(f"/operator/audit?action={action}&actor={operator.account['id']}")
        assert f"{operator.username} {said}" in page
        assert page.follow("a key").path == f"/operator/keys/{key['id']}"


def test_keys_are_read_a_page_at_a_time(console: Browser, operator: User) -> None:
    for _ in range(51 - len(data(operator.get("/api/operator/keys", params={"limit": 200}))["items"])):
        made(operator)
    first = console.open("/operator/keys")
    assert len([path for path in first.links.values() if path.startswith("/operator/keys/")]) == 51
    assert first.follow("Older").status == 200
    assert console.open(f"/operator/keys/{uuid4()}").status == 404
