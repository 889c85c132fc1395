"""Statements as JSON or CSV, written a piece at a time, so that a long one takes little memory."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import re
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from api.database.rows import StatementBound
from api.errors import TIMEOUT, ServiceError
from api.http.responses import JsonResponse, age_header, encode
from api.schemas.envelope import Envelope
from api.schemas.history import Entry, Statement

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from litestar.types import Receive, Scope, Send
    from msgspec import Raw

    from api.database.standby import Age
    from api.schemas.inspection import InspectedWallet
    from api.schemas.wallets import Balance, OwnWallet

    StatedWallet = Balance | OwnWallet | InspectedWallet
    Lines = AsyncGenerator[list[StatementBound | Entry], None]
    Cells = Callable[[StatementBound | Entry], list[object]]

CSV: Final = "text/csv"
COLUMNS: Final = (
    *("line", "created_at", "id", "txn_id", "type", "amount", "balance", "asset", "scale", "reference", "metadata"),
    *("counterparty_wallet_id", "counterparty_username", "effective_at"),
)
FORMULA: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b")
# where a cell may begin: a spreadsheet that separates by semicolons or tabs does not see our quotes
CELL: Final = re.compile(r"""(?:^|[;\t\r\n])[\s"']*+""")


async def statement_response(
    wallet: StatedWallet, lines: Lines, wanted: str | None, accept: str, patience: float, age: Age | None = None
) -> StatementResponse:
    """Answer in the `wanted` form; without, as the Accept header prefers. Raises ServiceError."""
    if wanted == "csv" if wanted is not None else prefers_csv(accept):
        kind, pieces = CSV, as_csv(lines, COLUMNS, partial(_cells, wallet))
    else:
        kind, pieces = "application/json", as_json(wallet, lines)
    response = await StatementResponse.begun(kind, pieces, patience)
    response.age = age
    return response


async def as_json(wallet: StatedWallet, lines: Lines) -> AsyncGenerator[bytes, None]:
    """Yield the statement in the envelope of every success; see `Statement`."""
    async with contextlib.aclosing(lines):
        separator = b""
        async for piece in lines:
            parts: list[bytes] = []
            for line in piece:
                if isinstance(line, Entry):
                    parts += (separator, encode(line))
                    separator = b","
                elif line.line == "opening":
                    parts.append(_before(wallet, line))
                else:
                    # these two are only known now; the members of a JSON object have no order
                    parts.append(b'],"to":%b,"closing_balance":%d}}' % (encode(line.created_at), line.balance))
            yield b"".join(parts)


def _before(wallet: StatedWallet, opening: StatementBound) -> bytes:
    head = {
        "wallet_id": wallet.wallet_id,
        "asset": wallet.asset,
        "scale": wallet.scale,
        "from": opening.created_at,
        "opening_balance": opening.balance,
    }
    return b'{"success":true,"message":"statement","data":%b,"entries":[' % encode(head)[:-1]


async def as_csv(lines: Lines, columns: Sequence[str], cells: Cells) -> AsyncGenerator[bytes, None]:
    """Yield the statement as CSV (RFC 4180): a header, then the opening line, entries, the closing line."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    async with contextlib.aclosing(lines):
        async for piece in lines:
            writer.writerows(map(cells, piece))
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()


def _cells(wallet: StatedWallet, line: StatementBound | Entry) -> list[object]:
    """Return the cells of a line, in the order of `COLUMNS`."""
    amounts = (wallet.asset, wallet.scale)
    if isinstance(line, StatementBound):
        return [line.line, _time(line.created_at), *[None] * 4, line.balance, *amounts, *[None] * 5]
    return [
        *("entry", _time(line.created_at), line.id, line.txn_id, line.type, line.amount, line.balance, *amounts),
        *(harmless(line.reference), _object(line.metadata)),
        *(line.counterparty_wallet_id, harmless(line.counterparty_username), _time(line.effective_at)),
    ]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _object(metadata: Raw) -> str | None:
    """Return the JSON for a cell: in JSON an escaped semicolon is the same, and no cell begins after it."""
    text = bytes(metadata).decode()
    return None if text == "null" else text.replace(";", "\\u003b")


def harmless(text: str | None) -> str | None:
    """Put a quote before what a spreadsheet would run, wherever it could see a cell begin."""
    if not text:
        return text

    def quoted(begin: re.Match[str]) -> str:
        return f"{begin[0]}'" if text[begin.end() : begin.end() + 1] in FORMULA else begin[0]

    return CELL.sub(quoted, text)


def prefers_csv(accept: str) -> bool:
    """Whether an Accept header wants CSV more than JSON."""
    return _quality(accept, "text", "csv") > _quality(accept, "application", "json")


def _quality(accept: str, kind: str, subtype: str) -> float:
    """What the header gives this type, by its most exact range: 0 for none."""
    found = (0, 0.0)
    for item in accept.lower().split(","):
        wanted, *parameters = (part.strip() for part in item.split(";"))
        ranges = [f"{kind}/{subtype}", f"{kind}/*", "*/*"]
        if wanted not in ranges:
            continue
        weight = next((part[2:] for part in parameters if part.startswith("q=")), "1")
        try:
            found = max(found, (len(ranges) - ranges.index(wanted), float(weight)))
        except ValueError:
            continue
    return found[1]


class StatementResponse(JsonResponse[Envelope[Statement]]):
    """Sends pieces as they come, for `patience` seconds at most, because they keep a database connection.

    It stops when the client has gone, and an error in between closes the client's connection.
    """

    def __init__(
        self, media_type: str, first: bytes, rest: AsyncGenerator[bytes, None], patience: float, name: str
    ) -> None:
        self.first = first
        self.rest = rest
        self.patience = patience
        self.kind = media_type
        self.name = name
        self.age: Age | None = None
        self.status_code = 200

    @classmethod
    async def begun(
        cls, media_type: str, pieces: AsyncGenerator[bytes, None], patience: float, name: str = "statement.csv"
    ) -> StatementResponse:
        """Make the first piece, so that a refusal comes before the response begins. Raises ServiceError.

        `name` is that of the file that CSV is saved as.
        """
        return cls(media_type, await anext(pieces), pieces, patience, name)

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Return itself."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head, pieces and end. Raises ServiceError for a client that reads too slowly."""
        headers = [(b"content-type", self.kind.encode())]
        if self.kind == CSV:
            headers = [
                (b"content-type", f"{CSV}; charset=utf-8; header=present".encode()),
                (b"content-disposition", f'attachment; filename="{self.name}"'.encode()),
            ]
        headers.append((b"vary", b"accept"))
        if self.age is not None:
            headers.append(age_header(self.age.found))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            async with contextlib.aclosing(self.rest), asyncio.timeout(self.patience):
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": self.first, "more_body": True})
                async for piece in self.rest:
                    if gone.done():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            scope["state"]["code"] = TIMEOUT.code
            raise ServiceError(TIMEOUT, "The client took too long to read the statement.") from None
        finally:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
