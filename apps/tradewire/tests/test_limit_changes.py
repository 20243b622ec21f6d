"""Limits, from the command to risk, over the memory bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

import tradewire.risk.settings
import tradewire.risk.wiring
from tradewire.app.operating.limit_changes import LimitChanges
from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import RiskLimitsAnswered, RiskLimitsChanged
from tradewire.ports.topics import BY_EVENT
from tradewire.testkit.builders import limits
from tradewire.testkit.worker_rig import WorkerRig

WITHIN_S = 10.0
SHORT_S = 0.2
"""A wait that is meant to end without an answer."""


@pytest.fixture
def rig() -> WorkerRig:
    return WorkerRig()


@pytest.fixture
def operator(rig: WorkerRig) -> Operator:
    return Operator(rig.bus, rig.codec, rig.clock, author="ann")


@pytest.fixture
async def platform(rig: WorkerRig) -> AsyncIterator[None]:
    """Risk at work."""
    async with rig.running(tradewire.risk.wiring.build(tradewire.risk.settings.Settings(bus_url="memory:"))):
        yield


@pytest.mark.usefixtures("platform")
async def test_limits_when_set_then_answered_with_what_risk_obeys(rig: WorkerRig, operator: Operator) -> None:
    changes = LimitChanges(operator)
    first = await changes.change("alpha", {"max_leverage": Decimal(3)}, WITHIN_S)
    second = await changes.change("alpha", {"max_order_notional": Decimal(100)}, WITHIN_S)
    assert (first.version, second.version, second.max_leverage) == (1, 2, Decimal(3))
    assert await changes.in_force() == {"alpha": second}
    assert rig.count(BY_EVENT[RiskLimitsAnswered].name) == 2


@pytest.mark.usefixtures("platform")
async def test_limits_when_two_change_them_at_once_then_both_changes_are_in_force(
    rig: WorkerRig, operator: Operator
) -> None:
    other = Operator(rig.bus, rig.codec, rig.clock, author="bob")
    await asyncio.gather(
        LimitChanges(operator).change("alpha", {"max_leverage": Decimal(1)}, WITHIN_S),
        LimitChanges(other).change("alpha", {"max_order_notional": Decimal(100)}, WITHIN_S),
    )
    (found,) = (await LimitChanges(operator).in_force()).values()
    assert (found.version, found.max_leverage, found.max_order_notional) == (2, Decimal(1), Decimal(100))


async def test_limits_when_risk_is_away_then_it_is_named(operator: Operator) -> None:
    with pytest.raises(NoAnswerError, match="risk did not answer"):
        await LimitChanges(operator).change("alpha", {"max_leverage": Decimal(1)}, SHORT_S)


@pytest.mark.usefixtures("platform")
async def test_limits_when_no_limit_can_be_so_then_refused_before_anything_is_written(
    rig: WorkerRig, operator: Operator
) -> None:
    with pytest.raises(TradewireError, match="max_leverage: found 1E\\+30; allowed: above 0"):
        await LimitChanges(operator).change("alpha", {"max_leverage": Decimal("1e30")}, WITHIN_S)
    assert rig.count(BY_EVENT[RiskLimitsChanged].name) == 0


@pytest.mark.usefixtures("platform")
async def test_limits_when_records_of_others_are_broken_then_a_change_goes_through(
    rig: WorkerRig, operator: Operator
) -> None:
    await rig.put(Outgoing(BY_EVENT[RiskLimitsChanged].name, b"beta", b"garbage"))
    await rig.put(Outgoing(BY_EVENT[RiskLimitsAnswered].name, b"\xff", b"garbage"))
    await rig.say(limits("beta", 2_147_483_647), limits("gamma", 1, max_leverage=Decimal(-1)))
    answer = await LimitChanges(operator).change("alpha", {"max_leverage": Decimal(2)}, WITHIN_S)
    assert answer.version == 1
    assert (await LimitChanges(operator).change("beta", {"max_leverage": Decimal(2)}, WITHIN_S)).version == 1
