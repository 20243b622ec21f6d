"""A pace is a rate: what is a little late is caught up with, what stood still goes on."""

from __future__ import annotations

import pytest

from tradewire.ingest.adapters.pace import CATCH_UP_SECONDS, Pace, Pacer
from tradewire.testkit.manual_clock import ManualClock


@pytest.mark.parametrize(
    ("late_s", "waits"),
    [(0.25, [1, 0.75, 1, 1]), (3.5, [1, 0, 0, 0]), (CATCH_UP_SECONDS + 2, [1, 0, 1, 1]), (86_400, [1, 0, 1, 1])],
)
async def test_pacer_when_late_then_catches_up_and_after_a_standstill_goes_on_at_its_rate(
    late_s: float, waits: list[float]
) -> None:
    clock, found = ManualClock(0), list[float]()

    async def sleep(seconds: float) -> None:
        found.append(seconds)
        clock.advance(seconds=seconds)

    pacer = Pacer(Pace(bars_per_second=1), clock, sleep)
    await pacer.until(0)
    await pacer.until(1)
    clock.advance(seconds=late_s)
    for moment_us in (2, 3, 4):
        await pacer.until(moment_us)
    assert found == pytest.approx(waits)
