"""PostgreSQL URLs, and their forms for programs that do not understand all of libpq's parameters."""

import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

# the variables of libpq that are not simply PG and the parameter's name
IRREGULAR: Final = {
    "dbname": "PGDATABASE",
    "application_name": "PGAPPNAME",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "client_encoding": "PGCLIENTENCODING",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
}
CHOICES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "primary", "standby", "prefer-standby", "read-write", "read-only"),
}
SECRET: Final = ("password", "sslpassword", "scram_client_key", "scram_server_key")
FILES: Final = ("sslcert", "sslkey", "sslrootcert", "sslcrl")
# Parameters of libpq and of other drivers. asyncpg sends a parameter that it does not know to the server as a setting,
# and the server refuses it.
DROPPED: Final = frozenset(
    """
    channel_binding connect_timeout fallback_application_name client_encoding gssencmode gssdelegation require_auth
    requirepeer keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout hostaddr
    load_balance_hosts replication servicefile sslcompression sslcertmode sslsni sslcrldir sslkeylogfile
    min_protocol_version max_protocol_version scram_client_key scram_server_key
    pgbouncer connection_limit pool_timeout schema uselibpqcompat
    """.split()  # noqa: SIM905 - a line for each would hide the list
)
# What dbmate's driver understands of them; for_dbmate() sets the address and sslmode itself.
FOR_DBMATE: Final = ("application_name", "options", "sslcert", "sslkey", "sslrootcert", "sslpassword", "passfile")
DATABASE: Final = "pgwallet"
PORT: Final = 5432
"""Of the embedded server."""


def fault(url: str) -> str | None:
    """Return what is wrong with the URL for every driver, None if it is well formed."""
    if not url.startswith(("postgresql://", "postgres://")):
        return "a URL like postgresql://user@host/database"
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        return "a URL like postgresql://user@host/database"
    ports = [port for _, port in _hosts(parts.netloc)] + query.get("port", "").split(",")
    if not all(port == "" or (port.isdecimal() and 0 < int(port) < 65536) for port in ports):
        return "a URL with port numbers from 1 to 65535"
    for name, choices in CHOICES.items():
        if query.get(name, choices[0]) not in choices:
            return f"a URL whose {name} is one of {', '.join(choices)}"
    for name in FILES:
        file = query.get(name)
        if file and (name, file) != ("sslrootcert", "system") and not Path(file).is_file():
            return f"a URL whose {name} is a file that can be read"
    return None


def parameter(url: str, name: str) -> str | None:
    """Return the value of one parameter."""
    return dict(parse_qsl(urlsplit(url).query)).get(name)


def credentials(url: str) -> tuple[str, str]:
    """Return user and password, "" for one that is missing."""
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return unquote(user) or parameter(url, "user") or "", unquote(password) or parameter(url, "password") or ""


def database(url: str) -> str:
    """Return the name of the database."""
    return unquote(urlsplit(url).path.lstrip("/"))


def on_socket(socket: Path, user: str = "postgres", password: str = "", database: str = DATABASE) -> str:
    """Return the URL of the embedded server, whose socket is in the folder `socket`."""
    login = f"{user}:{quote(password, safe='')}" if password else user
    return f"postgresql://{login}@/{database}?host={quote(str(socket))}&port={PORT}"


def with_database(url: str, name: str) -> str:
    """Return the URL for another database of the server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def with_login(url: str, user: str, password: str) -> str:
    """Return the URL with this login."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("user", "password", "passfile")]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query)))


def hosts(url: str) -> list[tuple[str, int | None]]:
    """Return the servers that the URL names, each with its port, None for the default."""
    named = _hosts(urlsplit(url).netloc)
    if named == [("", "")]:
        names = (parameter(url, "host") or "").split(",")
        named = [(name, "") for name in names if name]
    ports = (parameter(url, "port") or "").split(",")
    ports = ports * len(named) if len(ports) == 1 else [*ports, *[""] * len(named)]
    chosen = [(name, port or other) for (name, port), other in zip(named, ports, strict=False)]
    return [(name, int(port) if port else None) for name, port in chosen]


def for_asyncpg(url: str) -> dict[str, Any]:
    """Return the arguments of asyncpg for a connection."""
    parts = urlsplit(url)
    query = {name: value for name, value in parse_qsl(parts.query) if name not in DROPPED}
    more = {}
    if query.get("sslrootcert") == "system":
        # libpq's name for the machine's certificates, which implies verify-full
        del query["sslrootcert"]
        query.pop("sslmode", None)
        more["ssl"] = ssl.create_default_context()
    return {"dsn": urlunsplit(parts._replace(query=urlencode(query))), **more}


def for_dbmate(url: str, address: str | tuple[str, int], *, encrypted: bool, settings: dict[str, str]) -> str:
    """Return the URL for dbmate: the one server at `address`, and `settings` for its session.

    Its driver knows no sslmode "prefer" and would insist on TLS by itself.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query))
    query = settings | {name: value for name, value in given.items() if name in FOR_DBMATE}
    mode = given.get("sslmode", "prefer")
    if mode in ("prefer", "allow"):
        mode = "require" if encrypted else "disable"
    if isinstance(address, str):
        folder, _, port = address.rpartition("/.s.PGSQL.")
        host, mode = "", "disable"
        query |= {"host": folder, "port": port}
    else:
        host = f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
    if query.get("sslrootcert") == "system":
        # its driver uses the machine's by default
        del query["sslrootcert"]
        mode = "verify-full"
    user, password = credentials(url)
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else f"{quote(user, safe='')}@"
    path = parts.path if parts.path.strip("/") else f"/{quote(given.get('dbname', user), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{netloc}{host}", path=path, query=urlencode({**query, "sslmode": mode})))


def keywords(url: str) -> dict[str, str]:
    """Return the URL as libpq's parameters."""
    parts = urlsplit(url)
    user, password = credentials(url)
    # urlsplit cannot split several hosts, which commas separate
    hosts = _hosts(parts.netloc)
    found = {
        "host": ",".join(name for name, _ in hosts),
        # an empty port is the default; without any, the parameter sets it
        "port": ",".join(port for _, port in hosts) if any(port for _, port in hosts) else "",
        "user": user,
        "password": password,
        "dbname": database(url),
    }
    return {name: value for name, value in (found | dict(parse_qsl(parts.query))).items() if value}


def libpq_variables(url: str) -> dict[str, str]:
    """Return the URL as libpq's environment variables, because every user can read a command line."""
    return {IRREGULAR.get(name, "PG" + name.replace("_", "").upper()): value for name, value in keywords(url).items()}


def without_password(url: str) -> str:
    """Return the URL without secrets."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in SECRET]
    netloc = f"{login.partition(':')[0]}@{host}" if login else host
    return urlunsplit(parts._replace(netloc=netloc, query=urlencode(query, safe="/,")))


def _hosts(netloc: str) -> list[tuple[str, str]]:
    """Return the hosts of a URL with their ports, "" for no port."""
    pieces = netloc.rpartition("@")[2].split(",")
    split = [piece.rpartition(":") if ":" in piece.rpartition("]")[2] else (piece, "", "") for piece in pieces]
    return [(unquote(name.strip("[]")), port) for name, _, port in split]
