"""The API's documentation: valid, complete, readable without internet; test_fuzz.py asks whether it is true."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis

from api.errors import SQLSTATES
from tests.api.service import User

PROTECTED = ("/api/wallet", "/api/assets", "/api/me", "/api/operator", "/api/auth/signout", "/api/auth/password")


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    response = client.get("/api/docs/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()


def test_every_route_of_the_contract_is_there(document: dict[str, Any]) -> None:
    assert {(method, path) for path, method, _ in operations(document)} == {
        ("post", "/api/auth/signup"),
        ("post", "/api/auth/signin"),
        ("post", "/api/auth/password"),
        ("post", "/api/auth/reset"),
        ("post", "/api/auth/signout"),
        ("post", "/api/auth/signout-everywhere"),
        ("get", "/api/me"),
        ("get", "/api/assets"),
        ("get", "/api/wallet/balance"),
        ("post", "/api/wallet/topup"),
        ("post", "/api/wallet/spend"),
        ("post", "/api/wallet/transfer"),
        ("post", "/api/wallet/refund"),
        ("post", "/api/wallet/batch"),
        ("get", "/api/wallet/holds"),
        ("post", "/api/wallet/holds"),
        ("post", "/api/wallet/holds/{txn_id}/capture"),
        ("post", "/api/wallet/holds/{txn_id}/void"),
        ("get", "/api/wallet/transactions"),
        ("get", "/api/wallet/transactions/{txn_id}"),
        ("get", "/api/wallet/statement"),
        ("get", "/api/wallets"),
        ("post", "/api/wallets"),
        ("post", "/api/operator/wallets/{wallet_id}/status"),
        ("put", "/api/operator/wallets/{wallet_id}/limits"),
        ("post", "/api/operator/wallets/{wallet_id}/adjust"),
        ("post", "/api/operator/wallets/{wallet_id}/topup"),
        ("post", "/api/operator/wallets/{wallet_id}/refund"),
        ("post", "/api/operator/users/{user_id}/erase"),
        ("post", "/api/operator/users/{user_id}/password-reset"),
        ("get", "/api/operator/trial-balance"),
        ("get", "/api/operator/confirmations"),
        ("post", "/api/operator/confirmations/{confirmation_id}/confirm"),
        ("post", "/api/operator/confirmations/{confirmation_id}/reject"),
        ("get", "/api/operator/search"),
        ("get", "/api/operator/users"),
        ("get", "/api/operator/users/{user_id}"),
        ("get", "/api/operator/audit"),
        ("get", "/api/operator/verifications"),
        ("get", "/api/health"),
        ("get", "/api/health/live"),
        ("get", "/api/health/ready"),
    }


def test_every_operation_says_who_may_call_it_and_what_can_go_wrong(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        responses = operation["responses"]
        assert ("security" in operation) == path.startswith(PROTECTED), path
        if path.startswith("/api/health"):
            continue
        expected = {"400", "500", "503"}
        if "security" in operation:
            expected |= {"401"}
        if path.startswith("/api/operator"):
            expected |= {"403"}
        if "{" in path:
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"413", "415", "422"}
        assert expected <= set(responses), path
        for status in responses:
            if int(status) >= 400:
                (media,) = responses[status]["content"].items()
                assert media[0] == "application/problem+json"
                assert media[1]["examples"], (path, status)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_request_has_an_example_and_refuses_unknown_fields(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        if "requestBody" in operation:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
            assert schema["additionalProperties"] is False, path
            assert set(schema["examples"][0]) == set(schema["properties"]), path


def test_the_examples_of_requests_are_accepted(document: dict[str, Any], alice: User) -> None:
    schemas = document["components"]["schemas"]
    assert alice.post("/api/wallet/topup", json=schemas["TransactionRequest"]["examples"][0]).status_code == 201
    assert alice.post("/api/auth/signin", json=schemas["Credentials"]["examples"][0]).status_code == 200


def test_every_code_has_an_entry_where_its_type_leads(document: dict[str, Any]) -> None:
    glossary = document["components"]["examples"]
    for code, example in glossary.items():
        assert example["value"]["type"] == f"/api/docs#{code}"
    assert {kind.code for kind in SQLSTATES.values() if kind.status != 500} <= set(glossary)
