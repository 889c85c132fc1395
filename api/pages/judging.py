"""What a review's page knows already: it promises nothing that the database would refuse. The database decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.errors import SQLSTATES, FieldError, ServiceError
from api.schemas.fields import MAX_AMOUNT

if TYPE_CHECKING:
    from api.schemas.inspection import InspectedTransaction, InspectedWallet


def judge_change(wallet: InspectedWallet, amount: int) -> None:
    """Judge a change of a user's wallet, as it was when it was looked at. Raises ServiceError."""
    balance, available = wallet.balance or 0, wallet.available or 0
    maximum = MAX_AMOUNT if wallet.max_balance is None else wallet.max_balance
    if wallet.status == "closed":
        _refuse("WA013", wallet, "amount")
    if amount < 0 and wallet.status == "frozen":
        _refuse("WA012", wallet, "amount")
    if amount < 0 and available + amount < 0:
        _refuse("WA003", wallet, "amount", available=available, requested=amount)
    if amount > 0 and balance + amount > maximum:
        _refuse("WA006", wallet, "amount", balance=balance, maximum=maximum, requested=amount)


def judge_refund(transaction: InspectedTransaction, amount: int) -> None:
    """Judge whether so much is left of a payment. Raises ServiceError."""
    left = transaction.refundable
    if left is None:
        _refuse("WA021", transaction, "original_txn_id", type=transaction.type)
    elif amount > left:
        _refuse("WA020", transaction, "amount", left=left, requested=amount)


def judge_status(wallet: InspectedWallet, status: str) -> None:
    """Judge whether the wallet can be closed. Raises ServiceError."""
    if status == "closed" and (wallet.balance or wallet.held):
        _refuse("WA022", wallet, "status", balance=wallet.balance, held=wallet.held)


def _refuse(code: str, about: InspectedWallet | InspectedTransaction, field: str, **members: object) -> None:
    more = {"asset": about.asset, "scale": about.scale, **members}
    raise ServiceError(SQLSTATES[code], errors=[FieldError(field, "is refused")], members=more)
