"""The version before: its database, and the calls of its service. A clone without history has them in two files.

Whoever releases a version makes them anew, before anything changes for the next one:

    .venv/bin/python -m tests.api.setup.before
"""

import contextlib
import importlib
import lzma
import pkgutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pglast
from pglast import ast
from pglast.visitors import Visitor

import api.database
from api import __version__
from api.postgres import embedded
from tests.database import Database, own_server

DUMP = Path(__file__).with_name("before.sql.xz")
CALLS = Path(__file__).with_name("before_calls.sql")
# the one text that is put together where it is used
INSPECT = "select to_jsonb(i) as found from public.wallet_inspect_{}($1, $2) i"
INSPECTED = ("hold", "transaction", "user", "wallet")


class Arguments(Visitor):
    """Which function takes which $n of a statement, and as what: by name, or by place."""

    def __init__(self, sql: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str | int, int]] = []
        self.functions: list[str] = []
        self(pglast.parse_sql(sql))

    def visit_FuncCall(self, _: object, node: ast.FuncCall) -> None:  # noqa: N802
        name = (node.funcname or ())[-1].sval
        if not name.startswith("wallet_"):
            return
        self.functions.append(name)
        for place, argument in enumerate(node.args or ()):
            value = argument
            while isinstance(value, ast.NamedArgExpr | ast.TypeCast):
                value = value.arg
            if isinstance(value, ast.ParamRef) and value.number:
                named = argument.name if isinstance(argument, ast.NamedArgExpr) else None
                self.found.append((name, named or place, value.number))


def texts(found: object) -> Iterator[str]:
    """Every text among the constants of code, or of a module's variables."""
    if isinstance(found, str):
        yield found
    elif isinstance(found, CodeType):
        yield from texts(found.co_consts)
    elif isinstance(found, dict):
        yield from texts(tuple(found.values()))
    elif isinstance(found, tuple):
        for each in found:
            yield from texts(each)


def statements() -> list[str]:
    """The statements of this version's service that call our functions."""
    found = {INSPECT.format(what) for what in INSPECTED}
    for info in pkgutil.iter_modules(api.database.__path__, "api.database."):
        module = importlib.import_module(info.name)
        code = compile(Path(str(module.__file__)).read_text(), info.name, "exec")
        for text in (*texts(code), *texts(vars(module))):
            # pieces of what is put together elsewhere call nothing, or are no SQL
            with contextlib.suppress(pglast.parser.ParseError):
                if text.startswith("select ") and "public.wallet_" in text and Arguments(text).functions:
                    found.add(text)
    return sorted(found)


def recorded() -> list[str]:
    """The statements of the version before."""
    return [line.removesuffix(";") for line in CALLS.read_text().splitlines() if not line.startswith("--")]


def restore(database: Database) -> None:
    """Make an empty database that of the version before."""
    command = [str(embedded.binaries() / "psql"), "-Xq1v", "ON_ERROR_STOP=1", f"--dbname={database.url}"]
    text = lzma.decompress(DUMP.read_bytes())
    subprocess.run(command, check=True, input=text, stdout=subprocess.DEVNULL, env=embedded.environment())


if __name__ == "__main__":
    with own_server() as (_, database):
        command = [str(embedded.binaries() / "pg_dump"), database.url]
        dump = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=embedded.environment()).stdout
    DUMP.write_bytes(lzma.compress(dump, preset=9))
    CALLS.write_text("".join([f"-- of {__version__}\n", *(f"{statement};\n" for statement in statements())]))
