"""`tradewire status` names what a service waits for with since when, the oldest first, as the service tells it."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.app.cli.status import show_status
from tradewire.app.inspecting.service_status import ServiceStatus
from tradewire.app.inspecting.status import PlatformStatus
from tradewire.ports.message import WaitReason
from tradewire.runtime.observe.readiness import Readiness
from tradewire.testkit.manual_clock import ManualClock

NOON_US = 1_500_552_000_000_000


def execution(judge: Readiness, waits: list[WaitReason]) -> ServiceStatus:
    """The service, which waits."""
    told = tuple(wait._asdict() | {"seconds": seconds} for wait, seconds in judge.oldest_first(waits))
    facts: dict[str, Any] = {"last_success_us": None, "handled": 1, "published": 1, "dead_letters": 0, "restarts": 0}
    return ServiceStatus(
        **facts,
        name="execution",
        pid=1,
        health="ok",
        phase="running",
        lag_records=0,
        lag_seconds=0.0,
        last_error=None,
        log="execution.log",
        waits_for=told,
    )


def test_waits_when_one_account_stands_still_then_it_comes_first_with_since_when(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock, waits = ManualClock(), [WaitReason("assessments", "zeta: risk's answers", NOON_US)]
    judge = Readiness(lambda: waits, clock, 15.0)
    judge.look()
    clock.advance(seconds=720)
    waits.insert(0, WaitReason("assessments", "alone: risk's answers", NOON_US + 1_000_000))
    judge.look()
    assert [standing.text for standing in judge.oldest_first(waits)] == [
        "assessments: zeta: risk's answers since 2017-07-20T12:00:00Z, 12 min",
        "assessments: alone: risk's answers since 2017-07-20T12:00:01Z, 0 s",
    ]
    one = execution(judge, waits)
    show_status(PlatformStatus("here", "running", 1, "", True, (), (one,)), NOON_US, as_json=False)
    lines = [line for line in capsys.readouterr().out.splitlines() if "waits for" in line]
    assert lines == [
        "execution waits for zeta: risk's answers since 2017-07-20T12:00:00Z, 12.0 min",
        "execution waits for alone: risk's answers since 2017-07-20T12:00:01Z, 0.0 s",
    ]
