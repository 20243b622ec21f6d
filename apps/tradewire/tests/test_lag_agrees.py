"""What `status`, `lag` and readiness go by is the same: when an account stands still, and when none does."""

from __future__ import annotations

import pytest

from tradewire.app.inspecting.lag import partition_lags
from tradewire.ports.events import Signal
from tradewire.risk.settings import Settings
from tradewire.risk.wiring import build
from tradewire.runtime.observe.instance_status import problems, seen_instances
from tradewire.runtime.observe.instances import Instances
from tradewire.testkit.builders import BTC, account_state, evaluation, instrument
from tradewire.testkit.passing_hours import HOUR_SECONDS, THRESHOLD_SECONDS, PassingHours
from tradewire.testkit.strategies import active, document, status


async def told(risk: PassingHours) -> tuple[bool, list[str], int]:
    """Is it ready, what is wrong by its own report, how many records is its group behind, by that and by the bus?"""
    reports = Instances([risk.worker], risk.rig.bus, risk.rig.codec, risk.health, risk.worker._settings, risk.clock)
    await reports.once()
    instances = await seen_instances(risk.rig.bus, risk.rig.codec, risk.clock)
    lags = await partition_lags(risk.rig.bus, risk.clock)
    wrong = [problem.partition(": ")[-1] for problem in problems(instances, ["risk"])]
    behind = sum(lag.records for lag in lags if lag.group == "risk")
    assert [one.lag_records for one in instances] == [behind]
    return risk.health.ready, wrong, behind


async def test_status_and_lag_when_an_account_stands_still_then_both_say_so_and_else_neither(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    risk = PassingHours(build(Settings(bus_url="memory:")), monkeypatch)
    async with risk.working(instrument(BTC), status(active(document("trend", "alpha", BTC)))):
        await risk.rig.say(account_state(0))
        await risk.rig.until(lambda: bool(risk.service.held()))
        await risk.passes(2 * THRESHOLD_SECONDS)
        place = next(iter(risk.service.held()))
        assert await told(risk) == (
            False,
            [
                "no instance is ready",
                f"lag: {place.topic}/{place.partition} offset 0: read and not answered for 120 s "
                f"(to go on without it: tradewire dlq skip {place.topic} {place.partition} 0 risk --reason TEXT); "
                "evaluations: alpha: evaluations of trend on BTCUSDT since 1970-01-01T01:00:00Z, 2 min",
            ],
            1,
        )
        await risk.rig.say(evaluation(0, Signal.HOLD))
        await risk.rig.until(risk.committed)
        await risk.passes(HOUR_SECONDS)
        assert await told(risk) == (True, [], 0)
