"""What compose.yaml promises and needs no container to hold: who is handed which secret, and which settings."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.decode(COMPOSE)["services"]


def volumes(service: str) -> set[str]:
    return {mount.partition(":")[0] for mount in SERVICES[service]["volumes"]}


def test_the_service_has_no_way_to_the_administrators_login() -> None:
    assert volumes("api") == {"service"}
    assert "env_file" not in SERVICES["api"]
    assert {"DATABASE_URL", "PGWALLET_API_PASSWORD"}.isdisjoint(SERVICES["api"]["environment"])
    assert "DATABASE_URL" not in SERVICES["api"]["command"][0]


def test_postgres_does_not_see_the_services_secrets() -> None:
    assert volumes("postgres") == {"database", "administrator"}


def test_every_variable_is_a_documented_setting() -> None:
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.split("services:", 1)[1]))
    documented = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert used
    assert used <= documented


def test_every_setting_of_the_service_is_passed_on_or_decided_here() -> None:
    documented = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    decided = {"DATABASE_URL", "PGWALLET_API_URL", "PGWALLET_API_PASSWORD", "PGWALLET_API_ROLE", "PGWALLET_DATA_DIR"}
    # the service takes no checkpoints, and must not have the key; the port is that of an embedded server
    elsewhere = {"PGWALLET_CHECKPOINT_KEY_FILE", "PGWALLET_POSTGRES_PORT"}
    assert documented - decided - elsewhere <= set(re.findall(r"\$\{(\w+)", COMPOSE)) | {"JWT_SECRET_FILE"}


def test_secrets_belong_to_the_images_user() -> None:
    user = re.search(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user is not None
    assert f"chown {user[1]} " in SERVICES["secrets"]["command"][0]


@pytest.mark.parametrize("service", ["migrate", "api"])
def test_it_is_locked_down(service: str) -> None:
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["cap_drop"] == ["ALL"]


def test_the_data_of_postgres_18_lies_in_the_volume() -> None:
    # the image's data is in a folder of its version below this one; the folder of older images would stay empty
    assert "database:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


def test_the_port_is_published_on_this_machine_alone_unless_set() -> None:
    assert SERVICES["api"]["ports"] == ["${PGWALLET_HOST:-127.0.0.1}:${PORT:-8080}:8080"]
    assert "ports" not in SERVICES["postgres"]
