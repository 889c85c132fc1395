"""Services of a compose file, run by podman where there are no compose networks: on the network of this namespace."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

# two dollars stand for one, which is the shell's
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+):-([^}]*)\}")
PATIENCE = 60.0
# no cgroups, and no limits that only an unrestricted root could set: neither is what is tested
SURROUNDINGS = ["--network=host", "--cgroups=disabled", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]


class CheckError(Exception):
    """What was checked is not so."""


def podman(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run podman; raises CheckError with what it said when it fails."""
    result = subprocess.run(["podman", *arguments], check=False, text=True, capture_output=True)
    if check and result.returncode != 0:
        raise CheckError(f"podman {' '.join(arguments)}\n{result.stdout}{result.stderr}")
    return result


def wait(what: str, holds: Callable[[], bool]) -> None:
    """Wait until it holds. Raises CheckError when time runs out."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise CheckError(f"{what}: not within {PATIENCE:.0f} s")
        time.sleep(0.2)


def interpolated(value: Any) -> Any:
    """Put the environment into `${NAME:-default}`, and one dollar for two."""
    if isinstance(value, dict):
        return {key: interpolated(each) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: os.environ.get(found[1]) or found[2], value).replace("$$", "$")
    return value


class Compose:
    """A compose file's services as podman containers; named volumes are folders in `volumes`."""

    def __init__(self, file: Path, volumes: Path, image: str) -> None:
        loaded = msgspec.yaml.decode(file.read_bytes())
        self.services: dict[str, dict[str, Any]] = interpolated(loaded["services"])
        self.volumes = volumes
        self.image = image
        self.up: set[str] = set()

    def fresh(self) -> None:
        """Start from nothing: no containers, empty volumes."""
        self.down()
        shutil.rmtree(self.volumes, ignore_errors=True)

    def down(self) -> None:
        """Remove the containers; the volumes stay."""
        for name in self.services:
            podman("rm", "--force", "--ignore", "--time=5", name)
        self.up.clear()

    def start(self, name: str) -> None:
        """Bring a service up after those it depends on, as their conditions say."""
        for other in self.services[name].get("depends_on", {}):
            if other not in self.up:
                self.start(other)
        if self._ends(name):
            self.run(name)
        else:
            podman("run", "--detach", f"--name={name}", *self._arguments(name))
            wait(f"{name} healthy", lambda: self.healthy(name))
        self.up.add(name)

    def run(self, name: str, command: str | None = None) -> str:
        """Run a service that ends, or another shell command in its place; returns what it printed."""
        result = podman("run", "--rm", f"--name={name}", *self._arguments(name, command))
        return result.stdout + result.stderr

    def healthy(self, name: str) -> bool:
        """Run the health check of the service, else of its image, once."""
        own = self.services[name].get("healthcheck")
        test = own["test"] if own else self.configuration()["Healthcheck"]["Test"]
        if test[0] != "CMD":
            raise CheckError(f"{name}: a health check that is no plain command")
        if podman("inspect", "--format={{.State.Running}}", name).stdout.strip() != "true":
            raise CheckError(f"{name} ended:\n{self.log(name)}")
        return podman("exec", name, *test[1:], check=False).returncode == 0

    def configuration(self) -> dict[str, Any]:
        """Return what the image says about how it is run."""
        found: dict[str, Any] = json.loads(podman("image", "inspect", self.image).stdout)[0]
        return {
            "Healthcheck": found["HealthCheck"] if "HealthCheck" in found else found["Healthcheck"],
            **found["Config"],
        }

    def log(self, name: str) -> str:
        """Return what a container wrote."""
        result = podman("logs", name)
        return result.stdout + result.stderr

    def _ends(self, name: str) -> bool:
        waiting = [service.get("depends_on", {}).get(name, {}) for service in self.services.values()]
        return any(each.get("condition") == "service_completed_successfully" for each in waiting)

    def _arguments(self, name: str, command: str | None = None) -> list[str]:
        service = self.services[name]
        found = [*SURROUNDINGS, "--no-healthcheck", "--add-host=postgres:127.0.0.1"]
        if service.get("network_mode") == "none":
            found[0:1] = ["--network=none"]
        if service.get("read_only"):
            found.append("--read-only")
            found.append("--read-only-tmpfs=false")
        for option, key in (("--cap-drop", "cap_drop"), ("--cap-add", "cap_add"), ("--tmpfs", "tmpfs")):
            found += [f"{option}={value}" for value in service.get(key, [])]
        found += [f"--security-opt={value.removesuffix(':true')}" for value in service.get("security_opt", [])]
        found += [f"--env={key}={value}" for key, value in service.get("environment", {}).items()]
        for volume in service.get("volumes", []):
            source, target = volume.split(":", 1)
            (self.volumes / source).mkdir(mode=0o755, parents=True, exist_ok=True)
            found.append(f"--volume={self.volumes / source}:{target}")
        if "user" in service:
            found.append(f"--user={service['user']}")
        if "entrypoint" in service:
            found.append(f"--entrypoint={json.dumps(service['entrypoint'])}")
        words = [command] if command else service.get("command", [])
        return [*found, service.get("image", self.image), *words]
