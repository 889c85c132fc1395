"""An operator erases a person, over HTTP."""

from typing import Any
from uuid import uuid4

from tests.api.service import User, data, problem, wait_until
from tests.database import Database


def erase(operator: User, user_id: object, **body: object) -> Any:
    return operator.post(f"/api/operator/users/{user_id}/erase", json=body)


def test_an_erased_user_is_locked_out_and_the_money_stays(
    operator: User, alice: User, service_database: Database
) -> None:
    first = data(alice.topup(100, reference="from grandma", metadata={"note": "happy birthday"}), 201)
    answer = data(erase(operator, alice.account["id"], reason="request 17"))
    assert (answer["user_id"], answer["transactions"], answer["holds"]) == (alice.account["id"], 1, 0)

    # a worker that has verified the token hears of it within a second
    wait_until(lambda: alice.get("/api/wallet/balance").status_code == 401)
    for name in (alice.username, answer["username"]):
        credentials = {"username": name, "password": "correct horse battery"}
        problem(alice.post("/api/auth/signin", json=credentials), 401, "unauthorized")
    with service_database.connect() as administrator:
        found = administrator.execute(
            "select wallet_verify_receipt(%s, %s, %s)", [first["wallet_id"], first["txn_id"], first["receipt"]]
        )
        assert found.fetchone() == ("ok",)
        assert administrator.execute("select * from wallet_verify()").fetchall() == []


def test_what_an_erasure_refuses(operator: User, alice: User, client: Any) -> None:
    url = f"/api/operator/users/{alice.account['id']}/erase"
    problem(client.post(url, json={"reason": "x"}), 401, "unauthorized")
    problem(alice.post(url, json={"reason": "x"}), 403, "WA027")
    problem(erase(operator, alice.account["id"]), 422, "validation")
    problem(erase(operator, alice.account["id"], reason=""), 422, "validation")
    problem(erase(operator, uuid4(), reason="x"), 404, "WA029")
    data(erase(operator, alice.account["id"], reason="x"))
    problem(erase(operator, alice.account["id"], reason="x"), 409, "WA030")
