"""``--help`` of a service: every setting, from the code."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tradewire.risk.settings import Settings
from tradewire.runtime.usage import unit_of, usage


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tradewire.risk", *arguments], capture_output=True, text=True, env={}, check=False
    )


def test_help_lists_every_setting_with_unit_default_and_meaning() -> None:
    answer = _run("--help")
    assert answer.returncode == 0
    assert answer.stdout.startswith("usage: python -m tradewire.risk [--help]\n")
    assert "Example: TRADEWIRE_BUS_URL=kafka://localhost:9092 python -m tradewire.risk" in answer.stdout
    for name, field in Settings.model_fields.items():
        (line,) = (row for row in answer.stdout.splitlines() if row.split()[:1] == [f"TRADEWIRE_{name.upper()}"])
        assert field.description
        assert line.endswith(field.description)
        assert unit_of(name) in line
    assert re.search(r"TRADEWIRE_DRAIN_SECONDS +s +10\.0 +", answer.stdout)


def test_any_other_argument_is_refused_in_one_line() -> None:
    answer = _run("--port", "80")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "found --port 80; allowed: --help. Settings come from the environment\n"


def test_settings_of_a_service_come_first() -> None:
    lines = usage([Settings]).splitlines()
    first = lines.index(next(line for line in lines if line.split()[:1] == ["setting"])) + 1
    assert lines[first].split()[0] == "TRADEWIRE_JOIN_GRACE_SECONDS"


@pytest.mark.parametrize(
    ("name", "unit"), [("drain_seconds", "s"), ("latency_us", "µs"), ("retry_seconds_max", "s"), ("bus_url", "")]
)
def test_unit_follows_from_the_name(name: str, unit: str) -> None:
    assert unit_of(name) == unit
