"""The dashboard and the alerts ask for what there is, and lead to what to do.

Which metrics there are the table of the document says: another test holds it equal to what the service shows.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import yaml

from tests.docs.markdown import ROOT, anchors, rows

DEPLOY = ROOT / "deploy"
DOCUMENT = Path("docs/operations/observability.md")
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana/pgwallet.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
GROUPS: list[dict[str, Any]] = yaml.decode((DEPLOY / "prometheus/alerts.yaml").read_text())["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"]]
SCRAPE: dict[str, Any] = yaml.decode((DEPLOY / "prometheus/prometheus.yml").read_text())
TESTED = (DEPLOY / "prometheus/alerts.test.yaml").read_text()

METRICS = [row for row in rows(ROOT / DOCUMENT) if row[0].startswith("`pgwallet_")]
KINDS = {name.strip("`"): kind for name, kind, *_ in METRICS}
LABELS = {name.strip("`"): {*re.findall(r"`(\w+)`", labels), "job", "instance"} for name, _, labels, *_ in METRICS}
"""Of each metric. Prometheus adds the last two."""
SERIES = {
    f"{name}{end}": LABELS[name] | ({"le"} if end == "_bucket" else set())
    for name, kind in KINDS.items()
    for end in (("_bucket", "_count", "_sum") if kind == "histogram" else ("",))
} | {"up": {"job", "instance"}}
ASKED = [target["expr"] for panel in PANELS for target in panel["targets"]]


def selectors(expression: str) -> list[tuple[str, set[str]]]:
    """The series that a query names, each with the labels by which it chooses."""
    found = re.findall(r"\b(pgwallet_\w+|up)\b(?:\{([^}]*)\})?", expression)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", chosen))) for name, chosen in found]


def unknown(expression: str) -> list[str]:
    """What a query names that is not there: series, labels of theirs, and labels that it groups by."""
    asked = selectors(expression)
    wrong = [name for name, _ in asked if name not in SERIES]
    wrong += [f"{name}{{{label}}}" for name, chosen in asked for label in chosen - SERIES.get(name, chosen)]
    grouped = {label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in group.split(",")}
    return [*wrong, *grouped - set().union(*(SERIES.get(name, set()) for name, _ in asked))]


def test_the_check_notices_what_is_not_there() -> None:
    wrong = 'sum by (kode) (rate(pgwallet_refusal_total{job="x"}[5m])) + up{route="x"} + pgwallet_signups_total{le="1"}'
    assert unknown(wrong) == ["pgwallet_refusal_total", "up{route}", "pgwallet_signups_total{le}", "kode"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_and_asks_for_what_there_is(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]
    for target in panel["targets"]:
        assert selectors(target["expr"])
        assert unknown(target["expr"]) == []
        # of several services in one Prometheus, those that were chosen; and those databases
        for name, chosen in selectors(target["expr"]):
            assert {"job"} | (SERIES[name] & {"database"}) <= chosen
        told = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        grouped = re.search(r"by \(([^)]*)\)", target["expr"])
        assert told <= set((grouped[1] if grouped else "").split(", "))


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for expression in ASKED for name, _ in selectors(expression)}
    missing = {name for name in KINDS if not shown & {name, f"{name}_bucket", f"{name}_count"}}
    assert missing == set()


def test_the_dashboard_is_laid_out_on_grafanas_grid() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (column, line)
            for column in range(place["x"], place["x"] + place["w"])
            for line in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not taken & cells, panel["title"]
        taken |= cells


def test_the_dashboard_works_with_any_data_source() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    asked = {name: variables[name]["query"] for name in variables.keys() - {"datasource"}}
    assert asked.keys() == {"job", "database"}
    for name, query in asked.items():
        assert variables[name]["datasource"]["uid"] == "${datasource}"
        metric, label = re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", query).groups()  # type: ignore[union-attr]
        assert label in SERIES[metric]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_what_there_is_and_leads_to_what_to_do(alert: dict[str, Any]) -> None:
    name, annotations = alert["alert"], alert["annotations"]
    assert unknown(alert["expr"]) == []
    assert alert["labels"] == {"severity": alert["labels"]["severity"]}
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert annotations["description"].endswith(".")
    path, _, anchor = annotations["runbook_url"].partition("#")
    assert (path, anchor) == (DOCUMENT.as_posix(), name.lower())
    assert anchor in anchors(ROOT / DOCUMENT)
    # it must fire, and it must be quiet before and while all is well
    assert TESTED.count(f"alertname: {name}") >= 3


def test_every_paragraph_of_the_document_has_its_alert() -> None:
    written = re.findall(r"^### (Pgwallet\w+)$", (ROOT / DOCUMENT).read_text(), re.MULTILINE)
    assert written == [alert["alert"] for alert in ALERTS]


def test_the_example_scrapes_what_the_alerts_look_for() -> None:
    (job,) = SCRAPE["scrape_configs"]
    assert job["job_name"] in {found for alert in ALERTS for found in re.findall(r'up\{job="(\w+)"\}', alert["expr"])}
    assert job["metrics_path"] == "/metrics"
    assert [(DEPLOY / "prometheus" / file).exists() for file in SCRAPE["rule_files"]] == [True]
