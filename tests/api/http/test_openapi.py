"""The API's documentation: valid, complete, readable without internet; test_fuzz.py asks whether it is true."""

import ast
import json
import keyword
import re
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import jsonschema_rs
import pytest
import schemathesis

from api.errors import SQLSTATES
from api.schemas.inspection import Action
from tests.api.service import User, data
from tests.docs.markdown import ROOT

PUBLIC = ("/api/auth/signup", "/api/auth/signin", "/api/auth/reset", "/api/health")
CAMEL = re.compile(r"[a-z]+([A-Z][a-z]+)*")
RESERVED = {*keyword.kwlist, "delete", "do", "function", "new", "switch", "this", "throw", "typeof", "var", "void"}
HEADERS = {
    "401": {"WWW-Authenticate"},
    "405": {"Allow"},
    "429": {"Retry-After", "RateLimit-Limit", "RateLimit-Policy", "RateLimit-Remaining", "RateLimit-Reset"},
    "503": {"Retry-After"},
}


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    response = client.get("/api/docs/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def resolved(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What a reference leads to; anything else is itself."""
    while "$ref" in found:
        target: Any = document
        for name in found["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        found = target
    return found


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where a body of JSON is described, its media type, and how."""
    for path, method, operation in operations(document):
        found = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in found.items():
            for kind, media in body.get("content", {}).items():
                if kind.endswith("json"):
                    yield f"{method} {path} {name}", kind, media


class Faults:
    """What keeps an example from being valid. A validator reads all components, so each is made once."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def __call__(self, schema: dict[str, Any], example: object) -> list[str]:
        name = json.dumps(schema)
        if name not in self._validators:
            whole = {**schema, "components": self._components}
            self._validators[name] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return [error.message for error in self._validators[name].iter_errors(example)]


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
        ("get", "/api/wallet/receipt"),
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
        ("get", "/api/operator/events"),
        ("get", "/api/operator/events/stream"),
        ("get", "/api/wallet/events/stream"),
        ("get", "/api/operator/verifications"),
        ("post", "/api/operator/verifications"),
        ("get", "/api/operator/verifications/runs"),
        ("get", "/api/operator/verifications/runs/{run}"),
        ("get", "/api/operator/wallets/{wallet_id}"),
        ("get", "/api/operator/wallets/{wallet_id}/transactions"),
        ("get", "/api/operator/wallets/{wallet_id}/holds"),
        ("get", "/api/operator/wallets/{wallet_id}/statement"),
        ("get", "/api/operator/transactions/{transaction_id}"),
        ("get", "/api/operator/holds/{hold_id}"),
        ("post", "/api/operator/webhooks"),
        ("get", "/api/operator/webhooks"),
        ("get", "/api/operator/webhooks/{webhook_id}"),
        ("put", "/api/operator/webhooks/{webhook_id}"),
        ("delete", "/api/operator/webhooks/{webhook_id}"),
        ("post", "/api/operator/webhooks/{webhook_id}/test"),
        ("post", "/api/operator/webhooks/{webhook_id}/pause"),
        ("post", "/api/operator/webhooks/{webhook_id}/resume"),
        ("post", "/api/operator/webhooks/{webhook_id}/secret"),
        ("post", "/api/operator/webhooks/{webhook_id}/replay"),
        ("get", "/api/operator/webhooks/{webhook_id}/deliveries"),
        ("get", "/api/operator/webhooks/{webhook_id}/dead-letters"),
        ("post", "/api/operator/webhooks/{webhook_id}/dead-letters/{event}/retry"),
        ("post", "/api/operator/webhooks/{webhook_id}/dead-letters/retry"),
        ("post", "/api/operator/keys"),
        ("get", "/api/operator/keys"),
        ("get", "/api/operator/keys/{key_id}"),
        ("delete", "/api/operator/keys/{key_id}"),
        ("get", "/api/health"),
        ("get", "/api/health/live"),
        ("get", "/api/health/ready"),
    }


def test_every_operation_says_who_may_call_it_and_what_can_go_wrong(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        responses = operation["responses"]
        public = path in PUBLIC or path.startswith("/api/health")
        by_key = path.startswith("/api/wallet/") or operation["operationId"] == "listWallets"
        ways: list[Any] = [{"bearer": []}, {"key": []}] if by_key else [{"bearer": []}]
        assert operation["security"] == ([] if public else ways), path
        named = [one["name"] for one in operation.get("parameters", []) if one["in"] == "header"]
        assert ("On-Behalf-Of" in named) is by_key, path
        expected = {"400", "405", "500", *(() if path == "/api/health/live" else ("429", "503"))}
        if not public:
            expected |= {"401", "403"}
        if "{" in path:
            expected |= {"404"}
        if "requestBody" in operation:
            expected |= {"413", "415", "422"}
        assert expected <= set(responses), path
        for status in responses:
            if int(status) >= 400 and not (status == "503" and path.startswith("/api/health")):
                (media,) = responses[status]["content"].items()
                assert media[0] == "application/problem+json"
                assert media[1]["examples"], (path, status)
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_operation_has_its_texts(document: dict[str, Any]) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    names = []
    for path, _, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"].endswith("."), path
        assert [tag for tag in operation["tags"] if tags[tag]], path
        assert all(parameter["description"] for parameter in operation.get("parameters", [])), path
        names.append(operation["operationId"])
    assert [name for name in names if not CAMEL.fullmatch(name) or name in RESERVED] == []
    assert len(names) == len(set(names))
    assert set(tags) == {tag for _, _, operation in operations(document) for tag in operation["tags"]}


def test_every_answer_has_its_headers(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert set(answer["headers"]) == {"X-Request-Id"} | HEADERS.get(status, set()), (path, status)
            assert all(resolved(document, header)["description"] for header in answer["headers"].values())


def test_schemas_have_names_and_texts(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"([A-Z][a-z]+)+", name)] == []
    assert [name for name, schema in schemas.items() if not schema["description"].endswith(".")] == []


def test_every_body_has_an_example_and_all_examples_are_valid(document: dict[str, Any]) -> None:
    faults = Faults(document)
    for place, kind, media in bodies(document):
        schema = media["schema"]
        shown = [resolved(document, example)["value"] for example in media.get("examples", {}).values()]
        shown += [media["example"]] if "example" in media else []
        found = shown or resolved(document, schema).get("examples", [])
        assert found, f"{place} has no example"
        for example in found:
            assert faults(schema, example) == [], (place, kind, example)
    for name, schema in document["components"]["schemas"].items():
        for part in (schema, *schema.get("properties", {}).values()):
            for example in part.get("examples", []):
                assert faults(part, example) == [], (name, example)


def answered() -> Iterator[tuple[str, str]]:
    """Each operation, and what it says of a success."""
    for module in (ROOT / "api" / "routes").glob("*.py"):
        for function in ast.walk(ast.parse(module.read_text())):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            names = [
                keyword.value.value
                for route in function.decorator_list
                if isinstance(route, ast.Call)
                for keyword in route.keywords
                if keyword.arg == "operation_id" and isinstance(keyword.value, ast.Constant)
            ]
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {
                    "success",
                    "success_of_age",
                    "recorded",
                }:
                    assert isinstance(call.args[0], ast.Constant)
                    yield from ((str(name), str(call.args[0].value)) for name in names)


def test_the_examples_of_answers_have_the_messages_that_are_sent(document: dict[str, Any]) -> None:
    said: dict[str, set[str]] = {}
    for _, _, operation in operations(document):
        for answer in operation["responses"].values():
            for media in answer.get("content", {}).values():
                if message := media.get("example", {}).get("message"):
                    said.setdefault(operation["operationId"], set()).add(message)
    # streamed, so that no Struct of it is made
    sent = {name: {"statement"} for name in ("getStatement", "inspectStatement")}
    for name, message in answered():
        sent.setdefault(name, set()).add(message)
    for name, messages in said.items():
        assert messages - {"already on record", "waits for another operator"} == sent[name], name
    health = {operation["operationId"] for path, _, operation in operations(document) if "/health" in path}
    health |= {"streamEvents", "streamOwnEvents"}
    assert said.keys() | health == {operation["operationId"] for _, _, operation in operations(document)}


def test_nothing_of_an_example_is_a_placeholder(document: dict[str, Any]) -> None:
    assert [name for name, schema in document["components"]["schemas"].items() if "'text'" in str(schema)] == []


def test_what_operators_read_comes_before_what_they_do_and_erasure_last(document: dict[str, Any]) -> None:
    names: dict[str, list[str]] = {}
    for path, method, operation in operations(document):
        if path.startswith("/api/operator"):
            (tag,) = operation["tags"]
            names.setdefault(tag, []).append(operation["operationId"])
            if tag.startswith("Operators: ") and tag not in {"Operators: webhooks", "Operators: keys"}:
                assert (tag == "Operators: look") == (method == "get")
    look, act = names["Operators: look"], names["Operators: act"]
    assert look[:4] == ["search", "inspectUser", "inspectWallet", "inspectTransaction"]
    assert act[-1] == "eraseUser"


def test_the_kinds_of_the_audit_are_those_that_functions_record(document: dict[str, Any]) -> None:
    functions = {path.stem: path.read_text() for path in (ROOT / "db" / "functions").glob("**/*.sql")}
    recorded = {"read"} if "'read'" in functions["record_reads"] else set()
    for source in functions.values():
        recorded.update(re.findall(r"wallet\.record_(?:key_)?action\(\s*[\w.]+,\s*'{1,2}(\w+)'", source))
        if "wallet.execute_as_operator(v_request)" in source:
            recorded.update(re.findall(r"v_request\.type := '(\w+)'", source))
    assert set(get_args(Action)) == recorded
    assert document["components"]["schemas"]["AuditRow"]["properties"]["action"]["enum"] == list(get_args(Action))
    parameters = document["paths"]["/api/operator/audit"]["get"]["parameters"]
    (action,) = (one for one in parameters if one["name"] == "action")
    assert action["schema"]["enum"] == list(get_args(Action))


def test_a_parameter_is_never_null(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert "null" not in str(parameter["schema"]), (path, parameter["name"])


def test_each_code_has_one_schema_which_has_all_its_members(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    owners: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        code = schema["properties"].get("code", {})
        for value in code.get("enum") or [code.get("const")]:
            owners.setdefault(value, []).append(name)
    for code, example in document["components"]["examples"].items():
        (owner,) = owners[code]
        assert set(example["value"]) <= set(schemas[owner]["properties"]), code


def test_problems_and_balances_are_told_apart_by_a_member(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    unions = [media["schema"] for _, _, media in bodies(document) if "oneOf" in media["schema"]]
    assert unions
    for union in (*unions, schemas["BalanceEnvelope"]["properties"]["data"]):
        tag, mapping = union["discriminator"]["propertyName"], union["discriminator"]["mapping"]
        assert set(mapping.values()) == {member["$ref"] for member in union["oneOf"]}
        for value, reference in mapping.items():
            member = resolved(document, {"$ref": reference})["properties"][tag]
            assert value in (member.get("enum") or [member["const"]])


def test_both_balances_say_which_one_they_are(alice: User) -> None:
    assert data(alice.get("/api/wallet/balance"))["kind"] == "now"
    assert data(alice.get("/api/wallet/balance", params={"at": "2026-01-01T00:00:00Z"}))["kind"] == "at"


def test_every_request_has_an_example_and_refuses_unknown_fields(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        if "requestBody" in operation:
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = document["components"]["schemas"][reference.rpartition("/")[2]]
            assert schema["additionalProperties"] is False, path
            # exactly one of the two names a recipient
            assert set(schema["properties"]) - set(schema["examples"][0]) <= {"to_wallet_id"}, path


def test_the_examples_of_requests_are_accepted(document: dict[str, Any], alice: User) -> None:
    schemas = document["components"]["schemas"]
    assert alice.post("/api/wallet/topup", json=schemas["TransactionRequest"]["examples"][0]).status_code == 201
    assert alice.post("/api/auth/signin", json=schemas["Credentials"]["examples"][0]).status_code == 200


def test_every_code_has_an_entry_where_its_type_leads(document: dict[str, Any]) -> None:
    glossary = document["components"]["examples"]
    for code, example in glossary.items():
        assert example["value"]["type"] == f"/api/docs#{code}"
    assert {kind.code for kind in SQLSTATES.values() if kind.status != 500} <= set(glossary)
