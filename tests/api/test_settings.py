"""The settings, where they come from, and what is said of a wrong one."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from api.settings import Settings, SettingsError

ROOT = Path(__file__).resolve().parents[2]
SECRET = "0123456789abcdef" * 2


def test_the_example_lists_every_setting_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = dict(re.findall(r"^#(\w+)=(.*)$", text, re.MULTILINE))
    assert list(listed) == [field.metadata["variable"] for field in fields(Settings)]
    defaults = Settings.load({}, None)
    given = Settings.load(listed, None)
    assert given == defaults
    for variable, shown in listed.items():
        explanation = text.partition(f"#{variable}=")[0].rpartition("\n\n")[2]
        # what depends on the machine or on other settings is empty there, and explained
        assert shown or "Unset" in explanation or "where there is none" in explanation


def test_copying_the_example_changes_nothing(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text((ROOT / ".env.example").read_text())
    assert Settings.load({}, dotenv) == Settings.load({}, None)


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1111\nPGWALLET_WORKERS=3\nOTHER=1\n")
    settings = Settings.load({"PORT": "2222"}, dotenv)
    assert (settings.port, settings.workers) == (2222, 3)


@pytest.mark.parametrize(
    ("processors", "server", "workers"),
    [
        (1, {}, 1),
        (2, {}, 1),
        (3, {}, 1),
        (8, {}, 4),
        (64, {}, 4),
        (8, {"DATABASE_URL": "postgresql://u@/d?host=/run/pg"}, 4),
        (6, {"DATABASE_URL": "postgresql://u@127.0.0.1/d"}, 3),
        (6, {"DATABASE_URL": "postgresql://u@[::1]:5433/d"}, 3),
        (6, {"DATABASE_URL": "postgresql://u@postgres/d"}, 3),
        (3, {"DATABASE_URL": "postgresql://u@db.example.com/d"}, 3),
        (3, {"DATABASE_URL": "postgresql://u@10.0.0.1/d"}, 3),
        (3, {"DATABASE_URL": "postgresql://u@localhost,db.example.com/d"}, 3),
        (2, {"DATABASE_URL": "postgresql://u@localhost/d", "PGWALLET_API_URL": "postgresql://u@db.example.com/d"}, 2),
        (2, {"PGWALLET_WORKERS": "5"}, 5),
    ],
)
def test_workers_leave_half_of_the_machine_to_a_server_that_shares_it(
    processors: int, server: dict[str, str], workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)))
    assert Settings.load(server, None).workers == workers


def test_an_empty_value_is_none(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=1111\nDATABASE_URL=\n")
    settings = Settings.load({"PORT": "", "JWT_SECRET": ""}, dotenv)
    assert (settings.port, settings.database_url, settings.jwt_secret) == (1111, None, None)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PGWALLET_WORKRES", "PGWALLET_WORKERS"),
        ("PGWALLET_KEEP_ALIVE", "PGWALLET_KEEPALIVE"),
        ("pgwallet_rate_limit", "PGWALLET_RATE_LIMIT"),
        ("PGWALLET_PORT", "PORT"),
        ("PGWALLET_USER_PASSWROD", "PGWALLET_USER_PASSWORD"),
    ],
)
def test_a_misspelt_name_in_the_environment_is_refused_and_its_value_not_shown(name: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({name: "3"}, None)
    assert str(caught.value) == f"the environment: unknown setting {name}; did you mean {nearest}?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGWALLET_WORKRES", ""),
        ("PGWALLET_USER_PASSWORD", "correct horse"),
        ("PGWALLET_SERVICE_HOST", "10.0.0.1"),
        ("PGWALLET_SERVICE_PORT_HTTP", "80"),
        ("PGWALLET_PORT", "tcp://10.0.0.1:80"),
        ("PGWALLET_API_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("OTHER_PGWALLET_X", "1"),
    ],
)
def test_names_that_are_not_meant_as_settings_are_let_pass(name: str, value: str) -> None:
    assert Settings.load({name: value}, None) == Settings.load({}, None)


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PGWALLET_WORKRES=3\n")
    with pytest.raises(SettingsError, match=r"unknown setting PGWALLET_WORKRES; did you mean PGWALLET_WORKERS\?"):
        Settings.load({}, dotenv)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("PORT", "http", "a whole number from 0 to 65535, not 'http'"),
        ("PORT", "65536", "a whole number from 0 to 65535, not '65536'"),
        ("PORT", "-1", "a whole number from 0 to 65535, not '-1'"),
        ("PORT", "²", "a whole number from 0 to 65535, not '²'"),
        ("DATABASE_URL", "mysql://root:secret@db", "a URL like postgresql://user@host/database"),
        ("PGWALLET_API_PASSWORD", "pässword", "printable ASCII"),
        ("JWT_SECRET", SECRET[1:], "at least 32 bytes long"),
        ("JWT_PREVIOUS_SECRETS", f"{SECRET},{SECRET[1:]}", "at least 32 bytes long"),
        ("PGWALLET_WORKERS", "0", "a whole number from 1 to 64, not '0'"),
        ("PGWALLET_LOG_LEVEL", "loud", "one of debug, info, warning, error, not 'loud'"),
        ("PGWALLET_SEED_ACCOUNTS", "maybe", "on or off, not 'maybe'"),
        ("PGWALLET_ACQUIRE_TIMEOUT", "0", "a number of seconds from 0.001 to 3600, not '0'"),
        # told in milliseconds, of which it would be none: no limit at all
        ("PGWALLET_STATEMENT_TIMEOUT", "0.0009", "a number of seconds from 0.001 to 3600, not '0.0009'"),
        ("PGWALLET_LOCK_TIMEOUT", "1e-9", "a number of seconds from 0.001 to 3600, not '1e-9'"),
        ("PGWALLET_CORS_HEADERS", "a b", "* or names of headers like X-Request-Id, separated by commas, not 'a b'"),
        ("PGWALLET_KEEP_AUDIT", "30", "forever or days from 1d to 36500d, not '30'"),
        ("PGWALLET_KEEP_AUDIT", "0d", "forever or days from 1d to 36500d, not '0d'"),
        ("PGWALLET_STATEMENT_TIMEOUT", "nan", "a number of seconds from 0.001 to 3600, not 'nan'"),
    ],
)
def test_a_wrong_value_is_named_and_a_secret_one_is_not_shown(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load({variable: value}, None)
    assert str(caught.value) == f"{variable} must be {said}"


def test_right_values_are_read() -> None:
    settings = Settings.load(
        {
            "JWT_SECRET": SECRET,
            "JWT_PREVIOUS_SECRETS": f"{SECRET}, {SECRET[::-1]}",
            "PGWALLET_SEED_ACCOUNTS": "No",
            "PGWALLET_DATA_DIR": "x",
        },
        None,
    )
    assert settings.jwt_secret == SECRET
    assert settings.seed_accounts is False
    assert settings.jwt_previous_secrets == (SECRET, SECRET[::-1])
    assert settings.data_dir == Path("x").absolute()


def test_secrets_are_not_in_the_representation() -> None:
    secret_url = "postgresql://postgres:hunter22@db/x"
    settings = Settings.load(
        {
            "DATABASE_URL": secret_url,
            "PGWALLET_API_URL": secret_url,
            "PGWALLET_API_PASSWORD": "hunter22",
            "JWT_SECRET": "hunter22" * 4,
            "JWT_PREVIOUS_SECRETS": "hunter22" * 4,
            "PGWALLET_WEBHOOK_KEY": "hunter22" * 4,
        },
        None,
    )
    assert "hunter22" not in repr(settings)
