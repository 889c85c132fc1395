"""What the service needs to know beyond the settings: its own login, and the key that signs its tokens."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from api.embedded import url
from api.keyfile import previous, read_or_create
from api.settings import SECRET_BYTES, Settings, SettingsError

SERVICE = "wallet_api"


def signing_keys(settings: Settings) -> list[str]:
    """Return the key that signs tokens, then those whose tokens are valid too.

    The first is as set, or from its file; with an embedded server it is generated once and kept.
    """
    if settings.jwt_secret is not None:
        return [settings.jwt_secret, *settings.jwt_previous_secrets]
    file = key_file(settings)
    return [read_or_create(file), *previous(file), *settings.jwt_previous_secrets]


def key_file(settings: Settings) -> Path:
    """Return the file of the signing key. Raises SettingsError where there is none."""
    if settings.jwt_secret is None:
        if settings.jwt_secret_file is not None:
            return settings.jwt_secret_file
        if settings.embedded and settings.api_url is None:
            return settings.data_dir / "jwt_secret"
    raise SettingsError(f"JWT_SECRET (at least {SECRET_BYTES} bytes) or JWT_SECRET_FILE must be set for this server")


def checkpoint_key(settings: Settings, *, make: bool) -> str:
    """Return the key that signs checkpoints, from its file; `make` one where there is none. Raises SettingsError."""
    file = settings.checkpoint_key_file
    if file is None:
        if not settings.embedded:
            raise SettingsError("PGWALLET_CHECKPOINT_KEY_FILE must be set for this server")
        file = settings.data_dir / "checkpoint_key"
    if not make and not file.exists():
        raise SettingsError(f"there is no key in {file}: checkpoints are verified with the key that signed them")
    return read_or_create(file)


def metrics_token(settings: Settings) -> str | None:
    """Return what reads /metrics: as set; with an embedded server it is generated once and kept; else None."""
    if settings.metrics_token is None and settings.embedded and settings.api_url is None:
        return read_or_create(settings.data_dir / "metrics_token")
    return settings.metrics_token


def api_password(settings: Settings) -> str | None:
    """Return the password that `migrate` gives to wallet_api; None where PGWALLET_API_URL logs in without one.

    Where none is set it is generated once and kept in the data dir.
    """
    if settings.api_url is None:
        return settings.api_password or read_or_create(settings.data_dir / "api_password")
    inside = unquote(urlsplit(settings.api_url).password or "")
    if settings.api_password and inside and settings.api_password != inside:
        raise SettingsError("PGWALLET_API_PASSWORD differs from the password in PGWALLET_API_URL: set one of them")
    return settings.api_password or inside or None


def api_url(settings: Settings, socket: Path | None) -> str:
    """Return how the service logs in: as set, else as wallet_api to the administrator's or the embedded server."""
    if settings.api_url is not None:
        return settings.api_url
    login = api_password(settings) or ""
    if settings.database_url is None:
        if socket is None:
            raise SettingsError("PGWALLET_API_URL must be set: this command starts no server")
        return url(socket, SERVICE, login)
    parts = urlsplit(settings.database_url)
    host = parts.netloc.rpartition("@")[2]
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("user", "password")]
    return urlunsplit(parts._replace(netloc=f"{SERVICE}:{quote(login, safe='')}@{host}", query=urlencode(query)))
