"""The client for asyncio. `_sync.py` is made of this file: python -m tests.api.python_client.generate."""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import anyio
import httpx
import stamina

from pgwallet_client import _core as core
from pgwallet_client._async_calls import AsyncCalls, AsyncOperatorCalls
from pgwallet_client._core import Answer, Call, Credentials, Messages, given
from pgwallet_client._errors import NoAnswerError, PgwalletError, ReceiptError, UnexpectedAnswerError
from pgwallet_client._model import Event
from pgwallet_client.errors import HoldAlreadyCaptured, HoldExpired, HoldVoided, NotSignedIn, ServiceUnavailable
from pgwallet_client.models import (
    Account,
    Balance,
    BalanceAt,
    BatchItemRequest,
    BatchItemResult,
    BatchResult,
    EventName,
    RequestedEntry,
    Session,
    SignedOut,
    Statement,
    Transaction,
)

T = TypeVar("T")

SILENCE: Final = 45.0
"""Seconds without a byte, after which a stream is dead: the service says something every 15."""
SHORTEST_PAUSE: Final = 0.1
EVENT_STREAM: Final = "text/event-stream"


class AsyncHolding:
    """A hold inside a `with` block: see `AsyncClient.holding`."""

    def __init__(self, client: AsyncClient, placed: Transaction, asset: str | None) -> None:
        self._client = client
        self._asset = asset
        self.placed: Final = placed
        """The answer to the hold. Its `txn_id` names the hold."""
        self.ended = False
        """Whether nothing is left to release."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.placed.txn_id}, amount={self.placed.amount}, ended={self.ended})"

    async def capture(
        self, amount: int | None = None, *, txn_id: UUID | None = None, reference: str | None = None
    ) -> Transaction:
        """Take this amount, or all that is left. What is left after the block is released."""
        done = await self._client.capture(
            self.placed.txn_id, amount=amount, txn_id=txn_id, reference=reference, asset=self._asset
        )
        self.ended = amount is None
        return done

    async def void(self, *, txn_id: UUID | None = None) -> Transaction:
        """Release all that is left."""
        done = await self._client.void(self.placed.txn_id, txn_id=txn_id, asset=self._asset)
        self.ended = True
        return done


class AsyncClient(AsyncCalls):
    """A client of a wallet service.

    Give a `token`, or `username` and `password`, with which it signs in when it must, or a `key` of a machine: then
    `on_behalf_of` names for whom it acts. Without any it can sign up and in.

    `timeout` is for one attempt, in seconds: for the connection, for each silence and for what an answer holds. A call
    that is safe to make again is made up to `attempts` times, within `patience` seconds. `transport` and `verify` are
    httpx's.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        timeout: float = 10.0,
        attempts: int = 5,
        patience: float = 45.0,
        largest_answer: int = 32 * 1024 * 1024,
        transport: httpx.AsyncBaseTransport | None = None,
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        if (username is None) != (password is None):
            raise ValueError("username and password go together")
        if sum(one is not None for one in (token, key, username)) > 1:
            raise ValueError("give one of token, key, and username with password")
        self.url: Final = core.checked_url(url)
        self._key = None if key is None else core.checked_secret("key", key)
        self._token = None if token is None else core.checked_secret("token", token)
        self._credentials = Credentials(username, password) if username is not None and password is not None else None
        self._subject: str | None = None
        self._signing_in = anyio.Lock()
        self._timeout = timeout
        self._attempts = attempts
        self._patience = patience
        self._largest_answer = largest_answer
        self._owned = True
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport, verify=verify, follow_redirects=False)
        self.operator: Final = AsyncOperator(self)
        """What operators do, and what they look at."""

    def __repr__(self) -> str:
        if self._key is not None:
            who = f"key {self._key[: core.SHOWN_OF_KEY]}…"
        elif self._credentials is not None:
            who = f"user {self._credentials.username}"
        else:
            who = "not signed in" if self._token is None else "token"
        subject = f", on behalf of {self._subject}" if self._subject else ""
        return f"<{type(self).__name__} {self.url}, {who}{subject}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. A client made by `on_behalf_of` has none of its own."""
        if self._owned:
            await self._http.aclose()

    def on_behalf_of(self, user: UUID | str) -> AsyncClient:
        """Return a client that acts for a user, named by id or username, over the same connections.

        Raises ValueError without a key, or for what can be no user.
        """
        if self._key is None:
            raise ValueError("only a key acts on behalf of users")
        found = AsyncClient.__new__(AsyncClient)
        found.__dict__.update(self.__dict__)
        found._owned = False
        found._subject = core.checked_subject(user)
        found.__dict__["operator"] = AsyncOperator(found)
        return found

    # accounts: what changes who this client is

    async def sign_up(self, username: str, password: str) -> Account:
        """Open an account, and act for it from now on."""
        account = await super().sign_up(username, password)
        self._token = account.access_token
        return account

    async def sign_in(self, username: str, password: str) -> Session:
        """Sign in, and act for this user from now on. A wrong password raises NotSignedIn."""
        session = await super().sign_in(username, password)
        self._token = session.access_token
        return session

    async def reset_password(self, token: str, new_password: str) -> Session:
        """Set another password by an operator's one-time token, and act for this user from now on."""
        session = await super().reset_password(token, new_password)
        self._token = session.access_token
        return session

    async def change_password(self, current_password: str, new_password: str) -> Session:
        """Set another password. It ends all tokens of the user but the one that this client has from now on."""
        session = await super().change_password(current_password, new_password)
        if self._credentials is not None:
            self._credentials = self._credentials._replace(password=new_password)
        self._token = session.access_token
        return session

    async def sign_out(self) -> SignedOut:
        """End the token of this client, which signs in no more by itself."""
        ended = await super().sign_out()
        self._token = self._credentials = None
        return ended

    async def sign_out_everywhere(self) -> SignedOut:
        """End all tokens of the user; this client signs in no more by itself."""
        ended = await super().sign_out_everywhere()
        self._token = self._credentials = None
        return ended

    # the wallet

    async def balance(self, *, asset: str | None = None) -> Balance:
        """Return the balance now."""
        call: Call[Balance] = Call("GET", "/api/wallet/balance", {200: Balance}, given({"asset": asset}), again=True)
        return await self._call(call)

    async def balance_at(self, at: datetime, *, asset: str | None = None, max_age: int | None = None) -> BalanceAt:
        """Return the balance at a moment: the sum of what was recorded before it. It does not change later."""
        query = given({"at": at, "asset": asset, "max_age": max_age})
        call: Call[BalanceAt] = Call("GET", "/api/wallet/balance", {200: BalanceAt}, query, again=True)
        return await self._call(call)

    async def batch(
        self, requests: Sequence[BatchItemRequest], *, atomic: bool = False, asset: str | None = None
    ) -> list[BatchItemResult]:
        """Make up to 1,000 requests on one wallet, in this order. An item that is refused has its `error`.

        With `atomic` all or nothing: one that is refused raises BatchRefused. To make the batch again, give the same
        items.
        """
        body = given({"requests": list(requests), "atomic": atomic, "asset": asset})
        call: Call[BatchResult] = Call("POST", "/api/wallet/batch", {200: BatchResult}, body=body, again=True)
        results = (await self._call(call)).results
        if [one.txn_id for one in results] != [one.txn_id for one in requests]:
            raise UnexpectedAnswerError("the results are not those of this batch", 200)
        return results

    @asynccontextmanager
    async def holding(
        self,
        amount: int,
        *,
        txn_id: UUID | None = None,
        expires_in: int | None = None,
        reference: str | None = None,
        asset: str | None = None,
    ) -> AsyncIterator[AsyncHolding]:
        """Hold an amount for a `with` block, which can capture it; what is left is released when the block ends."""
        placed = await self.hold(amount, txn_id=txn_id, expires_in=expires_in, reference=reference, asset=asset)
        hold = AsyncHolding(self, placed, asset)
        try:
            yield hold
        except BaseException:
            # what went wrong in the block matters more, and a hold ends by itself when it expires
            with suppress(PgwalletError):
                await self._release(hold)
            raise
        await self._release(hold)

    async def _release(self, hold: AsyncHolding) -> None:
        if not hold.ended:
            with suppress(HoldAlreadyCaptured, HoldExpired, HoldVoided):
                await hold.void()
            hold.ended = True

    async def delivered(
        self, transfer: Transaction, *, within: float = 30.0, asset: str | None = None
    ) -> Transaction | RequestedEntry:
        """Wait until a transfer is at its recipient's, or has come back (`delivery`). One that needs no way is there.

        When it is still pending after `within` seconds it is returned as it is: it arrives without another request.
        """
        found: Transaction | RequestedEntry = transfer
        end = time.monotonic() + within
        while found.delivery == "pending" and time.monotonic() < end:
            await anyio.sleep(min(0.5, within))
            found = await self.transaction(transfer.txn_id, asset=asset)
        return found

    async def statement(
        self, start: datetime, end: datetime, *, asset: str | None = None, max_age: int | None = None
    ) -> Statement:
        """Return all entries recorded from `start` until before `end`, oldest first. It is checked to add up."""
        found = await super().statement(start, end, asset=asset, max_age=max_age)
        if found.opening_balance + sum(entry.amount for entry in found.entries) != found.closing_balance:
            raise UnexpectedAnswerError("the statement does not add up", 200)
        return found

    async def statement_csv(
        self, start: datetime, end: datetime, *, asset: str | None = None, max_age: int | None = None
    ) -> AsyncGenerator[bytes]:
        """Yield the same as a table, in pieces: for statements of any length. It is not made again once it began."""
        query = given({"from": start, "to": end, "asset": asset, "max_age": max_age, "format": "csv"})
        call: Call[None] = Call("GET", "/api/wallet/statement", {}, query, again=True)
        async with self._opened(call, "text/csv", self._timeout) as response:
            try:
                async for piece in response.aiter_bytes():
                    yield piece
            except httpx.TransportError as error:
                raise core.no_answer(error) from error

    async def check_receipt(self, transaction: Transaction, *, asset: str | None = None) -> None:
        """Hold a receipt that you kept against what is on record now. Raises ReceiptError where they differ."""
        if transaction.receipt is None:
            raise ValueError(f"a {transaction.type} posts nothing and has no receipt")
        found = await self.receipt(transaction.id, transaction.receipt, asset=asset)
        if found.verdict != "ok":
            text = (
                f"transaction {transaction.id} ({transaction.txn_id}) was {found.verdict}: tell the service's operators"
            )
            raise ReceiptError(text, found.verdict)

    async def events(
        self, *, after: str | None = None, types: Sequence[EventName] = (), seconds: int | None = None
    ) -> AsyncGenerator[Event]:
        """Yield what happens in the user's wallets, as it happens: from now on, or after an event's `cursor`.

        `after` can be `beginning`. With `seconds` it ends by itself: 0 yields what has happened. A connection that is
        lost is made anew, and goes on after the last event.
        """
        query = given({"after": after, "type": types or None})
        async with aclosing(self._follow("/api/wallet/events/stream", query, seconds)) as events:
            async for event in events:
                yield event

    # how calls are made

    async def _call(self, call: Call[T]) -> T:
        """Make a call, again if need be. Raises PgwalletError, which knows the call's `txn_id`."""
        try:
            async for attempt in self._trying(call):
                with attempt:
                    return core.read(call, await self._answer(call))
        except PgwalletError as error:
            core.note(call, error)
            raise
        raise AssertionError("stamina ends with a result or an error")

    def _trying(self, call: Call[T]) -> Any:
        return stamina.retry_context(
            on=lambda error: core.wait_before_next(call, error),
            attempts=self._attempts,
            timeout=self._patience,
            wait_initial=0.1,
            wait_max=5.0,
            wait_jitter=0.5,
        )

    async def _answer(self, call: Call[T]) -> Answer:
        """Send a call once, and once more after a new sign-in where the token has ended."""
        secret = await self._secret(call)
        answer = await self._exchange(call, secret)
        if answer.status == 401 and secret is not None and self._credentials is not None and not call.public:
            answer = await self._exchange(call, await self._renewed(secret))
        return answer

    async def _secret(self, call: Call[T]) -> str | None:
        if call.public:
            return None
        if self._key is not None:
            if self._subject is None:
                raise ValueError("a key acts on behalf of a user: client.on_behalf_of(user)")
            return self._key
        if self._token is None and self._credentials is not None:
            return await self._renewed(None)
        return self._token

    async def _renewed(self, ended: str | None) -> str | None:
        """Sign in, unless somebody else did while we waited."""
        async with self._signing_in:
            if self._token == ended and self._credentials is not None:
                await self.sign_in(*self._credentials)
            return self._token

    async def _signed_in_again(self, secret: str | None, ended: NotSignedIn) -> None:
        if self._credentials is None:
            raise ended
        await self._renewed(secret)

    def _request(self, call: Call[T], secret: str | None, accept: str, silence: float, **more: str) -> httpx.Request:
        headers = core.headers(secret, self._subject, accept) | more
        body = core.encode(call.body)
        if body is not None:
            headers["Content-Type"] = core.JSON
        return self._http.build_request(
            call.method,
            self.url + call.path,
            params=core.parameters(call.query),
            content=body,
            headers=headers,
            timeout=httpx.Timeout(self._timeout, read=silence),
        )

    async def _exchange(self, call: Call[T], secret: str | None) -> Answer:
        """Send a request, and read the answer. Raises NoAnswerError, UnexpectedAnswerError."""
        patience = self._timeout + call.wait
        until = time.monotonic() + patience
        request = self._request(call, secret, core.JSON, patience)
        try:
            response = await self._http.send(request, stream=True)
            try:
                return await self._whole(response, until)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise core.no_answer(error) from error

    async def _whole(self, response: httpx.Response, until: float) -> Answer:
        core.not_packed(response)
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self._largest_answer:
                raise core.unexpected(Answer(response.status_code, response.headers, bytes(body)), "that is too large")
            if time.monotonic() > until:
                raise NoAnswerError(f"the answer was not complete after {self._timeout:g} seconds")
        return Answer(response.status_code, response.headers, bytes(body))

    @asynccontextmanager
    async def _opened(self, call: Call[T], kind: str, silence: float, **headers: str) -> AsyncIterator[httpx.Response]:
        """Open a long answer, trying again until it begins. Raises PgwalletError."""
        response: httpx.Response | None = None
        try:
            async for attempt in self._trying(call):
                with attempt:
                    response = await self._begun(call, kind, silence, headers)
        except PgwalletError as error:
            core.note(call, error)
            raise
        if response is None:
            raise AssertionError("stamina ends with a result or an error")
        try:
            core.not_packed(response)
            yield response
        finally:
            await response.aclose()

    async def _begun(self, call: Call[T], kind: str, silence: float, headers: dict[str, str]) -> httpx.Response:
        secret = await self._secret(call)
        for renewable in (secret is not None and self._credentials is not None, False):
            until = time.monotonic() + self._timeout
            request = self._request(call, secret, kind, silence, **headers)
            try:
                response = await self._http.send(request, stream=True)
                found = Answer(response.status_code, response.headers, b"")
                if found.status == 200 and found.kind == kind:
                    return response
                try:
                    found = await self._whole(response, until)
                finally:
                    await response.aclose()
            except httpx.TransportError as error:
                raise core.no_answer(error) from error
            if found.status != 401 or not renewable:
                break
            secret = await self._renewed(secret)
        if found.status >= 400:
            raise core.failure(found)
        raise core.unexpected(found, f"it is no {kind}")

    async def _follow(self, path: str, query: dict[str, object], seconds: int | None) -> AsyncGenerator[Event]:
        """Yield the events of a stream, over as many connections as it takes. Raises PgwalletError."""
        end = math.inf if seconds is None else time.monotonic() + seconds
        at: dict[str, str] = {}
        while True:
            left = {} if seconds is None else {"seconds": max(0, math.ceil(end - time.monotonic()))}
            call: Call[None] = Call("GET", path, {}, {**query, **left}, again=True)
            messages = Messages()
            whole = False
            async with self._opened(call, EVENT_STREAM, SILENCE, **at) as response:
                secret = self._token
                try:
                    async for piece in response.aiter_bytes():
                        for message in messages.feed(piece):
                            if message.id is not None:
                                at = {"Last-Event-ID": message.id}
                            if message.data:
                                yield core.event_of(message)
                    whole = True
                except (httpx.TransportError, ServiceUnavailable):
                    pass  # the next connection goes on after the last event, perhaps to another worker
                except NotSignedIn as ended:
                    await self._signed_in_again(secret, ended)
            if whole and seconds is not None:
                return
            await anyio.sleep(max(messages.retry, SHORTEST_PAUSE))


class AsyncOperator(AsyncOperatorCalls):
    """What operators do, and what they look at: `client.operator`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"{self._client!r}.operator"

    async def _call(self, call: Call[T]) -> T:
        return await self._client._call(call)

    async def events(
        self,
        *,
        after: str | None = None,
        types: Sequence[EventName] = (),
        asset: str | None = None,
        wallet_id: UUID | None = None,
        seconds: int | None = None,
    ) -> AsyncGenerator[Event]:
        """Yield what happens to all wallets and users, as `AsyncClient.events` does for the user's own."""
        query = given({"after": after, "type": types or None, "asset": asset, "wallet_id": wallet_id})
        async with aclosing(self._client._follow("/api/operator/events/stream", query, seconds)) as events:
            async for event in events:
                yield event
