"""Prometheus's own tool runs the tests of the alerts, and reads every query of the dashboard.

`make test-alerts` runs it. `test_watching.py` is what the suite can check without promtool.
"""

import os
import re
import subprocess
from pathlib import Path

from tests.api.telemetry.test_watching import ASKED, DEPLOY

PROMTOOL = os.environ.get("PROMTOOL") or "promtool"
RULES, TESTS, SCRAPE = (DEPLOY / "prometheus" / name for name in ("alerts.yaml", "alerts.test.yaml", "prometheus.yml"))


def promtool(*arguments: str | Path) -> str:
    """Run it; returns what it says. It must have no objection."""
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def test_prometheus_takes_the_rules_and_the_example() -> None:
    assert "SUCCESS" in promtool("check", "rules", "--lint-fatal", RULES)
    # the file with the token is not on this machine
    promtool("check", "config", "--syntax-only", SCRAPE)


def test_the_alerts_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", TESTS)


def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    lines = ["groups:", "- name: dashboard", "  rules:"]
    for number, query in enumerate(ASKED):
        plain = re.sub(r"\$__\w+", "5m", query).replace("'", "''")
        lines += [f"  - record: 'panel:query:{number}'", f"    expr: '{plain}'"]
    rules = tmp_path / "dashboard.yaml"
    rules.write_text("\n".join(lines))
    assert f"{len(ASKED)} rules found" in promtool("check", "rules", rules)
