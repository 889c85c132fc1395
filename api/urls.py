"""PostgreSQL URLs, taken apart for programs that want something else."""

from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

# libpq has a variable for each parameter; these are not simply PG and the parameter's name
IRREGULAR = {"dbname": "PGDATABASE", "application_name": "PGAPPNAME", "connect_timeout": "PGCONNECT_TIMEOUT"}


def libpq_variables(url: str) -> dict[str, str]:
    """Return the URL as environment variables of libpq, for programs whose command line everybody may read."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    # several hosts may stand here, separated by commas, so this is not urlsplit's business
    hosts = [piece.rpartition(":") if _has_port(piece) else (piece, "", "") for piece in host.split(",")]
    found = {
        "PGHOST": ",".join(name.strip("[]") for name, _, _ in hosts),
        "PGPORT": ",".join(port for _, _, port in hosts).strip(","),
        "PGUSER": unquote(user),
        "PGPASSWORD": unquote(password),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }
    for name, value in parse_qsl(parts.query):
        found[IRREGULAR.get(name, "PG" + name.replace("_", "").upper())] = value
    return {name: value for name, value in found.items() if value}


def without_password(url: str) -> str:
    """Return the URL as it may be shown."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login.partition(':')[0]}@{host}" if login else host))


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]
