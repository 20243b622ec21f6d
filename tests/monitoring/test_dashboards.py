"""Dashboards ask valid questions of metrics that exist, and Grafana can load them beside each other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.k8s.topic_map import ROOT
from tests.monitoring.test_alerts import SCOPES, groups, promtool

from tradewire.ports.topics import SERVICES

Json = Any
FILES = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
SUFFIX = re.compile(r"_(bucket|count|sum)$")


def board(path: Path) -> Json:
    return json.loads(path.read_text())


def panels(path: Path) -> list[Json]:
    return [panel for panel in board(path)["panels"] if panel["type"] != "row"]


def expressions(path: Path) -> list[str]:
    return [target["expr"] for panel in panels(path) for target in panel["targets"]]


def metrics_of(path: Path) -> set[str]:
    """Metrics that the services serve, of a dashboard."""
    found = {name for text in expressions(path) for name in re.findall(r"\b(?:tradewire|messaging)_\w+", text)}
    return {SUFFIX.sub("", name) for name in found} - {"messaging_destination_name", "messaging_consumer_group_name"}


def test_every_service_has_one() -> None:
    services = {f"tradewire-{name}" for name in SERVICES}
    assert services | {
        "tradewire-fleet",
        "tradewire-trading",
        "tradewire-kafka",
        "tradewire-tick-to-fill",
        "tradewire-venue",
    } == {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_dashboard_has_its_own_id_a_variable_of_the_source_and_panels_that_say_what_they_show(path: Path) -> None:
    made = board(path)
    assert made["uid"] == path.stem
    assert {"datasource", "namespace"} <= {variable["name"] for variable in made["templating"]["list"]}
    numbers = [panel["id"] for panel in panels(path)]
    assert len(numbers) == len(set(numbers))
    for panel in panels(path):
        assert panel["title"]
        assert panel["description"]
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_expressions_when_read_by_prometheus_then_valid(path: Path, tmp_path: Path) -> None:
    rules = [
        {"record": f"shown:{number}", "expr": text.replace("$__rate_interval", "1m").replace("$namespace", ".*")}
        for number, text in enumerate(expressions(path))
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))
    assert "SUCCESS" in promtool("check", "rules", tmp_path / "rules.yml")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_metrics_are_documented_and_recorded_ones_recorded(path: Path) -> None:
    known = set(re.findall(r"`((?:tradewire|messaging)_\w+)`", (ROOT / "docs/metrics.md").read_text()))
    assert metrics_of(path) <= known
    recorded = {rule["record"] for group in groups(SCOPES[0]) for rule in group["rules"] if "record" in rule}
    assert {name for text in expressions(path) for name in re.findall(r"\btradewire:[\w:]+", text)} <= recorded


def test_every_documented_metric_is_on_a_dashboard_or_in_a_rule() -> None:
    """What nobody looks at is not worth its series."""
    known = set(re.findall(r"^\| `((?:tradewire|messaging)_\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.M))
    text = " ".join(rule["expr"] for group in groups(SCOPES[0]) for rule in group["rules"])
    shown = set.union(*map(metrics_of, FILES))
    assert {name for name in known - shown if name not in text} == set()
