"""Moves money with the generated client, as strictly typed as mypy can check it. Prints the last balance."""

import sys
from uuid import uuid4

from wallet_client import AuthenticatedClient, Client
from wallet_client.api.accounts import sign_up
from wallet_client.api.wallet import get_balance, run_batch, spend, top_up
from wallet_client.models import (
    AccountEnvelope,
    Balance,
    BalanceAt,
    BalanceEnvelope,
    BatchItemRequest,
    BatchItemRequestType,
    BatchOrder,
    BatchResultEnvelope,
    Credentials,
    InsufficientFunds,
    TransactionEnvelope,
    TransactionRequest,
)


def main(url: str) -> None:
    credentials = Credentials(username=f"python-{uuid4().hex[:12]}", password="correct horse battery")
    account = sign_up.sync(client=Client(base_url=url), body=credentials)
    assert isinstance(account, AccountEnvelope), account
    client = AuthenticatedClient(base_url=url, token=account.data.access_token)

    request = TransactionRequest(txn_id=uuid4(), amount=250)
    first, again = (top_up.sync_detailed(client=client, body=request) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert isinstance(first.parsed, TransactionEnvelope), first.parsed
    assert isinstance(again.parsed, TransactionEnvelope), again.parsed
    assert (first.parsed.data.replayed, again.parsed.data.replayed) == (False, True)
    assert first.parsed.data.id == again.parsed.data.id

    spent = spend.sync(client=client, body=TransactionRequest(txn_id=uuid4(), amount=50))
    assert isinstance(spent, TransactionEnvelope), spent
    refused = spend.sync(client=client, body=TransactionRequest(txn_id=uuid4(), amount=spent.data.available + 1))
    assert isinstance(refused, InsufficientFunds), refused
    available: int = refused.available
    assert available == spent.data.available
    assert refused.requested - available == 1

    item = BatchItemRequest(type_=BatchItemRequestType.SPEND, txn_id=uuid4(), amount=available + 1)
    batch = run_batch.sync(client=client, body=BatchOrder(requests=[item]))
    assert isinstance(batch, BatchResultEnvelope), batch
    problem = batch.data.results[0].problem
    assert isinstance(problem, InsufficientFunds), problem
    assert problem.available == available

    now = get_balance.sync(client=client)
    assert isinstance(now, BalanceEnvelope), now
    assert isinstance(now.data, Balance), now
    then = get_balance.sync(client=client, at=first.parsed.data.created_at)
    assert isinstance(then, BalanceEnvelope), then
    assert isinstance(then.data, BalanceAt), then
    assert now.data.balance - then.data.balance == 250 - 50
    sys.stdout.write(f"{now.data.balance}\n")


main(sys.argv[1])
