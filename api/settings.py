"""The settings: read once, from the environment and then from `.env`, into one frozen object.

`.env.example` lists every setting with its default; a test holds that file and this table equal.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from api import urls
from api.errors import CommandError

PREFIX = "PGWALLET_"
SECRET_BYTES = 32
ON, OFF = ("1", "on", "true", "yes"), ("0", "off", "false", "no")
ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
OWNER, SERVICE = "wallet_owner", "wallet_api"
POOLERS = ("none", "transaction")
KEPT = ("audit", "looks", "key_uses", "verifications", "dead_letters")
LEVELS = ("debug", "info", "warning", "error")
SERVICE_LINK = re.compile(r"\w+_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_\w+)?=.*|\w+_PORT=\w+://.*")
"""Variables that Kubernetes sets in every container for a service named pgwallet-something: no settings."""
OTHERS = ("PGWALLET_USER_PASSWORD",)
"""Read in cli.py."""
SENT = "Authorization, Content-Type, Idempotency-Key, X-Request-Id, Traceparent, Tracestate, Baggage, On-Behalf-Of"
RATE_LIMIT = "RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, RateLimit-Reset"
SHOWN = f"X-Request-Id, Retry-After, {RATE_LIMIT}, Content-Disposition, Age"
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?|https?://\[[0-9a-f:]+\](?::\d+)?")


class SettingsError(CommandError):
    """A setting is missing or cannot be used; the text is one line that names it."""


def setting(variable: str, default: Any, parse: Callable[[str], Any], *, show: bool = True) -> Any:
    """Declare a field that is read from `variable`; `parse` raises ValueError with what would be valid."""
    return field(default=default, metadata={"variable": variable, "parse": parse}, repr=show)


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def seconds(text: str) -> float:
    """Parse a duration in seconds, from a millisecond to an hour: PostgreSQL takes 0 milliseconds as no limit."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.001 <= value <= 3600:
        raise ValueError("a number of seconds from 0.001 to 3600")
    return value


def switch(text: str) -> bool:
    """Parse on or off, in the usual spellings."""
    if text.lower() not in ON + OFF:
        raise ValueError("on or off")
    return text.lower() in ON


def traces(text: str) -> bool:
    """Parse on or off; on only where the extra is installed."""
    wanted = switch(text)
    if wanted:
        try:
            installed = find_spec("opentelemetry.exporter.otlp.proto.http") is not None
        except ModuleNotFoundError:
            installed = False
        if not installed:
            raise ValueError("off, because opentelemetry is not installed (pip install 'pgwallet[otel]')")
    return wanted


def level(text: str) -> str:
    """Parse a log level."""
    if text.lower() not in LEVELS:
        raise ValueError(f"one of {', '.join(LEVELS)}")
    return text.lower()


def pooler(text: str) -> str:
    """Parse the mode of a connection pooler."""
    if text.lower() not in POOLERS:
        raise ValueError(" or ".join(POOLERS))
    return text.lower()


def url(text: str) -> str:
    """Parse the address of a PostgreSQL server."""
    if wrong := urls.fault(text):
        raise ValueError(wrong)
    return text


def role(text: str) -> str:
    """Parse the name of a role that needs no quotes anywhere."""
    if not ROLE.fullmatch(text) or text.startswith("pg_") or text == OWNER:
        raise ValueError(f"lower-case letters, digits and _, as wallet_api is, and not {OWNER}")
    return text


def secret(text: str) -> str:
    """Parse a key: HS256 wants at least as many bytes as its hash has."""
    if len(text.encode()) < SECRET_BYTES:
        raise ValueError(f"at least {SECRET_BYTES} bytes long")
    return text


def secrets(text: str) -> tuple[str, ...]:
    """Parse signing keys, separated by commas; or one a line, and then keys may hold commas."""
    found = text.split("\n") if "\n" in text else text.split(",")
    return tuple(secret(key) for part in found if (key := part.strip()))


def password(text: str) -> str:
    """Parse a database password: printable ASCII, which every driver prepares for SCRAM in the same way."""
    if not text.isascii() or not text.isprintable():
        raise ValueError("printable ASCII")
    return text


def rate(text: str) -> int:
    """Parse a number of requests per minute; 0 for off."""
    if text.lower() in OFF[1:]:
        return 0
    try:
        return integer(1, 1_000_000)(text)
    except ValueError as error:
        raise ValueError(f"off or {error}") from None


def days(text: str) -> int:
    """Parse for how many days something is kept; 0 for ever."""
    if text.lower() == "forever":
        return 0
    try:
        return integer(1, 36_500)(text.removesuffix("d") if text.endswith("d") else "")
    except ValueError:
        raise ValueError("forever or days from 1d to 36500d") from None


def origins(text: str) -> tuple[str, ...]:
    """Parse origins of web pages, separated by commas; `*` for all."""
    found = tuple(origin.strip() for origin in text.split(","))
    if found != ("*",) and not all(ORIGIN.fullmatch(origin) for origin in found):
        raise ValueError("* or origins like https://shop.example, separated by commas")
    return found


def headers(text: str) -> tuple[str, ...]:
    """Parse names of headers, separated by commas; `*` for all."""
    found = tuple(name.strip() for name in text.split(","))
    if found != ("*",) and not all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name in found):
        raise ValueError("* or names of headers like X-Request-Id, separated by commas")
    return found


def networks(text: str) -> str:
    """Parse addresses and networks, separated by commas."""
    try:
        found = [str(ipaddress.ip_network(item.strip())) for item in text.split(",")]
    except ValueError:
        raise ValueError("addresses or networks like 10.0.0.0/8, separated by commas") from None
    return ",".join(found)


def path(text: str) -> Path:
    """Parse a path; a relative one starts at the current directory."""
    return Path(text).expanduser().absolute()


def default_workers(server: str | None = None) -> int:
    """Return how many worker processes serve when nothing is set: four at most, for this URL of the database.

    Where PostgreSQL shares the machine, it needs the other half of the processors. None is a server of our own.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = server is None or all(is_near(name) for name, _ in urls.hosts(server))
    return max(1, min(usable // 2 if shares else usable, 4))


def is_near(host: str) -> bool:
    """Whether a server is on this machine as far as its name tells: a socket, loopback, or a name without a domain.

    Containers that were started together know each other by such names.
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return "." not in host or host.startswith("/")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set. Durations are in seconds; None means "not set"."""

    port: int = setting("PORT", 8080, integer(0, 65535))
    host: str = setting("PGWALLET_HOST", "127.0.0.1", str)
    database_url: str | None = setting("DATABASE_URL", None, url, show=False)
    api_url: str | None = setting("PGWALLET_API_URL", None, url, show=False)
    api_password: str | None = setting("PGWALLET_API_PASSWORD", None, password, show=False)
    api_role: str = setting("PGWALLET_API_ROLE", SERVICE, role)
    data_dir: Path = setting("PGWALLET_DATA_DIR", Path(".pgwallet"), path)  # noqa: RUF009
    postgres_port: int | None = setting("PGWALLET_POSTGRES_PORT", None, integer(1, 65535))
    jwt_secret: str | None = setting("JWT_SECRET", None, secret, show=False)
    jwt_secret_file: Path | None = setting("JWT_SECRET_FILE", None, path)  # noqa: RUF009
    jwt_previous_secrets: tuple[str, ...] = setting("JWT_PREVIOUS_SECRETS", (), secrets, show=False)
    workers: int = setting("PGWALLET_WORKERS", default_workers(), integer(1, 64))
    pool_size: int = setting("PGWALLET_POOL_SIZE", 10, integer(1, 100))
    pooler: str = setting("PGWALLET_POOLER", "none", pooler)
    cluster: Path | None = setting("PGWALLET_CLUSTER", None, path)  # noqa: RUF009
    read_url: str | None = setting("PGWALLET_READ_URL", None, url, show=False)
    queue_size: int = setting("PGWALLET_QUEUE_SIZE", 1000, integer(1, 100_000))
    log_level: str = setting("PGWALLET_LOG_LEVEL", "info", level)
    bcrypt_cost: int = setting("PGWALLET_BCRYPT_COST", 12, integer(4, 16))
    seed_accounts: bool | None = setting("PGWALLET_SEED_ACCOUNTS", None, switch)
    acquire_timeout: float = setting("PGWALLET_ACQUIRE_TIMEOUT", 5.0, seconds)
    statement_timeout: float = setting("PGWALLET_STATEMENT_TIMEOUT", 10.0, seconds)
    lock_timeout: float = setting("PGWALLET_LOCK_TIMEOUT", 2.0, seconds)
    group_commit: bool = setting("PGWALLET_GROUP_COMMIT", True, switch)  # noqa: FBT003
    self_topup: bool = setting("PGWALLET_SELF_TOPUP", True, switch)  # noqa: FBT003
    self_refund: bool = setting("PGWALLET_SELF_REFUND", True, switch)  # noqa: FBT003
    four_eyes: int | None = setting("PGWALLET_FOUR_EYES", None, integer(0, 2**53 - 1))
    shutdown_timeout: float = setting("PGWALLET_SHUTDOWN_TIMEOUT", 10.0, seconds)
    trusted_proxies: str | None = setting("PGWALLET_TRUSTED_PROXIES", None, networks)
    rate_limit: int = setting("PGWALLET_RATE_LIMIT", 6000, rate)
    key_rate_limit: int = setting("PGWALLET_KEY_RATE_LIMIT", 6000, rate)
    checkpoint_key_file: Path | None = setting("PGWALLET_CHECKPOINT_KEY_FILE", None, path)  # noqa: RUF009
    metrics_token: str | None = setting("PGWALLET_METRICS_TOKEN", None, secret, show=False)
    request_timeout: float = setting("PGWALLET_REQUEST_TIMEOUT", 20.0, seconds)
    keepalive: float = setting("PGWALLET_KEEPALIVE", 75.0, seconds)
    download_timeout: float = setting("PGWALLET_DOWNLOAD_TIMEOUT", 60.0, seconds)
    cors_origins: tuple[str, ...] = setting("PGWALLET_CORS_ORIGINS", (), origins)
    cors_headers: tuple[str, ...] = setting("PGWALLET_CORS_HEADERS", headers(SENT), headers)
    cors_expose: tuple[str, ...] = setting("PGWALLET_CORS_EXPOSE", headers(SHOWN), headers)
    hsts: int = setting("PGWALLET_HSTS", 0, integer(0, 100_000_000))
    pages: bool = setting("PGWALLET_PAGES", True, switch)  # noqa: FBT003
    relay: bool = setting("PGWALLET_RELAY", True, switch)  # noqa: FBT003
    webhook_key: str | None = setting("PGWALLET_WEBHOOK_KEY", None, secret, show=False)
    webhook_networks: str | None = setting("PGWALLET_WEBHOOK_NETWORKS", None, networks)
    webhook_give_up: int = setting("PGWALLET_WEBHOOK_GIVE_UP", 259_200, integer(1, 31_536_000))
    keep_audit: int | None = setting("PGWALLET_KEEP_AUDIT", None, days)
    keep_looks: int | None = setting("PGWALLET_KEEP_LOOKS", None, days)
    keep_key_uses: int | None = setting("PGWALLET_KEEP_KEY_USES", None, days)
    keep_verifications: int | None = setting("PGWALLET_KEEP_VERIFICATIONS", None, days)
    keep_dead_letters: int | None = setting("PGWALLET_KEEP_DEAD_LETTERS", None, days)
    traces: bool = setting("PGWALLET_TRACES", False, traces)  # noqa: FBT003

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, dotenv: Path | None = Path(".env")) -> "Settings":
        """Read each setting from `environ` (default: the process's), else from `dotenv`.

        An empty value counts as not set: compose files pass such on. Raises SettingsError.
        """
        environ = os.environ if environ is None else environ
        _check_names("the environment", environ)
        given = {**_read(dotenv), **{name: value for name, value in environ.items() if value != ""}}
        values: dict[str, Any] = {"data_dir": path(".pgwallet")}
        for item in fields(cls):
            variable = item.metadata["variable"]
            if variable not in given:
                continue
            try:
                values[item.name] = item.metadata["parse"](given[variable])
            except ValueError as error:
                shown = f", not {given[variable]!r}" if item.repr else ""
                raise SettingsError(f"{variable} must be {error}{shown}") from None
        values.setdefault("workers", default_workers(values.get("api_url") or values.get("database_url")))
        return cls(**values)

    @property
    def embedded(self) -> bool:
        """Whether pgwallet brings its own PostgreSQL server."""
        return self.database_url is None

    @property
    def retention(self) -> dict[str, int | None]:
        """For how many days something is kept, None for ever: what is set, for the database to remember."""
        kept = {name: getattr(self, f"keep_{name}") for name in KEPT}
        return {name: value or None for name, value in kept.items() if value is not None}


def _read(dotenv: Path | None) -> dict[str, str]:
    """Return what the file sets, {} without a file."""
    if dotenv is None or not dotenv.is_file():
        return {}
    try:
        found = {name: value for name, value in dotenv_values(dotenv, interpolate=False).items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{dotenv} cannot be read: {error}") from None
    _check_names(str(dotenv), found)
    return found


def _check_names(source: str, found: Mapping[str, str]) -> None:
    """Refuse a name with our prefix that is no setting: a typing error."""
    known = [*(item.metadata["variable"] for item in fields(Settings)), *OTHERS]
    for name, value in found.items():
        if not value or name in known or not name.upper().startswith(PREFIX) or SERVICE_LINK.match(f"{name}={value}"):
            continue
        bare = {variable.removeprefix(PREFIX): variable for variable in known}
        nearest = get_close_matches(name.upper().removeprefix(PREFIX), bare, 1, 0)[0]
        raise SettingsError(f"{source}: unknown setting {name}; did you mean {bare[nearest]}?")
