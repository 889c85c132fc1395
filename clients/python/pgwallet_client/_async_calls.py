"""A method for each call. python -m tests.api.python_client.generate writes this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

from pgwallet_client._async_pages import AsyncPages
from pgwallet_client._core import Call, given, part
from pgwallet_client.models import (
    Account,
    Action,
    Adjustment,
    AssetInfo,
    AssetList,
    AuditPage,
    AuditRow,
    Confirmation,
    ConfirmationPage,
    DeadLetter,
    DeadLetterPage,
    Delivery,
    DeliveryPage,
    Entry,
    EntryPage,
    Erasure,
    EventName,
    EventPage,
    Hold,
    HoldPage,
    InspectedHold,
    InspectedLine,
    InspectedPage,
    InspectedTransaction,
    InspectedUser,
    InspectedWallet,
    Key,
    KeyPage,
    KeyWithSecret,
    Me,
    PasswordResetToken,
    ReceiptCheck,
    RecordedVerification,
    RequestedEntry,
    Retried,
    SearchResult,
    Session,
    SignedOut,
    Statement,
    StatusChange,
    StoredUser,
    Transaction,
    TrialBalance,
    UserPage,
    VerificationPage,
    VerificationRun,
    VerificationRunDetails,
    VerificationRunPage,
    Wallet,
    WalletLimits,
    WalletList,
    Webhook,
    WebhookList,
    WebhookTest,
    WebhookWithSecret,
)

T = TypeVar("T")


class AsyncCalls:
    """What users do."""

    async def _call(self, call: Call[T]) -> T:
        raise NotImplementedError

    async def sign_up(self, username: str, password: str) -> Account:
        """Open an account: user, wallet in the default asset and sign-up bonus, all or nothing. Signs the user in."""
        call: Call[Account] = Call(
            "POST",
            "/api/auth/signup",
            {201: Account},
            body=given({"username": username, "password": password}),
            public=True,
        )
        return await self._call(call)

    async def sign_in(self, username: str, password: str) -> Session:
        """Get a token for an account. An unknown user and a wrong password get the same answer, in the same time.
        After some wrong ones the next try has to wait, a minute at most (WA033)."""
        call: Call[Session] = Call(
            "POST",
            "/api/auth/signin",
            {200: Session},
            body=given({"username": username, "password": password}),
            public=True,
        )
        return await self._call(call)

    async def reset_password(self, token: str, new_password: str) -> Session:
        """Set a new password with a one-time token that an operator handed over. Ends all tokens of the user."""
        call: Call[Session] = Call(
            "POST",
            "/api/auth/reset",
            {200: Session},
            body=given({"token": token, "new_password": new_password}),
            public=True,
        )
        return await self._call(call)

    async def sign_out(self) -> SignedOut:
        """End this token, in every process of the service within a second."""
        call: Call[SignedOut] = Call("POST", "/api/auth/signout", {200: SignedOut})
        return await self._call(call)

    async def sign_out_everywhere(self) -> SignedOut:
        """End all tokens of the user that were issued until now, in every process of the service within a second."""
        call: Call[SignedOut] = Call("POST", "/api/auth/signout-everywhere", {200: SignedOut})
        return await self._call(call)

    async def change_password(self, current_password: str, new_password: str) -> Session:
        """Set a new password. Ends all tokens of the user, and answers a new one."""
        call: Call[Session] = Call(
            "POST",
            "/api/auth/password",
            {200: Session},
            body=given({"current_password": current_password, "new_password": new_password}),
        )
        return await self._call(call)

    async def me(self) -> Me:
        """Show the user: name, role, last sign-in; and the wallets, with what is left of their limits."""
        call: Call[Me] = Call("GET", "/api/me", {200: Me}, again=True)
        return await self._call(call)

    async def top_up(
        self,
        amount: int,
        *,
        txn_id: UUID | None = None,
        asset: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction:
        """Credit the wallet. Safe to send again with the same `txn_id`: it happens once."""
        call: Call[Transaction] = Call(
            "POST",
            "/api/wallet/topup",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                    "asset": asset,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def spend(
        self,
        amount: int,
        *,
        txn_id: UUID | None = None,
        asset: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction:
        """Debit the wallet, never below its floor. Safe to send again with the same `txn_id`: it happens once."""
        call: Call[Transaction] = Call(
            "POST",
            "/api/wallet/spend",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                    "asset": asset,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def transfer(
        self,
        amount: int,
        *,
        txn_id: UUID | None = None,
        to_username: str | None = None,
        to_wallet_id: UUID | None = None,
        asset: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction:
        """Move money to another user's wallet of the same asset. Safe to send again with the same `txn_id`. To a
        wallet of another database of the service it may still be on its way: then `delivery` says so."""
        call: Call[Transaction] = Call(
            "POST",
            "/api/wallet/transfer",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                    "to_username": to_username,
                    "to_wallet_id": to_wallet_id,
                    "asset": asset,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def refund(
        self,
        original_txn_id: UUID,
        *,
        txn_id: UUID | None = None,
        amount: int | None = None,
        asset: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction:
        """Give a spend or capture back, in parts if need be: never more than it took."""
        call: Call[Transaction] = Call(
            "POST",
            "/api/wallet/refund",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "original_txn_id": original_txn_id,
                    "amount": amount,
                    "asset": asset,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def wallets(self) -> list[Wallet]:
        """Show the user's wallets, by asset, with their balances."""
        call: Call[WalletList] = Call("GET", "/api/wallets", {200: WalletList}, again=True)
        return (await self._call(call)).items

    async def open_wallet(self, asset: str) -> Wallet:
        """Open a wallet in an asset. One that is open already is answered as it is."""
        call: Call[Wallet] = Call("POST", "/api/wallets", {201: Wallet, 200: Wallet}, body=given({"asset": asset}))
        return await self._call(call)

    async def assets(self) -> list[AssetInfo]:
        """Show what wallets can hold, with the scale in which its amounts are counted."""
        call: Call[AssetList] = Call("GET", "/api/assets", {200: AssetList}, again=True)
        return (await self._call(call)).items

    def holds(
        self,
        *,
        status: Literal["open", "expired", "captured", "voided"] | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
        asset: str | None = None,
    ) -> AsyncPages[HoldPage, Hold]:
        """Page through the wallet's holds, newest first."""
        call: Call[HoldPage] = Call(
            "GET",
            "/api/wallet/holds",
            {200: HoldPage},
            given({"status": status, "limit": page_size, "cursor": cursor, "asset": asset}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def hold(
        self,
        amount: int,
        *,
        txn_id: UUID | None = None,
        expires_in: int | None = None,
        asset: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Transaction:
        """Set money aside: it stays in the balance, but only a capture of this hold can take it."""
        call: Call[Transaction] = Call(
            "POST",
            "/api/wallet/holds",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                    "expires_in": expires_in,
                    "reference": reference,
                    "metadata": metadata,
                    "asset": asset,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def capture(
        self,
        hold_txn_id: UUID,
        *,
        txn_id: UUID | None = None,
        amount: int | None = None,
        final: bool | None = None,
        asset: str | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction:
        """Take what a hold set aside, or a part of it."""
        call: Call[Transaction] = Call(
            "POST",
            f"/api/wallet/holds/{part(hold_txn_id)}/capture",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                    "final": final,
                    "asset": asset,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def void(self, hold_txn_id: UUID, *, txn_id: UUID | None = None, asset: str | None = None) -> Transaction:
        """Release what is left of a hold: it can never be captured afterwards."""
        call: Call[Transaction] = Call(
            "POST",
            f"/api/wallet/holds/{part(hold_txn_id)}/void",
            {201: Transaction, 200: Transaction},
            body=given({"txn_id": txn_id or uuid4(), "asset": asset}),
            again=True,
        )
        return await self._call(call)

    def transactions(
        self,
        *,
        page_size: int | None = None,
        cursor: str | None = None,
        type: Literal["bonus", "topup", "spend", "transfer", "capture", "refund", "adjustment", "returned"]
        | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        asset: str | None = None,
        max_age: int | None = None,
        reference: str | None = None,
    ) -> AsyncPages[EntryPage, Entry]:
        """Page through the wallet's ledger entries, newest first. Pages stay as they are while new entries arrive.
        With `type` or `reference` a page looks at a bounded number of entries: it can be short or empty, and goes on
        with `next_cursor`."""
        call: Call[EntryPage] = Call(
            "GET",
            "/api/wallet/transactions",
            {200: EntryPage},
            given(
                {
                    "limit": page_size,
                    "cursor": cursor,
                    "type": type,
                    "from": start,
                    "to": end,
                    "reference": reference,
                    "asset": asset,
                    "max_age": max_age,
                }
            ),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def transaction(
        self, txn_id: UUID, *, asset: str | None = None, max_age: int | None = None
    ) -> RequestedEntry:
        """Show a transaction that the user requested: a received transfer is in the sender's wallet."""
        call: Call[RequestedEntry] = Call(
            "GET",
            f"/api/wallet/transactions/{part(txn_id)}",
            {200: RequestedEntry},
            given({"asset": asset, "max_age": max_age}),
            again=True,
        )
        return await self._call(call)

    async def receipt(self, id: int, receipt: str, *, asset: str | None = None) -> ReceiptCheck:
        """Hold a receipt that you kept against what is on record now: what is altered or removed contradicts it."""
        call: Call[ReceiptCheck] = Call(
            "GET",
            "/api/wallet/receipt",
            {200: ReceiptCheck},
            given({"id": id, "receipt": receipt, "asset": asset}),
            again=True,
        )
        return await self._call(call)

    async def statement(
        self, start: datetime, end: datetime, *, asset: str | None = None, max_age: int | None = None
    ) -> Statement:
        """Stream a statement, as JSON or CSV. It adds up, and the same statement never changes later."""
        call: Call[Statement] = Call(
            "GET",
            "/api/wallet/statement",
            {200: Statement},
            given({"from": start, "to": end, "asset": asset, "max_age": max_age}),
            again=True,
        )
        return await self._call(call)


class AsyncOperatorCalls:
    """What operators do."""

    async def _call(self, call: Call[T]) -> T:
        raise NotImplementedError

    async def search(self, q: str) -> SearchResult:
        """Find users, wallets, transactions and holds. On record: who was shown, not what was searched for."""
        call: Call[SearchResult] = Call("GET", "/api/operator/search", {200: SearchResult}, given({"q": q}), again=True)
        return await self._call(call)

    async def user(self, user_id: UUID) -> InspectedUser:
        """Show a user with all wallets. On record: that the user was shown."""
        call: Call[InspectedUser] = Call(
            "GET", f"/api/operator/users/{part(user_id)}", {200: InspectedUser}, again=True
        )
        return await self._call(call)

    async def wallet(self, wallet_id: UUID) -> InspectedWallet:
        """Show a wallet: owner, balance, what is left of its limits, and who set its status. On record: the look."""
        call: Call[InspectedWallet] = Call(
            "GET", f"/api/operator/wallets/{part(wallet_id)}", {200: InspectedWallet}, again=True
        )
        return await self._call(call)

    async def transaction(self, transaction_id: int) -> InspectedTransaction:
        """Show a transaction with entries, details, receipt, refunds, hold. On record: the look, at both sides."""
        call: Call[InspectedTransaction] = Call(
            "GET", f"/api/operator/transactions/{part(transaction_id)}", {200: InspectedTransaction}, again=True
        )
        return await self._call(call)

    async def hold(self, hold_id: int) -> InspectedHold:
        """Show a hold with what happened to it. On record: the look."""
        call: Call[InspectedHold] = Call(
            "GET", f"/api/operator/holds/{part(hold_id)}", {200: InspectedHold}, again=True
        )
        return await self._call(call)

    def transactions(
        self,
        wallet_id: UUID,
        *,
        page_size: int | None = None,
        cursor: str | None = None,
        type: Literal["bonus", "topup", "spend", "transfer", "capture", "refund", "adjustment", "returned"]
        | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        reference: str | None = None,
    ) -> AsyncPages[InspectedPage, InspectedLine]:
        """Page through a user's wallet as its owner does. On record: the look, without the filters."""
        call: Call[InspectedPage] = Call(
            "GET",
            f"/api/operator/wallets/{part(wallet_id)}/transactions",
            {200: InspectedPage},
            given(
                {"limit": page_size, "cursor": cursor, "type": type, "from": start, "to": end, "reference": reference}
            ),
            again=True,
        )
        return AsyncPages(self._call, call)

    def holds(
        self,
        wallet_id: UUID,
        *,
        status: Literal["open", "expired", "captured", "voided"] | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPages[HoldPage, Hold]:
        """Page through the holds of a user's wallet as its owner does. On record: the look."""
        call: Call[HoldPage] = Call(
            "GET",
            f"/api/operator/wallets/{part(wallet_id)}/holds",
            {200: HoldPage},
            given({"status": status, "limit": page_size, "cursor": cursor}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def statement(self, wallet_id: UUID, start: datetime, end: datetime) -> Statement:
        """Stream the statement of a user's wallet as its owner gets it. On record: the look."""
        call: Call[Statement] = Call(
            "GET",
            f"/api/operator/wallets/{part(wallet_id)}/statement",
            {200: Statement},
            given({"from": start, "to": end}),
            again=True,
        )
        return await self._call(call)

    def users(self, *, page_size: int | None = None, cursor: str | None = None) -> AsyncPages[UserPage, StoredUser]:
        """Page through the users, newest first. On record: who was shown."""
        call: Call[UserPage] = Call(
            "GET", "/api/operator/users", {200: UserPage}, given({"limit": page_size, "cursor": cursor}), again=True
        )
        return AsyncPages(self._call, call)

    def audit(
        self,
        *,
        page_size: int | None = None,
        cursor: str | None = None,
        user_id: UUID | None = None,
        wallet_id: UUID | None = None,
        actor: UUID | None = None,
        action: Action | None = None,
    ) -> AsyncPages[AuditPage, AuditRow]:
        """Page through what operators did, and whom they looked at (`read`), newest first. With more than one filter,
        or for `read` alone, a page examines 1,000 rows: it can be short or empty, and goes on with `next_cursor`."""
        call: Call[AuditPage] = Call(
            "GET",
            "/api/operator/audit",
            {200: AuditPage},
            given(
                {
                    "limit": page_size,
                    "cursor": cursor,
                    "user_id": user_id,
                    "wallet_id": wallet_id,
                    "actor": actor,
                    "action": action,
                }
            ),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def trial_balance(self, *, asset: str | None = None, at: datetime | None = None) -> TrialBalance:
        """Show the system accounts and the sum of all user wallets, which net to zero. Reads the whole ledger."""
        call: Call[TrialBalance] = Call(
            "GET", "/api/operator/trial-balance", {200: TrialBalance}, given({"asset": asset, "at": at}), again=True
        )
        return await self._call(call)

    def verifications(
        self, *, page_size: int | None = None, cursor: str | None = None
    ) -> AsyncPages[VerificationPage, RecordedVerification]:
        """Page through the recorded verifications of the ledger, newest first."""
        call: Call[VerificationPage] = Call(
            "GET",
            "/api/operator/verifications",
            {200: VerificationPage},
            given({"limit": page_size, "cursor": cursor}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def start_verification(self) -> VerificationRunDetails:
        """Judge the whole ledger as it is now, beside all other work. It takes as long as the ledger is long. One
        runs at a time. It ends without a result when the service is stopped. In a cluster one is started in each
        database, and the first is shown."""
        call: Call[VerificationRunDetails] = Call("POST", "/api/operator/verifications", {202: VerificationRunDetails})
        return await self._call(call)

    def verification_runs(
        self, *, page_size: int | None = None, cursor: str | None = None
    ) -> AsyncPages[VerificationRunPage, VerificationRun]:
        """Page through the verifications that operators started, newest first, with how far each is."""
        call: Call[VerificationRunPage] = Call(
            "GET",
            "/api/operator/verifications/runs",
            {200: VerificationRunPage},
            given({"limit": page_size, "cursor": cursor}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def verification_run(self, run: int) -> VerificationRunDetails:
        """Show a verification that an operator started: how far it is, and the first 100 things that it found."""
        call: Call[VerificationRunDetails] = Call(
            "GET", f"/api/operator/verifications/runs/{part(run)}", {200: VerificationRunDetails}, again=True
        )
        return await self._call(call)

    def confirmations(
        self,
        *,
        status: Literal["waiting", "confirmed", "rejected"] | None = None,
        page_size: int | None = None,
        cursor: str | None = None,
    ) -> AsyncPages[ConfirmationPage, Confirmation]:
        """Page through the adjustments and refunds that wait for another operator's confirmation, or waited."""
        call: Call[ConfirmationPage] = Call(
            "GET",
            "/api/operator/confirmations",
            {200: ConfirmationPage},
            given({"status": status, "limit": page_size, "cursor": cursor}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def confirm(self, confirmation_id: int) -> Adjustment:
        """Let another operator's adjustment or refund take effect. If the wallet refuses it, it stays waiting."""
        call: Call[Adjustment] = Call(
            "POST", f"/api/operator/confirmations/{part(confirmation_id)}/confirm", {201: Adjustment, 200: Adjustment}
        )
        return await self._call(call)

    async def reject(self, confirmation_id: int, reason: str) -> Confirmation:
        """Reject a request that waits, one's own too: it can never be confirmed afterwards."""
        call: Call[Confirmation] = Call(
            "POST",
            f"/api/operator/confirmations/{part(confirmation_id)}/reject",
            {200: Confirmation},
            body=given({"reason": reason}),
        )
        return await self._call(call)

    async def set_status(
        self, wallet_id: UUID, status: Literal["active", "frozen", "closed"], reason: str
    ) -> StatusChange:
        """Freeze a wallet (credits only), close an empty one (nothing at all), or make it active again."""
        call: Call[StatusChange] = Call(
            "POST",
            f"/api/operator/wallets/{part(wallet_id)}/status",
            {200: StatusChange},
            body=given({"status": status, "reason": reason}),
        )
        return await self._call(call)

    async def set_limits(
        self,
        wallet_id: UUID,
        *,
        limits: Any | None = None,
        floor: int | None = None,
        max_balance: int | None = None,
        reason: str | None = None,
    ) -> WalletLimits:
        """Replace all limits of a wallet, `floor` and `max_balance`: what is left out ends (`floor` is 0 then). Look
        at the wallet first, and send all that is to stay. What moved in the last 30 days counts at once."""
        call: Call[WalletLimits] = Call(
            "PUT",
            f"/api/operator/wallets/{part(wallet_id)}/limits",
            {200: WalletLimits},
            body=given({"limits": limits, "floor": floor, "max_balance": max_balance, "reason": reason}),
            again=True,
        )
        return await self._call(call)

    async def top_up(
        self,
        wallet_id: UUID,
        amount: int,
        *,
        txn_id: UUID | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction:
        """Credit a wallet, as on a payment provider's confirmation."""
        call: Call[Transaction] = Call(
            "POST",
            f"/api/operator/wallets/{part(wallet_id)}/topup",
            {201: Transaction, 200: Transaction},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def refund(
        self,
        wallet_id: UUID,
        original_txn_id: UUID,
        *,
        txn_id: UUID | None = None,
        amount: int | None = None,
        reference: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Transaction | Confirmation:
        """Give a spend or capture back, in parts if need be: never more than it took."""
        call: Call[Transaction | Confirmation] = Call(
            "POST",
            f"/api/operator/wallets/{part(wallet_id)}/refund",
            {201: Transaction, 200: Transaction, 202: Confirmation},
            body=given(
                {
                    "reference": reference,
                    "metadata": metadata,
                    "effective_at": effective_at,
                    "txn_id": txn_id or uuid4(),
                    "original_txn_id": original_txn_id,
                    "amount": amount,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def adjust_balance(
        self,
        wallet_id: UUID,
        amount: int,
        reason: str,
        *,
        txn_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
        effective_at: datetime | None = None,
    ) -> Adjustment | Confirmation:
        """Correct a balance, up or down, by a transaction against the adjustments account."""
        call: Call[Adjustment | Confirmation] = Call(
            "POST",
            f"/api/operator/wallets/{part(wallet_id)}/adjust",
            {201: Adjustment, 200: Adjustment, 202: Confirmation},
            body=given(
                {
                    "txn_id": txn_id or uuid4(),
                    "amount": amount,
                    "reason": reason,
                    "metadata": metadata,
                    "effective_at": effective_at,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def create_password_reset(
        self, user_id: UUID, reason: str, *, expires_in: int | None = None
    ) -> PasswordResetToken:
        """Make a one-time token for a user who forgot the password; an earlier token ends. An operator's password is
        reset by an administrator alone (WA038)."""
        call: Call[PasswordResetToken] = Call(
            "POST",
            f"/api/operator/users/{part(user_id)}/password-reset",
            {201: PasswordResetToken},
            body=given({"reason": reason, "expires_in": expires_in}),
        )
        return await self._call(call)

    async def erase_user(self, user_id: UUID, reason: str) -> Erasure:
        """Erase the person: name, password, and the details of their transactions. The money stays. It cannot be
        undone."""
        call: Call[Erasure] = Call(
            "POST", f"/api/operator/users/{part(user_id)}/erase", {200: Erasure}, body=given({"reason": reason})
        )
        return await self._call(call)

    async def webhooks(self) -> WebhookList:
        """List all webhooks, newest first, with how far each is behind."""
        call: Call[WebhookList] = Call("GET", "/api/operator/webhooks", {200: WebhookList}, again=True)
        return await self._call(call)

    async def create_webhook(
        self,
        url: str,
        *,
        description: str | None = None,
        types: Sequence[EventName] | None = None,
        asset: str | None = None,
        wallet_id: UUID | None = None,
        batch_size: int | None = None,
        after: str | None = None,
    ) -> WebhookWithSecret:
        """Tell a receiver of events by HTTP: of those that happen from now on, or from `after` on. [How a receiver
        verifies and takes deliveries](https://www.standardwebhooks.com/) is a public standard."""
        call: Call[WebhookWithSecret] = Call(
            "POST",
            "/api/operator/webhooks",
            {201: WebhookWithSecret},
            body=given(
                {
                    "url": url,
                    "description": description,
                    "types": types,
                    "asset": asset,
                    "wallet_id": wallet_id,
                    "batch_size": batch_size,
                    "after": after,
                }
            ),
        )
        return await self._call(call)

    async def webhook(self, webhook_id: UUID) -> Webhook:
        """Show a webhook, without its secret."""
        call: Call[Webhook] = Call("GET", f"/api/operator/webhooks/{part(webhook_id)}", {200: Webhook}, again=True)
        return await self._call(call)

    async def change_webhook(
        self,
        webhook_id: UUID,
        url: str,
        *,
        description: str | None = None,
        types: Sequence[EventName] | None = None,
        asset: str | None = None,
        wallet_id: UUID | None = None,
        batch_size: int | None = None,
    ) -> Webhook:
        """Replace all that is set of a webhook: what is left out ends. The secret stays, and how far it is. Filters
        hold for events that it has not got to yet."""
        call: Call[Webhook] = Call(
            "PUT",
            f"/api/operator/webhooks/{part(webhook_id)}",
            {200: Webhook},
            body=given(
                {
                    "url": url,
                    "description": description,
                    "types": types,
                    "asset": asset,
                    "wallet_id": wallet_id,
                    "batch_size": batch_size,
                }
            ),
            again=True,
        )
        return await self._call(call)

    async def delete_webhook(self, webhook_id: UUID) -> Webhook:
        """Delete a webhook with its deliveries and dead letters, and show it as it was. Events are not lost."""
        call: Call[Webhook] = Call("DELETE", f"/api/operator/webhooks/{part(webhook_id)}", {200: Webhook})
        return await self._call(call)

    async def pause_webhook(self, webhook_id: UUID, *, reason: str | None = None) -> Webhook:
        """Deliver nothing until the webhook is resumed. Its events wait, and none is given up."""
        call: Call[Webhook] = Call(
            "POST", f"/api/operator/webhooks/{part(webhook_id)}/pause", {200: Webhook}, body=given({"reason": reason})
        )
        return await self._call(call)

    async def resume_webhook(self, webhook_id: UUID) -> Webhook:
        """Go on delivering where the webhook was paused, at once: by an operator, or as it only failed."""
        call: Call[Webhook] = Call("POST", f"/api/operator/webhooks/{part(webhook_id)}/resume", {200: Webhook})
        return await self._call(call)

    async def rotate_webhook_secret(self, webhook_id: UUID) -> WebhookWithSecret:
        """Sign with another secret from now on; for 24 hours with the one before, too. An earlier one ends at
        once."""
        call: Call[WebhookWithSecret] = Call(
            "POST", f"/api/operator/webhooks/{part(webhook_id)}/secret", {200: WebhookWithSecret}
        )
        return await self._call(call)

    async def test_webhook(self, webhook_id: UUID) -> WebhookTest:
        """Send an event of the type `pgwallet.webhook.test` at once, and tell what the receiver makes of it. It is
        sent once, signed like any other, to a paused webhook, too. It takes up to ten seconds."""
        call: Call[WebhookTest] = Call("POST", f"/api/operator/webhooks/{part(webhook_id)}/test", {200: WebhookTest})
        return await self._call(call)

    async def replay_webhook(self, webhook_id: UUID, after: str) -> Webhook:
        """Deliver all events after `after` again, in order; dead letters of that time, too."""
        call: Call[Webhook] = Call(
            "POST", f"/api/operator/webhooks/{part(webhook_id)}/replay", {200: Webhook}, body=given({"after": after})
        )
        return await self._call(call)

    def deliveries(
        self, webhook_id: UUID, *, page_size: int | None = None, cursor: str | None = None
    ) -> AsyncPages[DeliveryPage, Delivery]:
        """Page through the attempts to deliver; old ones are pruned."""
        call: Call[DeliveryPage] = Call(
            "GET",
            f"/api/operator/webhooks/{part(webhook_id)}/deliveries",
            {200: DeliveryPage},
            given({"limit": page_size, "cursor": cursor}),
            again=True,
        )
        return AsyncPages(self._call, call)

    def dead_letters(
        self, webhook_id: UUID, *, page_size: int | None = None, cursor: str | None = None
    ) -> AsyncPages[DeadLetterPage, DeadLetter]:
        """Page through the events that were given up after `PGWALLET_WEBHOOK_GIVE_UP` seconds."""
        call: Call[DeadLetterPage] = Call(
            "GET",
            f"/api/operator/webhooks/{part(webhook_id)}/dead-letters",
            {200: DeadLetterPage},
            given({"limit": page_size, "cursor": cursor}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def retry_dead_letter(self, webhook_id: UUID, event: int) -> Retried:
        """Deliver one event again that was given up. It comes after what happened later."""
        call: Call[Retried] = Call(
            "POST", f"/api/operator/webhooks/{part(webhook_id)}/dead-letters/{part(event)}/retry", {200: Retried}
        )
        return await self._call(call)

    async def retry_dead_letters(self, webhook_id: UUID) -> Retried:
        """Deliver all events again that were given up, in order; they come after what happened later."""
        call: Call[Retried] = Call(
            "POST", f"/api/operator/webhooks/{part(webhook_id)}/dead-letters/retry", {200: Retried}
        )
        return await self._call(call)

    def keys(
        self, *, page_size: int | None = None, cursor: str | None = None, revoked: bool | None = None
    ) -> AsyncPages[KeyPage, Key]:
        """Page through the keys, newest first."""
        call: Call[KeyPage] = Call(
            "GET",
            "/api/operator/keys",
            {200: KeyPage},
            given({"limit": page_size, "cursor": cursor, "revoked": revoked}),
            again=True,
        )
        return AsyncPages(self._call, call)

    async def create_key(
        self,
        name: str,
        scopes: Sequence[Literal["read", "spend", "topup", "transfer", "hold", "refund"]],
        *,
        subjects: Sequence[str] | None = None,
        all_users: bool | None = None,
        networks: Sequence[str] | None = None,
        expires_at: datetime | None = None,
        calls_per_minute: int | None = None,
    ) -> KeyWithSecret:
        """Let a machine act for users, within scopes, networks and a time. Whoever has the secret can. It is sent as
        `Authorization: Bearer pgw_…`, with the user's id or name in the header `On-Behalf-Of`."""
        call: Call[KeyWithSecret] = Call(
            "POST",
            "/api/operator/keys",
            {201: KeyWithSecret},
            body=given(
                {
                    "name": name,
                    "scopes": scopes,
                    "subjects": subjects,
                    "all_users": all_users,
                    "networks": networks,
                    "expires_at": expires_at,
                    "calls_per_minute": calls_per_minute,
                }
            ),
        )
        return await self._call(call)

    async def key(self, key_id: UUID) -> Key:
        """Show a key, without its secret."""
        call: Call[Key] = Call("GET", f"/api/operator/keys/{part(key_id)}", {200: Key}, again=True)
        return await self._call(call)

    async def revoke_key(self, key_id: UUID) -> Key:
        """End a key for good, in every process of the service within a second. It stays on record."""
        call: Call[Key] = Call("DELETE", f"/api/operator/keys/{part(key_id)}", {200: Key})
        return await self._call(call)

    async def event_page(
        self,
        *,
        after: str | None = None,
        limit: int | None = None,
        types: Sequence[EventName] | None = None,
        asset: str | None = None,
        wallet_id: UUID | None = None,
        wait: int | None = None,
    ) -> EventPage:
        """Page through what happened to all wallets and users: nothing is missed, and nothing comes twice. A page
        covers what was committed before the call. With `wallet_id` the look at its owner is on record."""
        call: Call[EventPage] = Call(
            "GET",
            "/api/operator/events",
            {200: EventPage},
            given(
                {"after": after, "limit": limit, "type": types, "asset": asset, "wallet_id": wallet_id, "wait": wait}
            ),
            again=True,
        )
        return await self._call(call)
