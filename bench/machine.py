"""The machine of the measurements."""

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from bench.cluster import ROOT, Database
from bench.plan import Plan

DURABILITY = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "autovacuum")


def facts(database: Database, plan: Plan) -> dict[str, Any]:
    """Return the run's date, version, machine and the server's settings that matter for durability."""
    settings = {name: database.value("select current_setting($1)", name) for name in DURABILITY}
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "run": f"{plan.name}, {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}",
        "machine": f"{_processor()}, {os.cpu_count()} processors, {_memory()}; load before the run {load}",
        "software": f"{platform.system()} {platform.release()}, PostgreSQL {database.value('show server_version')}, "
        f"Python {platform.python_version()}",
        "server": ", ".join(f"{name} {value}" for name, value in settings.items()),
    }


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=7"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    return _field(Path("/proc/cpuinfo"), "model name") or platform.processor() or platform.machine()


def _memory() -> str:
    total = _field(Path("/proc/meminfo"), "MemTotal").split()
    return f"{int(total[0]) / 2**20:.0f} GiB" if total else "memory unknown"


def _field(path: Path, name: str) -> str:
    """Return the first value of this name in a file of `name: value` lines, "" without one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name]
    return found[0] if found else ""
