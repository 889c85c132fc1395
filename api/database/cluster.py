"""Many databases as one: each call goes to the database in which what it is about lives. See ADR-010."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from api.cluster_map import ClusterError, ClusterMap, load, number_of, number_of_row
from api.database.carrier import Carrier
from api.database.counts import Counts
from api.database.functions import Database
from api.database.merged import Merged
from api.database.rows import Page
from api.database.transfers import Transfers
from api.errors import KEY_REFUSED, NOT_FOUND, UNAVAILABLE, ServiceError
from api.schemas.history import Entry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    from api.cluster_map import Member
    from api.database.requests import BatchItem, Details
    from api.database.rows import AuthorizedKey, NewUser, SignedIn, TransferPreview, UserWithPassword
    from api.schemas.inspection import InspectedTransaction
    from api.schemas.transactions import Transaction
    from api.schemas.wallets import AssetInfo
    from api.settings import Settings

T = TypeVar("T")

READ_EVERY: Final = 1.0
"""Seconds between two looks at the map."""
DRAIN_EVERY: Final = 0.1
NEXT_AFTER: Final = 0.25
"""Seconds after which another database is asked, too, where any of them can answer."""
SILENT_SECONDS: Final = 5.0
"""How long a database that did not answer at once is asked for nothing that others can do without."""
MAX_KNOWN: Final = 20_000

log = structlog.get_logger("pgwallet.cluster")

Choose = Callable[..., Database]


def _by_id(cluster: Cluster, identifier: UUID, *_: Any, **_named: Any) -> Database:
    """Choose by the user or wallet that the first argument names."""
    return cluster.of(identifier)


def _by_row(cluster: Cluster, row_id: int, *_: Any, **_named: Any) -> Database:
    """Choose by the number of a transaction, hold or other row."""
    return cluster.of_row(row_id)


def _by_wallet(cluster: Cluster, asked: Any, *_: Any, **_named: Any) -> Database:
    """Choose by the wallet that a request has among its fields."""
    return cluster.of(asked.wallet_id)


def _by_user(cluster: Cluster, _secret: bytes, user_id: UUID, *_: Any, **_named: Any) -> Database:
    """Choose by the user, after a secret."""
    return cluster.of(user_id)


def _by_home(cluster: Cluster, *_: Any, home: int | None = None, **_named: Any) -> Database:
    """Choose by the number that came with a secret; those of before there was a cluster have none."""
    return cluster.numbered(home or 0)


def _by_name(cluster: Cluster, username: str, *_: Any, **_named: Any) -> Database:
    """Choose by a name: where it was found lately, or where a new one goes."""
    return cluster.home(username)


OWN: Final = "own"
"""Cluster has a method of its own."""
EACH: Final = "each"
"""Whoever calls it asks each of `members`: it is of one database, and there is no answer of all."""
NAMED: Final = "named"
NAMED_PIECES: Final = "named pieces"
"""By the wallet; and whose wallets entries name, another database may know."""

ROUTES: Final[dict[str, Choose | str]] = {
    **dict.fromkeys(("open", "close", "elsewhere", "of", "of_row", "numbered", "mark", "take_counts", "ping"), OWN),
    **dict.fromkeys(("waiting", "connections", "revocations", "sweep", "facts", "open_holds", "redirect"), EACH),
    # names
    **dict.fromkeys(("register", "require_username", "sign_in", "authorize_key", "user_named"), OWN),
    **dict.fromkeys(("sign_in_failed", "sign_in_succeeded"), _by_name),
    # users
    **dict.fromkeys(("rehash", "change_password", "create_password_reset", "principal"), _by_id),
    **dict.fromkeys(("sign_out", "sign_out_everywhere", "me", "open_wallet", "wallets", "find_wallet"), _by_id),
    **dict.fromkeys(("erase_user", "inspect_user", "require_room"), _by_id),
    "start_session": _by_user,
    **dict.fromkeys(("session", "end_session"), _by_home),
    **dict.fromkeys(("require_password_reset", "reset_password"), OWN),
    # wallets
    **dict.fromkeys(("balance", "balance_alone", "balance_at", "balance_history", "recorded", "find_request"), _by_id),
    **dict.fromkeys(("hold", "capture", "void", "refund", "fund", "set_status", "set_limits"), _by_id),
    **dict.fromkeys(("holds", "own_hold", "verify_entry", "inspect_wallet", "inspect_holds"), _by_id),
    **dict.fromkeys(("mutate", "mutate_alone", "give_back", "adjust", "propose"), _by_wallet),
    **dict.fromkeys(("balances", "mutate_together"), EACH),
    **dict.fromkeys(("transfer", "preview_transfer", "batch"), OWN),
    "deliveries": _by_id,
    **dict.fromkeys(("entries", "transaction", "entry", "inspect_entries"), NAMED),
    **dict.fromkeys(("statement", "inspect_statement"), NAMED_PIECES),
    **dict.fromkeys(("locate", "require_receivable", "names", "in_transit"), EACH),
    # rows
    "inspect_transaction": OWN,
    **dict.fromkeys(("inspect_hold", "confirm", "reject"), _by_row),
    **dict.fromkeys(("verification_run", "note_verification"), _by_row),
    # the same everywhere, or of all
    **dict.fromkeys(("assets", "demo_accounts"), OWN),
    # of all databases: api/database/merged.py
    **dict.fromkeys(("users", "search", "audit", "confirmations", "trial_balance"), OWN),
    **dict.fromkeys(("verifications", "verification_runs"), OWN),
    **dict.fromkeys(("create_webhook", "webhooks", "webhook", "change_webhook", "delete_webhook"), OWN),
    **dict.fromkeys(("pause_webhook", "resume_webhook", "rotate_webhook_secret", "replay_webhook"), OWN),
    **dict.fromkeys(("test_webhook", "webhook_deliveries", "webhook_dead_letters", "retry_dead_letters"), OWN),
    **dict.fromkeys(("create_key", "keys", "key", "revoke_key", "note_key_use"), OWN),
    # events, and who starts a verification: each database has its own
    **dict.fromkeys(("events", "stream_events", "user_events", "event_feed", "event_mark", "event_settled"), EACH),
    **dict.fromkeys(("newest_event", "fence_holders", "start_verification"), EACH),
}
"""How each call finds its database: a test holds that none is missing."""


class Cluster(Merged):
    """The databases of the map, each with pools, group commit and balance reads of its own.

    The map is read again each second: a new database comes, and one whose address has changed gets new pools, while
    calls that are under way end with the old ones. What one database does, or does not do, holds up no other.
    """

    def __init__(self, settings: Settings, observe: Callable[[int], None] = lambda _: None) -> None:
        if settings.cluster is None:
            raise ValueError("the map is missing")
        self._file = settings.cluster
        self._settings = replace(settings, cluster=None)
        self._observe = observe
        self._seen = _state(self._file)
        self.map = _usable(load(self._file))
        self.members = {member.number: self._database(member) for member in self.map.members}
        self._counts = Counts()
        self._carrier = Carrier(self._settings, self.members, lambda: self.map)
        self._carrying = contextlib.AsyncExitStack()
        self.transfers = Transfers(self, self._carrier)
        self._found: dict[str, int] = {}
        self._silent: dict[int, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone: set[Database] = set()
        self._watching: asyncio.Task[None] | None = None

    def _database(self, member: Member) -> Database:
        return Database(self._of_member(member), self._observe, member.number)

    def _of_member(self, member: Member) -> Settings:
        return replace(self._settings, api_url=member.api_url, read_url=member.read_url)

    async def open(self) -> None:
        """Make the pools, and begin to watch the map."""
        for member in self.members.values():
            await member.open()
        await self._carrying.enter_async_context(self._carrier.running())
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Let calls in flight finish within the shutdown timeout, then close every connection."""
        tasks = [*self._tasks, *([self._watching] if self._watching is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        closing = (member.close() for member in (*self.members.values(), *self._gone))
        await asyncio.gather(self._carrying.aclose(), *closing)

    def of(self, identifier: UUID) -> Database:
        """Return the database in which a user or wallet lives."""
        return self.numbered(number_of(identifier))

    def of_row(self, row_id: int) -> Database:
        """Return the database that drew the number of a row."""
        return self.numbered(number_of_row(row_id))

    def numbered(self, number: int) -> Database:
        """Return the database; for a number that the map does not have the first one, which knows of nothing there."""
        members = self.members
        return members.get(number) or members[min(members)]

    def mark(self, user_id: UUID) -> str:
        """Return what a secret of this user ends in, which has no id: it tells where the user lives."""
        return f".{number_of(user_id)}"

    def home(self, username: str) -> Database:
        """Return where the name was found lately; else where a new user of this name goes."""
        found = self._found.get(username.lower())
        return self.numbered(self.map.homes_of(username)[0] if found is None else found)

    def homes(self, username: str) -> list[int]:
        """Return the databases in which the name may live: where it was found lately first, then the newest home."""
        homes = self.map.homes_of(username)
        found = self._found.get(username.lower())
        return homes if found is None else list(dict.fromkeys((found, *homes)))

    def elsewhere(self, here: Database, wallet_id: UUID) -> bool:
        """Whether a wallet lives in another database of the map."""
        return self.members.get(number_of(wallet_id), here) is not here

    def take_counts(self) -> Counts:
        """What was written since the last call of this."""
        taken, self._counts = self._counts, Counts()
        for member in (*self.members.values(), *self._gone):
            taken.include(member.take_counts())
        return taken

    async def ping(self) -> None:
        """Return as soon as one database answers. Raises ServiceError when none does."""
        await self._first(lambda member: member.ping(), 0)

    async def register(self, username: str, password_hash: str) -> NewUser:
        """Open an account where new users of this name live, unless there is one where earlier ones did."""
        newest, *older = self.map.homes_of(username)
        for number in older:
            await self.numbered(number).require_username(username)
        return await self.numbered(newest).register(username, password_hash)

    async def require_username(self, username: str) -> None:
        """Check that a new user can have the name, in all databases in which it may live."""
        for number in self.map.homes_of(username):
            await self.numbered(number).require_username(username)

    async def sign_in(self, username: str, address: str) -> tuple[UserWithPassword | None, int]:
        """Look the name up where it may live. What is told about it next goes to where it was found."""
        costs = []

        async def look(number: int) -> UserWithPassword | None:
            user, highest_cost = await self.numbered(number).sign_in(username, address)
            costs.append(highest_cost)
            # operators are on all databases, and sign in at home
            return user if user is not None and number_of(user.user_id) == number else None

        user = await self.in_homes(username, look)
        if user is None:
            self._found.pop(username.lower(), None)
        else:
            self.note(username, number_of(user.user_id))
        return user, max(costs)

    async def authorize_key(
        self, secret_hash: bytes, user: UUID | str, address: str | None, caller: str
    ) -> AuthorizedKey | None:
        """Look the user up where the id or the name may live. Errors: WA047."""
        if not isinstance(user, str):
            return await self.of(user).authorize_key(secret_hash, user, address, caller)
        refusals: list[ServiceError] = []

        async def look(number: int) -> AuthorizedKey | None:
            try:
                return await self.numbered(number).authorize_key(secret_hash, user, address, caller)
            except ServiceError as error:
                # who is not there, and who is no subject, are told alike: another home may have the name
                if error.kind is not KEY_REFUSED:
                    raise
                refusals.append(error)
                return None

        found = await self.in_homes(user, look)
        if found is not None:
            self.note(user, number_of(found.user_id))
        elif refusals:
            raise refusals[0]
        return found

    async def user_named(self, username: str, actor: UUID) -> UUID | None:
        """Look the name up where it may live. Errors: WA027."""
        return await self.in_homes(username, lambda number: self.numbered(number).user_named(username, actor))

    async def in_homes(self, username: str, look: Callable[[int], Awaitable[T | None]]) -> T | None:
        """Look for what has the name where it may live; None: nothing has it there.

        One database has it, so that another one that does not answer matters only where none has it. Raises
        ServiceError.
        """
        errors: list[ServiceError] = []

        async def found(number: int) -> T:
            try:
                what = await look(number)
            except ServiceError as error:
                errors.append(error)
                raise
            if what is None:
                raise ServiceError(NOT_FOUND)
            return what

        try:
            return await self._first_of(self.homes(username), found, NEXT_AFTER)
        except ServiceError:
            if errors:
                raise errors[0] from None
            return None

    async def require_password_reset(self, token_hash: bytes, *, home: int | None = None) -> None:
        """Check a token. Errors: WA037."""
        await self._of_token(token_hash, home)

    async def reset_password(
        self, token_hash: bytes, new_hash: str, address: str, *, home: int | None = None
    ) -> SignedIn:
        """Use a token up. Errors: WA037."""
        return await (await self._of_token(token_hash, home)).reset_password(token_hash, new_hash, address)

    async def _of_token(self, token_hash: bytes, home: int | None) -> Database:
        """Return the database that knows a token: those that administrators make do not tell. Raises ServiceError."""

        async def known(member: Database) -> Database:
            await member.require_password_reset(token_hash)
            return member

        return await (self._first(known, 0) if home is None else known(self.numbered(home)))

    def note(self, username: str, number: int) -> None:
        """Remember where a name lives, if that is not where new ones go."""
        name = username.lower()
        self._found.pop(name, None)
        if self.map.homes_of(username)[0] != number:
            self._found[name] = number
            if len(self._found) > MAX_KNOWN:
                del self._found[next(iter(self._found))]

    async def transfer(
        self,
        wallet_id: UUID,
        txn_id: UUID,
        amount: int,
        to: UUID | str,
        details: Details,
        actor: UUID,
        key_id: UUID | None = None,
    ) -> Transaction:
        """Transfer, to a recipient of any database. To another one it is tried to arrive before this returns.

        Errors: those of a transfer. Where the recipient's database does not answer, nothing is written.
        """
        return await self.transfers.transfer(wallet_id, txn_id, amount, to, details, actor, key_id)

    async def preview_transfer(
        self, wallet_id: UUID, txn_id: UUID, amount: int, to: UUID | str, actor: UUID, key_id: UUID | None = None
    ) -> TransferPreview | None:
        """Preview a transfer, to a recipient of any database."""
        return await self.transfers.preview(wallet_id, txn_id, amount, to, actor, key_id)

    async def batch(
        self, items: Sequence[BatchItem], *, atomic: bool, refused: Sequence[str] = ()
    ) -> list[Transaction | ServiceError]:
        """Run a batch, with transfers to recipients of any database: it is atomic for the sender."""
        return await self.transfers.batch(items, atomic=atomic, refused=refused)

    async def answers(self, asked: Mapping[int, Callable[[Database], Awaitable[T]]], patience: float) -> dict[int, T]:
        """Ask these databases for what can be missing: those that answer in time, and did so lately."""
        now = time.monotonic()
        tasks = {
            number: asyncio.ensure_future(ask(self.members[number]))
            for number, ask in asked.items()
            if number in self.members and self._silent.get(number, 0.0) <= now
        }
        if tasks:
            await asyncio.wait(tasks.values(), timeout=patience)
        found = {}
        for number, task in tasks.items():
            if not task.done():
                task.cancel()
                self._silent[number] = now + SILENT_SECONDS
            elif task.exception() is None:
                found[number] = task.result()
            elif not isinstance(task.exception(), ServiceError):
                task.result()
        return found

    async def inspect_transaction(self, transaction_id: int, actor: UUID) -> InspectedTransaction:
        """`wallet_inspect_transaction`, with the name of a user of another database. Errors: WA027, WA028."""
        found = await self.of_row(transaction_id).inspect_transaction(transaction_id, actor)
        await self.transfers.name([found])
        return found

    async def assets(self) -> list[AssetInfo]:
        """All assets: they are the same in all databases, and the first one that answers is as good as any."""
        return await self._first(lambda member: member.assets(), NEXT_AFTER)

    async def demo_accounts(self) -> list[str]:
        """Names of those that can be offered, of databases that answer at once."""
        found = await self.answers(dict.fromkeys(self.members, Database.demo_accounts), NEXT_AFTER)
        return sorted({name for names in found.values() for name in names})

    async def _first(self, ask: Callable[[Database], Awaitable[T]], patience: float) -> T:
        """Ask one database after the other, `patience` seconds apart, until one answers. Raises ServiceError."""
        return await self._first_of(self.members, lambda number: ask(self.numbered(number)), patience)

    async def _first_of(self, numbers: Iterable[int], ask: Callable[[int], Awaitable[T]], patience: float) -> T:
        error = ServiceError(UNAVAILABLE)
        now = time.monotonic()
        # those that were silent lately last
        waiting = sorted(numbers, key=lambda number: self._silent.get(number, 0.0) > now)
        asked: dict[asyncio.Future[T], int] = {}
        try:
            while waiting or asked:
                while waiting and (not asked or not patience):
                    number = waiting.pop(0)
                    asked[asyncio.ensure_future(ask(number))] = number
                done, _ = await asyncio.wait(
                    asked, timeout=patience if waiting else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    del asked[task]
                    try:
                        return task.result()
                    except ServiceError as failed:
                        error = failed
                if waiting and not done:
                    self._silent.update(dict.fromkeys(asked.values(), time.monotonic() + SILENT_SECONDS))
                    number = waiting.pop(0)
                    asked[asyncio.ensure_future(ask(number))] = number
        finally:
            for task in asked:
                if not task.cancel() and not task.cancelled():
                    task.exception()
        raise error

    async def _watch(self) -> None:
        """Follow the map. One that cannot be used is logged once, and the one of before stays."""
        fault: str | None = None
        seen = self._seen
        while True:
            await asyncio.sleep(READ_EVERY)
            state = _state(self._file)
            if state == seen:
                continue
            try:
                found = _usable(await asyncio.to_thread(load, self._file))
                if found != self.map:
                    await self._change(found)
            except ClusterError as error:
                if str(error) != fault:
                    fault = str(error)
                    log.warning("the map cannot be used: the one of before stays", reason=fault)
            except Exception:  # the next look may succeed
                log.exception("the map was not taken over")
            else:
                fault, seen = None, state

    async def _change(self, found: ClusterMap) -> None:
        before = {member.number: member for member in self.map.members}
        for member in found.members:
            if (had := before.get(member.number)) and (had.api_url, had.read_url) == (member.api_url, member.read_url):
                continue
            database = self._database(member)
            await database.open()
            if (moved := self.members.get(member.number)) is not None:
                # calls that wait for a connection get one there
                moved.redirect(self._of_member(member))
                self._leave(moved)
            self.members[member.number] = database
        for number in before.keys() - {member.number for member in found.members}:
            self._leave(self.members.pop(number))
        self.map = found
        log.info("the map has changed", databases=sorted(self.members), generations=len(found.homes))

    def _leave(self, database: Database | None) -> None:
        """Close a database that no call will be given to any more, when those that it has are done."""
        if database is not None:
            self._gone.add(database)
            self._start(self._drain(database))

    async def _drain(self, database: Database) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.request_timeout):
                while any(database.waiting().values()):  # noqa: ASYNC110 - nothing tells when the last one is done
                    await asyncio.sleep(DRAIN_EVERY)
        await database.close()
        self._gone.discard(database)
        self._counts.include(database.take_counts())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _state(file: Path) -> object:
    """Return what tells whether a file has changed; of one that was written just now nothing does."""
    try:
        found = file.stat()
    except OSError:
        return None
    young = time.time() - found.st_mtime < 2 * READ_EVERY
    return object() if young else (found.st_ino, found.st_size, found.st_mtime_ns)


def _usable(found: ClusterMap) -> ClusterMap:
    """Return the map if the service can work by it. Raises ClusterError."""
    for member in found.members:
        for name in ("api_url", "relay_url"):
            if getattr(member, name) is None:
                raise ClusterError(f"the map of the cluster: database {member.number} needs {name}")
    return found


def _routed(name: str, choose: Choose) -> Callable[..., Any]:
    """Return the method that calls that of the database which `choose` finds."""

    def routed(self: Cluster, *arguments: Any, **named: Any) -> Any:
        return getattr(choose(self, *arguments, **named), name)(*arguments, **named)

    routed.__doc__ = getattr(Database, name).__doc__
    return routed


def _named(name: str) -> Callable[..., Any]:
    """Return the method that reads entries, and has them name users of other databases."""

    async def named(self: Cluster, wallet_id: UUID, *arguments: Any, **more: Any) -> Any:
        found = await getattr(self.of(wallet_id), name)(wallet_id, *arguments, **more)
        await self.transfers.name(found.items if isinstance(found, Page) else [found])
        return found

    named.__doc__ = getattr(Database, name).__doc__
    return named


def _named_pieces(name: str) -> Callable[..., Any]:
    """Return the same of a method that reads entries in pieces."""

    async def named(self: Cluster, wallet_id: UUID, *arguments: Any, **more: Any) -> AsyncGenerator[Any, None]:
        async with contextlib.aclosing(getattr(self.of(wallet_id), name)(wallet_id, *arguments, **more)) as pieces:
            async for piece in pieces:
                await self.transfers.name([line for line in piece if isinstance(line, Entry)])
                yield piece

    named.__doc__ = getattr(Database, name).__doc__
    return named


def _of_each(name: str) -> Callable[..., Any]:
    def refused(self: Cluster, *_: Any) -> Any:
        raise TypeError(f"{name} is of one database: ask each of {type(self).__name__}.members")

    return refused


def _install(routes: Iterable[tuple[str, Choose | str]]) -> None:
    makers = {EACH: _of_each, NAMED: _named, NAMED_PIECES: _named_pieces}
    for name, choose in routes:
        if callable(choose):
            setattr(Cluster, name, _routed(name, choose))
        elif choose != OWN:
            setattr(Cluster, name, makers[choose](name))


_install(ROUTES.items())
