"""`pgwallet demo`: users and transactions to look at, made through the functions that everybody calls.

What is made follows from the numbers that are given: the same command again finds it made already and adds nothing, so
one that was interrupted goes on. It spends only what it has topped up before, so it fits on whatever is there.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import asyncpg
import click
from msgspec import Struct, field

from api.commands.output import JSON, progress, show_json, show_lines
from api.errors import CommandError
from api.password_hash import PASSWORD_BYTES, hash_password
from api.setup.administrator import administrator
from api.setup.deploy import NoWalletsError, connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.settings import Settings

BATCH: Final = 500
DAYS: Final = 90
PASSWORD: Final = "password123"  # noqa: S105 - that of alice, as the documents tell
HOLD_SECONDS: Final = 30 * 86400
OPEN_HOLDS: Final = 5
"""In a wallet at once; the ledger allows a hundred, and there may be other stories."""

KNOWN: Final = """
select u.username, u.id as user_id, w.id as wallet_id, u.created_at
from unnest($1::text[]) with ordinality n (name, place)
join wallet.users u on u.username = n.name
join wallet.wallets w on w.owner_id = u.id and w.asset = wallet.default_asset()
order by n.place
"""
STRANGERS: Final = """
select count(*) from wallet.users u
where u.role <> 'operator' and u.username !~ '^demo-[0-9]+-[0-9]+$'
  and u.username not in (select d.username from wallet.demo_accounts() d)
"""
REGISTER: Final = "select count(r.user_id) from unnest($1::text[]) n (name), public.wallet_register(n.name, $2) r"
EXECUTE: Final = """
select b.outcome
from public.wallet_batch(
  p_types => $1, p_wallet_ids => $2, p_actors => $3, p_txn_ids => $4, p_amounts => $5, p_references => $6,
  p_to_wallet_ids => $7, p_original_txn_ids => $8, p_finals => $9, p_expires_in => $10, p_effective_at => $11
) b
order by b.ordinal
"""
TOPUPS: Final = ("Card", "Bank transfer", "Cash desk", "Gift card")
SPENDS: Final = ("Groceries", "Coffee", "Bus ticket", "Lunch", "Books", "Cinema", "Phone bill", "Pharmacy", "Museum")
TRANSFERS: Final = ("Dinner", "Rent", "Birthday present", "Concert tickets", "Thank you!")
HOLDS: Final = ("Hotel", "Rental car", "Fuel pump", "Parcel shop")


class DemoError(CommandError):
    """Nothing more was made; the text says why."""


class Made(Struct):
    """What is there now of the demo, and how much of it this command has made.

    `refused` are the codes of what the ledger did not take: where somebody else used these wallets meanwhile.
    """

    users: int = 0
    new_users: int = 0
    transactions: int = 0
    new_transactions: int = 0
    types: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    first_user: str = ""
    password: str | None = None


class Item(NamedTuple):
    """A request of wallet_batch, in the order of its arguments."""

    type: str
    wallet_id: UUID
    actor: UUID
    txn_id: UUID
    amount: int | None
    reference: str | None = None
    to_wallet_id: UUID | None = None
    original_txn_id: UUID | None = None
    final: bool | None = None
    expires_in: int | None = None
    effective_at: datetime | None = None


class Wallet:
    """What the story has put into a wallet: what can be spent of it, what is set aside, what can be given back."""

    def __init__(self, wallet_id: UUID, owner_id: UUID) -> None:
        self.id = wallet_id
        self.owner_id = owner_id
        self.available = 0
        self.holds: list[tuple[UUID, int]] = []
        self.spends: list[tuple[UUID, int]] = []


class Story:
    """Who does what; it happens in the 90 days before `until`."""

    def __init__(self, seed: str, wallets: list[Wallet], until: datetime) -> None:
        self._random = Random(seed)  # noqa: S311 - a story, no secret
        self._wallets = wallets
        self._until = until

    def tell(self, count: int) -> Iterator[Item]:
        """Yield so many requests, in the order in which they must be made."""
        for done in range(count):
            # few people do most of it
            wallet = self._wallets[int(len(self._wallets) * self._random.random() ** 2)]
            ago = timedelta(days=DAYS) * ((count - done - self._random.random()) / count)
            item = self._item(wallet)
            yield item if item.type in ("hold", "void") else item._replace(effective_at=self._until - ago)

    def _item(self, wallet: Wallet) -> Item:
        dice, amount = self._random.random(), self._amount()
        item = Item("topup", wallet.id, wallet.owner_id, UUID(int=self._random.getrandbits(128), version=4), amount)
        if dice < 0.08 and wallet.holds:
            return self._end_of_hold(wallet, item, void=dice < 0.03)
        if dice < 0.12 and wallet.spends:
            spend, spent = self._one_of(wallet.spends)
            back = self._random.randint(1, spent)
            wallet.available += back
            return item._replace(type="refund", amount=back, reference="Returned", original_txn_id=spend)
        if dice < 0.35 or amount > wallet.available:
            wallet.available += amount * 10
            return item._replace(amount=amount * 10, reference=self._random.choice(TOPUPS))
        wallet.available -= amount
        if dice < 0.43 and len(wallet.holds) < OPEN_HOLDS:
            wallet.holds.append((item.txn_id, amount))
            return item._replace(type="hold", reference=self._random.choice(HOLDS), expires_in=HOLD_SECONDS)
        if dice < 0.6 and len(self._wallets) > 1:
            other = self._random.choice([one for one in self._random.sample(self._wallets, 2) if one is not wallet])
            other.available += amount
            return item._replace(type="transfer", reference=self._random.choice(TRANSFERS), to_wallet_id=other.id)
        wallet.spends.append((item.txn_id, amount))
        return item._replace(type="spend", reference=self._random.choice(SPENDS))

    def _end_of_hold(self, wallet: Wallet, item: Item, *, void: bool) -> Item:
        hold, held = self._one_of(wallet.holds)
        taken = 0 if void else self._random.randint(1, held)
        wallet.available += held - taken
        if void:
            return item._replace(type="void", amount=None, original_txn_id=hold)
        wallet.spends.append((item.txn_id, taken))
        return item._replace(type="capture", amount=taken, original_txn_id=hold, final=True)

    def _one_of(self, found: list[tuple[UUID, int]]) -> tuple[UUID, int]:
        return found.pop(self._random.randrange(len(found)))

    def _amount(self) -> int:
        """Many small ones and few large ones."""
        return min(1 + int(self._random.lognormvariate(3, 1)), 5000)


@click.command()
@click.option(
    "--users", type=click.IntRange(1, 100_000), default=20, show_default=True, metavar="N", help="So many users"
)
@click.option(
    "--transactions",
    type=click.IntRange(0, 10_000_000),
    default=1000,
    show_default=True,
    metavar="M",
    help="So many requests: top-ups, spends, transfers, holds, captures, voids, refunds",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 999_999_999),
    default=1,
    show_default=True,
    metavar="S",
    help="Another number makes other users; the same one goes on where it ended",
)
@click.option(
    "--yes", is_flag=True, help="Also where other people have wallets; nobody can sign in as these users then"
)
@JSON
@click.pass_obj
def demo(settings: Settings, *, users: int, transactions: int, seed: int, yes: bool, as_json: bool) -> None:
    """Make users and transactions to look at, in a database that only demo users have.

    Users are named demo-S-1, demo-S-2, …; their password is PGWALLET_USER_PASSWORD, else password123.
    """
    if settings.cluster is not None:
        raise DemoError("demo fills one database: set DATABASE_URL to it, without PGWALLET_CLUSTER")
    given = os.environ.get("PGWALLET_USER_PASSWORD")
    password = given or (None if yes else PASSWORD)
    if given and len(given.encode()) not in PASSWORD_BYTES:
        raise DemoError(f"a password has {PASSWORD_BYTES[0]} to {PASSWORD_BYTES[-1]} bytes in UTF-8")
    hashed = hash_password((password or secrets.token_urlsafe()).encode(), settings.bcrypt_cost)
    with administrator(settings, "demo") as url:
        made = asyncio.run(make(url, users, transactions, seed, hashed, yes=yes))
    made.password = password if made.new_users and not given else None
    if as_json:
        show_json(made)
        return
    told: list[tuple[str, object]] = [
        ("users", f"{made.users}, {made.new_users} of them new"),
        ("transactions", f"{made.transactions}, {made.new_transactions} of them new"),
        *made.types.items(),
        *made.refused.items(),
    ]
    if made.password:
        told.append(("sign in", f"as {made.first_user}, with the password {made.password}"))
    show_lines(told)


async def make(url: str, users: int, transactions: int, seed: int, password_hash: str, *, yes: bool) -> Made:
    """Make what is missing. Raises DemoError, NoWalletsError."""
    names = [f"demo-{seed}-{number}" for number in range(1, users + 1)]
    async with connected(url) as connection:
        try:
            strangers = await connection.fetchval(STRANGERS)
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            raise NoWalletsError from None
        if strangers and not yes:
            raise DemoError(
                f"other people ({strangers}) have wallets here, and what is recorded stays for ever: make the demo in a"
                " data dir of its own (PGWALLET_DATA_DIR), or say --yes"
            )
        known = {row["username"] for row in await connection.fetch(KNOWN, names)}
        missing = [name for name in names if name not in known]
        with progress(len(missing), "users") as advance:
            for start in range(0, len(missing), BATCH):
                advance(await connection.fetchval(REGISTER, missing[start : start + BATCH], password_hash))
        found = await connection.fetch(KNOWN, names)
        made = Made(users=users, new_users=len(missing), first_user=names[0])
        wallets = [Wallet(row["wallet_id"], row["user_id"]) for row in found]
        story = Story(f"{seed} {users} {transactions}", wallets, found[0]["created_at"]).tell(transactions)
        with progress(transactions, "transactions") as advance:
            while items := list(islice(story, BATCH)):
                rows = await connection.fetch(EXECUTE, *zip(*items, strict=True))
                for item, row in zip(items, rows, strict=True):
                    _count(made, item.type, row["outcome"])
                advance(len(items))
    return made


def _count(made: Made, kind: str, outcome: str) -> None:
    if outcome in ("ok", "replayed"):
        made.transactions += 1
        made.new_transactions += outcome == "ok"
        made.types[kind] = made.types.get(kind, 0) + 1
    else:
        made.refused[outcome] = made.refused.get(outcome, 0) + 1
