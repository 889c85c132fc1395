"""Secrets that are set, or generated and kept in files: the service's login, keys, the metrics token."""

from pathlib import Path

from api.postgres.secret_files import previous, read_or_create
from api.settings import SECRET_BYTES, SERVICE, Settings, SettingsError
from api.urls import credentials, on_socket, with_login


def signing_keys(settings: Settings) -> list[str]:
    """Return the key that signs tokens, then older keys that verify them.

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
    """Return the token for /metrics: as set; for an embedded server generated once and kept; else None."""
    if settings.metrics_token is None and settings.embedded and settings.api_url is None:
        return read_or_create(settings.data_dir / "metrics_token")
    return settings.metrics_token


def webhook_key(settings: Settings) -> str | None:
    """Return the key that encrypts webhooks' secrets: as set; for an embedded server generated once; else None."""
    if settings.webhook_key is None and settings.embedded and settings.api_url is None:
        return read_or_create(settings.data_dir / "webhook_key")
    return settings.webhook_key


def api_password(settings: Settings) -> str | None:
    """Return the password that `migrate` gives to the service's role; None where PGWALLET_API_URL has none for it.

    Where neither is set, it is generated once and kept in the data dir.
    """
    if settings.embedded and settings.api_role != SERVICE:
        raise SettingsError("PGWALLET_API_ROLE is for a server of your own: set DATABASE_URL too")
    if settings.api_url is None:
        return settings.api_password or read_or_create(settings.data_dir / "api_password")
    user, inside = credentials(settings.api_url)
    if user != settings.api_role:
        # the service logs in as another role, whose password we do not set
        return settings.api_password
    if settings.api_password and inside and settings.api_password != inside:
        raise SettingsError("PGWALLET_API_PASSWORD differs from the password in PGWALLET_API_URL: set one of them")
    return settings.api_password or inside or None


def api_url(settings: Settings, socket: Path | None) -> str:
    """Return the service's URL: as set, else with its role on the administrator's or the embedded server."""
    if settings.api_url is not None:
        return settings.api_url
    login = api_password(settings) or ""
    if settings.database_url is not None:
        return with_login(settings.database_url, settings.api_role, login)
    if socket is None:
        raise SettingsError("PGWALLET_API_URL must be set: this command starts no server")
    return on_socket(socket, settings.api_role, login)
