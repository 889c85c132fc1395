"""The administrator's way into the databases, for commands: where a user or wallet lives, or into all of them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Final, NamedTuple, ParamSpec, Protocol, cast
from uuid import UUID

import asyncpg
import click
import msgspec

from api.cluster_map import ClusterMap, load, number_of
from api.commands.output import Cell, money
from api.errors import CommandError
from api.setup.administrator import administrators
from api.setup.deploy import NoWalletsError, UnreachableError, connected

if TYPE_CHECKING:
    from api.settings import Settings

P = ParamSpec("P")

MAX_AMOUNT: Final = 2**53 - 1
AMOUNT: Final = re.compile(r"-?[0-9]{1,19}")
UNKNOWN: Final = ("WA042", "WA048")
"""A webhook or key that one database does not have, another may."""
AMOUNTS: Final = ("requested", "available", "balance", "held", "left", "maximum", "in_transit")

USER: Final = """
select id, username
from wallet.users
where {} and wallet.number_of(id) = (select number from wallet.shard)
"""
BY_ID: Final = USER.format("id = $1")
BY_NAME: Final = USER.format("username = wallet.username($1)")
WALLET: Final = """
select w.id, w.asset, a.scale, w.status, u.username as owner
from wallet.wallets w
join wallet.assets a on a.code = w.asset
left join wallet.users u on u.id = w.owner_id
where w.id = $1
"""
AS: Final = click.option("--as", "operator", metavar="OPERATOR", help="In whose name; without: the administrator's")
ACTOR: Final = "select id from wallet.users where username = wallet.username($1)"


class Arguments(Protocol):
    """What a function is called with in a database, None for not at all; `alone`: there is no other database."""

    def __call__(self, number: int, *, alone: bool) -> tuple[object, ...] | None: ...  # noqa: D102 - the class says it


class RefusedError(CommandError):
    """A function refused; `code` is its SQLSTATE."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class User(NamedTuple):
    """A user, and the database in which they live."""

    number: int
    id: UUID
    name: str


class Wallet(NamedTuple):
    """A wallet, the database that has it, and what its amounts mean. A system wallet has no owner."""

    number: int
    id: UUID
    asset: str
    scale: int
    status: str
    owner: str | None

    def __str__(self) -> str:
        return f"{self.owner}/{self.asset}" if self.owner else str(self.id)


class WalletType(click.ParamType[UUID | tuple[str, str]]):
    """A wallet: its id, or its owner and asset, like alice/UC."""

    name = "wallet"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID | tuple[str, str]:
        """Return the id, or owner and asset."""
        with contextlib.suppress(ValueError):
            return UUID(value)
        owner, _, asset = value.partition("/")
        if not owner or not asset:
            self.fail("give the id of a wallet, or its owner and asset, like alice/UC", param, ctx)
        return owner, asset


class AmountType(click.ParamType[int]):
    """An amount in minor units."""

    name = "amount"

    def __init__(self, low: int = 1, *, none: bool = False) -> None:
        self._low = low
        self._none = none

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the amount; -1 for `none`, where that is taken."""
        if self._none and value == "none":
            return -1
        if not AMOUNT.fullmatch(str(value)) or not self._low <= int(value) <= MAX_AMOUNT:
            reach = f"at most {MAX_AMOUNT}" if self._low < 0 else f"{self._low} to {MAX_AMOUNT}"
            self.fail(f"give a whole number of minor units, {reach}: of 12.50 they are 1250", param, ctx)
        return int(value)


class Databases:
    """The databases by number. One is connected when it is first asked, until the command ends.

    `away` has those that did not answer where all were asked.
    """

    def __init__(self, settings: Settings, urls: Mapping[int, str], stack: contextlib.AsyncExitStack) -> None:
        self.settings = settings
        self.map: ClusterMap | None = None if settings.cluster is None else load(settings.cluster)
        self.away: dict[int, str] = {}
        self._urls = urls
        self._stack = stack
        self._opened: dict[int, asyncpg.Connection[asyncpg.Record]] = {}

    @property
    def numbers(self) -> list[int]:
        """All of them; one that is no cluster's is number 0."""
        return list(self._urls)

    def named(self, columns: Mapping[str, Cell]) -> Mapping[str, Cell]:
        """Return columns that begin with the database's, where there are several."""
        return columns if self.map is None else {"database": "database", **columns}

    async def at(self, number: int) -> asyncpg.Connection[asyncpg.Record]:
        """Return the connection to a database. Raises UnreachableError."""
        if number not in self._opened:
            self._opened[number] = await self._stack.enter_async_context(connected(self._urls[number]))
        return self._opened[number]

    async def fetch(self, number: int, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Return the rows of a query. Raises RefusedError, NoWalletsError."""
        return await answered((await self.at(number)).fetch(query, *arguments))

    async def rows(self, number: int, call: str, *arguments: object) -> list[dict[str, Any]]:
        """Return the rows of a public function's call, as JSON has them; in a cluster each names its database."""
        found = await self.fetch(number, f"select row_to_json(r) from public.{call} r", *arguments)  # noqa: S608 - of ours
        named = {} if self.map is None else {"database": number}
        return [{**named, **msgspec.json.decode(row[0])} for row in found]

    async def row(self, number: int, call: str, *arguments: object) -> dict[str, Any]:
        """Return the one row of a call that returns one."""
        (row,) = await self.rows(number, call, *arguments)
        return row

    async def each(self, call: Callable[[int], Awaitable[list[dict[str, Any]]]]) -> list[dict[str, Any]]:
        """Return what `call` finds in each database, all after one another; of a cluster some may be away."""
        found = []
        for number in self._urls:
            try:
                found += await call(number)
            except UnreachableError as error:
                if self.map is None:
                    raise
                self.away[number] = str(error)
        return found

    async def everywhere(
        self, function: str, arguments: tuple[object, ...] | Arguments, *, plain: bool = False, one: bool = False
    ) -> list[dict[str, Any]]:
        """Return the rows of this call, `r`, in each database; of a cluster each row begins with its number.

        All are connected first, so that nothing is done while one is away. That a database does not have the webhook or
        key is no fault while another has it: a repeated command does the rest. `one`: in the first alone. Raises
        CommandError.
        """
        numbers = self.numbers[:1] if one else self.numbers
        given = {
            number: arguments(number, alone=self.map is None) if callable(arguments) else arguments
            for number in numbers
        }
        wanted = {number: values for number, values in given.items() if values is not None}
        query = f"select {'r.*' if plain else 'row_to_json(r)'} from public.{function}"  # noqa: S608 - texts of commands
        for number in wanted:
            await self.at(number)
        found: dict[int, list[dict[str, Any]]] = {}
        lacking: CommandError | None = None
        for number, values in wanted.items():
            try:
                rows = await self.fetch(number, query, *values)
            except (CommandError, asyncpg.PostgresError, OSError) as error:
                if isinstance(error, RefusedError) and error.code in UNKNOWN:
                    lacking = error
                    continue
                if len(wanted) == 1:
                    raise
                done = f"done in database {', '.join(map(str, found))}" if found else "nothing is done"
                raise CommandError(f"database {number}: {error} ({done}: repeat it for the others)") from error
            found[number] = [dict(row) if plain else msgspec.json.decode(row[0]) for row in rows]
        if lacking is not None and not found:
            raise lacking
        if self.map is None or one:
            return [row for rows in found.values() for row in rows]
        return [{"database": number, **row} for number, rows in found.items() for row in rows]

    async def user(self, given: str) -> User:
        """Return the user of this name or id. Raises CommandError where there is none."""
        query, places = BY_NAME, self.numbers
        value: object = given
        try:
            value = UUID(given)
        except ValueError:
            if self.map is not None:
                # an erased user's name was given by the erasure, and has no home
                places = list(dict.fromkeys([*self.map.homes_of(given), *places]))
        else:
            query, places = BY_ID, [self._number(value)]
        for number in places:
            for row in await self.fetch(number, query, value):
                return User(number, row["id"], row["username"])
        raise CommandError(f"there is no user {given}")

    async def wallet(self, given: UUID | tuple[str, str]) -> Wallet:
        """Return the wallet of this id, or of this owner and asset. Raises CommandError where there is none."""
        if isinstance(given, UUID):
            number, wallet_id = self._number(given), given
        else:
            owner = await self.user(given[0])
            number, asset = owner.number, given[1].upper()
            try:
                ((wallet_id,),) = await self.fetch(number, "select public.wallet_find($1, $2)", owner.id, asset)
            except RefusedError as error:
                if error.code != "WA001":
                    raise
                raise CommandError(f"{owner.name} has no wallet in {asset}") from None
        for row in await self.fetch(number, WALLET, wallet_id):
            return Wallet(number, row["id"], row["asset"], row["scale"], row["status"], row["owner"])
        raise CommandError(f"there is no wallet {wallet_id}")

    async def actor(self, number: int, username: str | None) -> UUID | None:
        """Return the id of an operator, who has a copy in every database; None for the administrator.

        Whether it is one is asked by the function that is called in this name.
        """
        if username is None:
            return None
        for row in await self.fetch(number, ACTOR, username):
            return cast("UUID", row["id"])
        where = "" if self.map is None else f" in database {number}: run `pgwallet cluster migrate`"
        raise CommandError(f"there is no operator {username}{where}")

    def _number(self, identifier: UUID) -> int:
        """Return the database of a user or wallet. Raises CommandError where the map has none of its number."""
        if self.map is None:
            return self.numbers[0]
        if (number := number_of(identifier)) not in self._urls:
            raise CommandError(f"{identifier} is of database {number}, which is not in the map of the cluster")
        return number


def on_databases(job: Callable[Concatenate[Databases, P], Awaitable[None]]) -> Callable[P, None]:
    """Make a command of a coroutine that works with the databases; what did not answer ends it with exit code 3."""

    @click.pass_obj
    def command(settings: Settings, /, *args: P.args, **kwargs: P.kwargs) -> None:
        with administrators(settings, _command()) as urls:
            asyncio.run(work(settings, urls, *args, **kwargs))

    async def work(settings: Settings, urls: Mapping[int, str], *args: P.args, **kwargs: P.kwargs) -> None:
        async with contextlib.AsyncExitStack() as stack:
            databases = Databases(settings, urls, stack)
            await job(databases, *args, **kwargs)
        for number, error in databases.away.items():
            raise UnreachableError(f"without what database {number} has: {error}")

    return cast("Callable[P, None]", functools.update_wrapper(command, job))


async def answered(call: Awaitable[list[asyncpg.Record]]) -> list[asyncpg.Record]:
    """Await a call. Raises RefusedError where a function refuses, NoWalletsError where there is none."""
    try:
        return await call
    except (asyncpg.UndefinedFunctionError, asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        raise NoWalletsError from None
    except asyncpg.PostgresError as error:
        if not (error.sqlstate or "").startswith("WA"):
            raise
        raise refusal(error) from None


def refusal(error: asyncpg.PostgresError) -> RefusedError:
    """Return what a function refused: the field at fault and why, or the message, its amounts and the hint."""
    detail = msgspec.json.decode(error.detail or "{}", type=dict[str, Any])
    if "reason" in detail:
        said = f"{detail['field']} {detail['reason']}"
    else:
        scale, asset = detail.get("scale"), detail.get("asset")
        told = [f"{name} {money(detail[name], asset, scale)}" for name in AMOUNTS if name in detail and asset]
        values = f" ({', '.join(told)})" if told else ""
        said = f"{error.args[0]}{values}: {error.hint}"
    return RefusedError(said, error.sqlstate or "")


def call(
    settings: Settings, function: str, *arguments: object, plain: bool = False, one: bool = False
) -> list[dict[str, Any]]:
    """Return the rows of this call in every database, as `Databases.everywhere`.

    In place of arguments there can be a function that returns those of a database.
    """
    given = cast("Arguments", arguments[0]) if len(arguments) == 1 and callable(arguments[0]) else arguments

    async def work() -> list[dict[str, Any]]:
        async with contextlib.AsyncExitStack() as stack:
            return await Databases(settings, urls, stack).everywhere(function, given, plain=plain, one=one)

    with administrators(settings, _command()) as urls:
        return asyncio.run(work())


def _command() -> str:
    """Return what runs, without the program's name: `user list`."""
    return click.get_current_context().command_path.partition(" ")[2]
