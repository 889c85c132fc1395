"""What spans all databases of a cluster: lists that are merged by time, and changes that are written to each.

A database that does not answer holds up nobody: a list names it as away, and a change says where it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import UNSET
from msgspec.structs import replace

from api.database.each import ask, away_error
from api.database.functions import Database
from api.database.requests import Places
from api.database.rows import Page
from api.errors import INVALID_CURSOR, PARTLY, SQLSTATES, UNAVAILABLE, ServiceError
from api.schemas.inspection import FoundTransaction, FoundUser, FoundWallet
from api.schemas.operator import AccountBalance
from api.schemas.webhooks import WebhookPart

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from api.database.requests import AuditFilters, Before, KeyTerms, Starts
    from api.database.rows import WebhookTrial
    from api.errors import Kind
    from api.schemas.inspection import AuditRow, Found, RecordedVerification, StoredUser, VerificationRun
    from api.schemas.keys import Key
    from api.schemas.operator import Confirmation
    from api.schemas.webhooks import DeadLetter, Delivery, Webhook, WebhookRequest

T = TypeVar("T")

MOST_FOUND: Final = 50
END: Final = 1
"""Below it there is no row."""
UNKNOWN_WEBHOOK: Final = SQLSTATES["WA042"]
UNKNOWN_KEY: Final = SQLSTATES["WA048"]
INVALID: Final = SQLSTATES["WA002"]


def merged(
    pages: Mapping[int, Page[T]],
    before: Before,
    limit: int,
    at: Callable[[T], datetime],
    row_of: Callable[[T], int],
    away: Sequence[int] = (),
) -> Page[T]:
    """Merge a page of each database by time, the newest first; within a database the order stays.

    A list that goes on behind its page holds the merge up where it ends, because what follows may be next: the page is
    shorter then. One that has only got so far, and found nothing, does not.
    """
    items: list[T] = []
    taken = dict.fromkeys(pages, 0)
    while len(items) < limit:
        left = {number: page.items[taken[number]] for number, page in pages.items() if taken[number] < len(page.items)}
        if not left or any(
            page.items and number not in left and page.next is not None for number, page in pages.items()
        ):
            break
        number = max(left, key=lambda one: (at(left[one]), -one))
        items.append(left[number])
        taken[number] += 1
    places = dict(_places(before))
    for number, page in pages.items():
        places[number] = _place(page, taken[number], row_of)
    goes_on = any(places[number] != END for number in pages)
    return Page(items, Places(places) if goes_on else None, away)


def _place(page: Page[T], taken: int, row_of: Callable[[T], int]) -> int:
    if taken == len(page.items):
        return page.next if isinstance(page.next, int) else END
    # nothing that is newer than what was seen comes later
    return row_of(page.items[taken - 1]) if taken else row_of(page.items[0]) + 1


def _places(before: Before) -> Mapping[int, int]:
    """Return the places of a cursor; one of before there was a cluster is of the first database."""
    if isinstance(before, Places):
        return before.before
    return {} if before is None else {0: before}


def merged_users(pages: Mapping[int, Page[StoredUser]], limit: int, away: Sequence[int] = ()) -> Page[StoredUser]:
    """Merge by id, which orders the users of all databases by time: one id is the cursor of them all."""
    users = sorted((user for page in pages.values() for user in page.items), key=lambda user: user.id, reverse=True)
    shown = users[:limit]
    goes_on = len(users) > limit or any(page.next is not None for page in pages.values())
    return Page(shown, shown[-1].id if shown and goes_on else None, away)


def joined(parts: Mapping[int, Webhook], away: Sequence[int], lacking: Sequence[int]) -> Webhook:
    """Return a webhook as all databases have it: what is set of it is the same in each."""
    hooks = list(parts.values())
    last = max(hooks, key=lambda hook: hook.behind)
    paused = next((hook for hook in hooks if hook.status == "paused"), None)
    return replace(
        hooks[0],
        status="active" if paused is None else "paused",
        pause_reason=None if paused is None else paused.pause_reason,
        position=last.position,
        behind=sum(hook.behind for hook in hooks),
        backlog=sum(hook.backlog for hook in hooks),
        dead_letters=sum(hook.dead_letters for hook in hooks),
        oldest_at=min((hook.oldest_at for hook in hooks if hook.oldest_at), default=None),
        failures=max(hook.failures for hook in hooks),
        last_success_at=max((hook.last_success_at for hook in hooks if hook.last_success_at), default=None),
        last_failure_at=max((hook.last_failure_at for hook in hooks if hook.last_failure_at), default=None),
        previous_until=max((hook.previous_until for hook in hooks if hook.previous_until), default=None),
        created_at=min(hook.created_at for hook in hooks),
        databases=[
            WebhookPart(number, hook.status, hook.position, hook.behind, hook.backlog, hook.dead_letters, hook.failures)
            for number, hook in parts.items()
        ],
        missing=list(lacking) or UNSET,
        away=list(away) or UNSET,
    )


def joined_key(parts: Mapping[int, Key], away: Sequence[int], lacking: Sequence[int]) -> Key:
    """Return a key as all databases have it: it is revoked where it is in each."""
    keys = list(parts.values())
    revoked = [key.revoked_at for key in keys if key.revoked_at]
    return replace(
        keys[0],
        created_at=min(key.created_at for key in keys),
        revoked_at=max(revoked) if len(revoked) == len(keys) else None,
        last_used_at=max((key.last_used_at for key in keys if key.last_used_at), default=None),
        missing=list(lacking) or UNSET,
        away=list(away) or UNSET,
    )


def _place_of(found: Found, query: str) -> int:
    """Return the place of its kind, as `wallet_search` has them: what is named exactly first."""
    if isinstance(found, FoundUser):
        exact = found.username.lower() == query.lower() or str(found.user_id) == query.lower()
        return 1 if exact else 5
    if isinstance(found, FoundWallet):
        return 2
    return 3 if isinstance(found, FoundTransaction) else 4


class Merged(Database):
    """The calls that are of all databases. Each raises ServiceError as that of one database does.

    A change is written only while all databases answer. One that goes away in between is named in the refusal
    (`partly`), with what is done; the same request again does the rest.
    """

    async def users(self, limit: int, before_id: UUID | None, actor: UUID) -> Page[StoredUser]:
        """Read the newest `limit` users below `before_id`."""
        found = await ask(self.members, lambda member: member.users(limit, before_id, actor))
        return merged_users(found.found, limit, found.away)

    async def search(self, query: str, actor: UUID) -> Page[Found]:
        """Find at most 50 users, wallets, transactions and holds."""
        found = await ask(self.members, lambda member: member.search(query, actor))
        items = [item for page in found.found.values() for item in page.items]
        items.sort(key=lambda item: item.created_at, reverse=True)
        items.sort(key=lambda item: (_place_of(item, query), item.username if isinstance(item, FoundUser) else ""))
        return Page(items[:MOST_FOUND], None, found.away)

    async def audit(self, filters: AuditFilters, limit: int, before_id: Before, actor: UUID) -> Page[AuditRow]:
        """Read the newest `limit` rows, as far as `limit` or a filter lets each database get."""
        return await self._listed(
            lambda member, before: member.audit(filters, limit, before, actor), limit, before_id, _created_at, _row
        )

    async def confirmations(self, status: str | None, limit: int, before_id: Before, actor: UUID) -> Page[Confirmation]:
        """Read the newest `limit` of them."""
        return await self._listed(
            lambda member, before: member.confirmations(status, limit, before, actor),
            limit,
            before_id,
            _created_at,
            _row,
        )

    async def verifications(self, limit: int, before_id: Before, actor: UUID) -> Page[RecordedVerification]:
        """Read the newest `limit`, one for each database that was verified."""
        return await self._listed(
            lambda member, before: member.verifications(limit, before, actor),
            limit,
            before_id,
            lambda verification: verification.ended_at,
            _row,
        )

    async def verification_runs(self, limit: int, before_id: Before, actor: UUID) -> Page[VerificationRun]:
        """Read the newest `limit`, one for each database in which one was started."""
        return await self._listed(
            lambda member, before: member.verification_runs(limit, before, actor),
            limit,
            before_id,
            lambda run: run.started_at,
            _row,
        )

    async def trial_balance(self, asset: str, at: datetime | None, actor: UUID) -> Page[AccountBalance]:
        """Add up the accounts of all databases that answer. Each of them nets to zero, and so do some of them."""
        found = await ask(self.members, lambda member: member.trial_balance(asset, at, actor), patience=None)
        sums: dict[str, AccountBalance] = {}
        for page in found.found.values():
            for one in page.items:
                had = sums.get(one.account, AccountBalance(one.account, 0, 0, 0, 0))
                sums[one.account] = AccountBalance(
                    one.account,
                    had.entries + one.entries,
                    had.debit + one.debit,
                    had.credit + one.credit,
                    had.balance + one.balance,
                )
        return Page(list(sums.values()), None, found.away)

    async def create_webhook(
        self, webhook_id: UUID, request: WebhookRequest, secret: bytes, start: Starts | None, actor: UUID
    ) -> Webhook:
        """Make it in each database; where some have it already, in the others. If that fails, a new one is in none."""
        had = await self._require_all(lambda member: _has(member, webhook_id, actor))
        try:
            return await self._changed(
                lambda member: member.create_webhook(webhook_id, request, secret, start, actor), checked=True
            )
        except ServiceError:
            if not any(had.values()):
                left = await ask(self.members, lambda member: _undo(member, webhook_id, actor))
                if left.away:
                    told = f"It could not be undone in {_named(left.away)}: delete the webhook {webhook_id} there."
                    raise _partly(told, [], left.away) from None
            raise

    async def webhooks(self, actor: UUID) -> Page[Webhook]:
        """Read all, newest first."""
        found = await ask(self.members, lambda member: member.webhooks(actor))
        parts: dict[UUID, dict[int, Webhook]] = {}
        for number, page in found.found.items():
            for hook in page.items:
                parts.setdefault(hook.id, {})[number] = hook
        hooks = [joined(part, found.away, sorted(found.found.keys() - part.keys())) for part in parts.values()]
        hooks.sort(key=lambda hook: (hook.created_at, hook.id), reverse=True)
        return Page(hooks, None, found.away)

    async def webhook(self, webhook_id: UUID, actor: UUID) -> Webhook:
        """Read one."""
        found = await ask(self.members, lambda member: member.webhook(webhook_id, actor), lacking=(UNKNOWN_WEBHOOK,))
        return joined(*found)

    async def change_webhook(self, webhook_id: UUID, request: WebhookRequest, actor: UUID) -> Webhook:
        """Replace all that is set of it."""
        return await self._changed(lambda member: member.change_webhook(webhook_id, request, actor))

    async def pause_webhook(self, webhook_id: UUID, reason: str | None, actor: UUID) -> Webhook:
        """Let no database deliver."""
        return await self._changed(lambda member: member.pause_webhook(webhook_id, reason, actor))

    async def resume_webhook(self, webhook_id: UUID, actor: UUID) -> Webhook:
        """Let all databases deliver."""
        return await self._changed(lambda member: member.resume_webhook(webhook_id, actor))

    async def rotate_webhook_secret(self, webhook_id: UUID, secret: bytes, actor: UUID) -> Webhook:
        """Store the same secret in each."""
        return await self._changed(lambda member: member.rotate_webhook_secret(webhook_id, secret, actor))

    async def replay_webhook(self, webhook_id: UUID, start: Starts, actor: UUID) -> Webhook:
        """Replay each database from its place on. One that has not got there has nothing to replay."""
        return await self._changed(
            lambda member: member.replay_webhook(webhook_id, start, actor), lacking=(UNKNOWN_WEBHOOK, INVALID)
        )

    async def delete_webhook(self, webhook_id: UUID, actor: UUID) -> Webhook:
        """Delete it in each, and return it as it was where it was."""
        return await self._changed(lambda member: member.delete_webhook(webhook_id, actor))

    async def test_webhook(self, webhook_id: UUID, actor: UUID) -> WebhookTrial:
        """Return what a test delivery needs, of the first database that has the webhook."""
        found = await ask(self.members, lambda member: member.webhook(webhook_id, actor), lacking=(UNKNOWN_WEBHOOK,))
        return await self.members[min(found.found)].test_webhook(webhook_id, actor)

    async def webhook_deliveries(self, webhook_id: UUID, limit: int, before_id: Before, actor: UUID) -> Page[Delivery]:
        """Read the newest `limit`."""
        return await self._listed(
            lambda member, before: member.webhook_deliveries(webhook_id, limit, before, actor),
            limit,
            before_id,
            _created_at,
            _row,
        )

    async def webhook_dead_letters(
        self, webhook_id: UUID, limit: int, before_id: Before, actor: UUID
    ) -> Page[DeadLetter]:
        """Read the newest `limit`."""
        return await self._listed(
            lambda member, before: member.webhook_dead_letters(webhook_id, limit, before, actor),
            limit,
            before_id,
            lambda letter: letter.first_at,
            lambda letter: letter.event_id,
        )

    async def retry_dead_letters(self, webhook_id: UUID, event_ids: Sequence[int] | None, actor: UUID) -> int:
        """Count how many of these, each in its database, None for all in each."""
        if event_ids is None:
            await self._require_all(lambda member: member.ping())
            found = await ask(
                self.members,
                lambda member: member.retry_dead_letters(webhook_id, None, actor),
                patience=None,
                lacking=(UNKNOWN_WEBHOOK,),
            )
            if found.away:
                raise _partly("Repeat it for the others.", list(found.found), found.away)
            return sum(found.found.values())
        of: dict[Database, list[int]] = {}
        for event_id in event_ids:
            of.setdefault(self.of_row(event_id), []).append(event_id)
        return sum([await member.retry_dead_letters(webhook_id, ids, actor) for member, ids in of.items()])

    async def create_key(self, key_id: UUID, terms: KeyTerms, actor: UUID) -> Key:
        """Make it in each database. If that fails, it is revoked where it was made: nobody has its secret."""
        await self._require_all(lambda member: member.ping())
        try:
            return await self._in_each(
                lambda member: member.create_key(key_id, terms, actor), joined_key, lacking=(), checked=True
            )
        except ServiceError:
            left = await ask(self.members, lambda member: _undo_key(member, key_id, actor))
            if left.away:
                told = f"It could not be undone in {_named(left.away)}: revoke the key {key_id}."
                raise _partly(told, [], left.away) from None
            raise

    async def keys(self, limit: int, before_id: UUID | None, *, with_revoked: bool, actor: UUID) -> Page[Key]:
        """Read the newest `limit` below `before_id`."""
        found = await ask(
            self.members,
            lambda member: member.keys(limit, before_id, with_revoked=with_revoked, actor=actor),
            lacking=(INVALID_CURSOR,),
        )
        parts: dict[UUID, dict[int, Key]] = {}
        for number, page in found.found.items():
            for key in page.items:
                parts.setdefault(key.id, {})[number] = key
        newest = sorted(parts, key=lambda key_id: max((key.created_at, key.id) for key in parts[key_id].values()))
        shown = [
            joined_key(parts[key_id], found.away, [])
            if parts[key_id].keys() == found.found.keys()
            # a database does not have it, or has it revoked
            else await self.key(key_id, actor)
            for key_id in newest[: -limit - 1 : -1]
        ]
        goes_on = len(parts) > limit or any(page.next is not None for page in found.found.values())
        return Page(shown, shown[-1].id if shown and goes_on else None, found.away)

    async def key(self, key_id: UUID, actor: UUID) -> Key:
        """Read one."""
        return joined_key(*await ask(self.members, lambda member: member.key(key_id, actor), lacking=(UNKNOWN_KEY,)))

    async def revoke_key(self, key_id: UUID, actor: UUID) -> Key:
        """Revoke it in each. In those that answer it is revoked also while another is away."""
        return await self._in_each(
            lambda member: member.revoke_key(key_id, actor), joined_key, lacking=(UNKNOWN_KEY,), checked=True
        )

    async def note_key_use(self, key_ids: Sequence[UUID]) -> None:
        """Note it in each that answers."""
        await ask(self.members, lambda member: member.note_key_use(key_ids))

    async def _listed(
        self,
        read: Callable[[Database, int | None], Awaitable[Page[T]]],
        limit: int,
        before: Before,
        at: Callable[[T], datetime],
        row_of: Callable[[T], int],
    ) -> Page[T]:
        """Read a page of a list of each database, and merge them."""
        places = _places(before)
        members = {member: number for number, member in self.members.items()}
        found = await ask(
            self.members, lambda member: read(member, places.get(members[member])), lacking=(UNKNOWN_WEBHOOK,)
        )
        return merged(found.found, before, limit, at, row_of, found.away)

    async def _changed(
        self,
        change: Callable[[Database], Awaitable[Webhook]],
        lacking: Collection[Kind] = (UNKNOWN_WEBHOOK,),
        *,
        checked: bool = False,
    ) -> Webhook:
        """Change a webhook in each database, while all of them answer. Raises ServiceError."""
        return await self._in_each(change, joined, lacking=lacking, checked=checked)

    async def _in_each(
        self,
        change: Callable[[Database], Awaitable[T]],
        join: Callable[[Mapping[int, T], Sequence[int], Sequence[int]], T],
        *,
        lacking: Collection[Kind],
        checked: bool,
    ) -> T:
        """Change what each database has, `checked`: also while one is away. Raises ServiceError."""
        if not checked:
            await self._require_all(lambda member: member.ping())
        found = await ask(self.members, change, patience=None, lacking=lacking)
        if found.away:
            raise _partly("Repeat the request: it does the rest.", list(found.found), found.away)
        return join(*found)

    async def _require_all(self, call: Callable[[Database], Awaitable[T]]) -> dict[int, T]:
        """Call each, and raise ServiceError before anything is written unless all answer."""
        found = await ask(self.members, call)
        if found.away:
            told = f"What is in all databases is changed in all: {_named(found.away)} did not answer."
            raise away_error(ServiceError(UNAVAILABLE, f"{told} Nothing was written: try again."), found.away)
        return found.found


async def _has(member: Database, webhook_id: UUID, actor: UUID) -> bool:
    try:
        await member.webhook(webhook_id, actor)
    except ServiceError as error:
        if error.kind is not UNKNOWN_WEBHOOK:
            raise
        return False
    return True


async def _undo(member: Database, webhook_id: UUID, actor: UUID) -> None:
    try:
        await member.delete_webhook(webhook_id, actor)
    except ServiceError as error:
        if error.kind is not UNKNOWN_WEBHOOK:
            raise


async def _undo_key(member: Database, key_id: UUID, actor: UUID) -> None:
    try:
        await member.revoke_key(key_id, actor)
    except ServiceError as error:
        if error.kind is not UNKNOWN_KEY:
            raise


def _named(numbers: Sequence[int]) -> str:
    return f"database {', '.join(map(str, numbers))}"


def _partly(told: str, done: Sequence[int], away: Sequence[int]) -> ServiceError:
    detail = f"It is done in {_named(done)}, and not in {_named(away)}, which did not answer. {told}" if done else told
    return ServiceError(PARTLY, detail, members={"done": list(done), "away": list(away)})


def _created_at(item: AuditRow | Confirmation | Delivery) -> datetime:
    return item.created_at


def _row(item: AuditRow | Confirmation | Delivery | RecordedVerification | VerificationRun) -> int:
    return item.id
