"""Every alert has a runbook with check, impact and steps, and what a runbook names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from deploy.k8s.topic_map import ROOT
from tests.monitoring.test_alerts import SCOPES, groups, rules

from tradewire.app.cli.commands import app

FOLDER = ROOT / "docs/runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
ALERTS = {rule["alert"]: ROOT / rule["annotations"]["runbook_url"] for rule in rules(SCOPES[0])}


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_has_a_page_with_check_impact_and_steps(alert: str) -> None:
    text = ALERTS[alert].read_text()
    assert f"Alert `{alert}`." in text
    assert [word for word in ("**Check.**", "**Impact.**", "**Steps.**\n1. ") if word not in text] == []


def test_every_page_of_an_alert_belongs_to_one_that_exists() -> None:
    named = {path: set(re.findall(r"^Alert `(\w+)`\.", path.read_text(), re.MULTILINE)) for path in PAGES}
    assert {path: found for path, found in named.items() if found - ALERTS.keys()} == {}


def test_the_list_of_pages_is_whole() -> None:
    text = (FOLDER / "README.md").read_text()
    assert [path.name for path in PAGES if f"({path.name})" not in text] == []
    assert [alert for alert in ALERTS if f"`{alert}`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    for command in re.findall(r"`tradewire ([^`]+)`", page.read_text()):
        assert _unknown(command) == "", f"tradewire {command}"


def _unknown(command: str) -> str:
    """The first word of a command or option that the command line does not have."""
    found = typer.main.get_command(app)
    for word in command.split():
        inner = getattr(found, "commands", None)
        if inner is not None and not word.startswith("-"):
            if word not in inner:
                return word
            found = inner[word]
        elif word.startswith("--"):
            options = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
            if word.partition("=")[0] not in options:
                return word
    return ""


@pytest.mark.parametrize(
    ("command", "unknown"), [("dlq", ""), ("dlq reply", "reply"), ("halt --acount main", "--acount")]
)
def test_what_does_not_exist_is_found(command: str, unknown: str) -> None:
    assert _unknown(command) == unknown


def test_metrics_that_pages_name_are_documented_or_recorded() -> None:
    text = (ROOT / "docs/metrics.md").read_text()
    known = set(re.findall(r"`((?:tradewire|messaging)_\w+)`", text))
    recorded = {rule["record"] for group in groups(SCOPES[0]) for rule in group["rules"] if "record" in rule}
    for page in PAGES:
        named = set(re.findall(r"`((?:tradewire|messaging)[_:][\w:]+)(?:\{[^`]*\})?`", page.read_text()))
        assert named - known - recorded == set(), page.name
