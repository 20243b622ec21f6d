"""A strategy that is retired flat: closed first, and not retired while anything of it is left."""

from __future__ import annotations

import asyncio
import re

import pytest

from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.app.operating.retirement import holds_nothing, retire_flat
from tradewire.app.operating.switching import Switching
from tradewire.ports.events import ControlChanged, ControlLevel, StrategyConfigPublished
from tradewire.ports.topics import BY_EVENT
from tradewire.testkit.builders import account_state, open_order, share
from tradewire.testkit.strategies import active, document, status
from tradewire.testkit.worker_rig import WorkerRig

KNOWN = status(active(document("trend", "alpha")))
CONFIGS = BY_EVENT[StrategyConfigPublished].name


@pytest.fixture
def rig() -> WorkerRig:
    return WorkerRig()


@pytest.fixture
def operator(rig: WorkerRig) -> Operator:
    return Operator(rig.bus, rig.codec, rig.clock, author="operator")


async def test_strategy_that_holds_something_is_retired_once_it_is_flat(rig: WorkerRig, operator: Operator) -> None:
    await rig.say(account_state(0, strategy_positions=(share(2),)))
    retiring = asyncio.create_task(retire_flat(operator, KNOWN, 5.0))
    await rig.until(lambda: rig.count(BY_EVENT[ControlChanged].name) == 1)
    assert rig.count(CONFIGS) == 0
    await rig.say(account_state(1, strategy_positions=(share(1),)), account_state(2))
    await rig.until(lambda: rig.count(CONFIGS) == 1)
    await rig.say(status(strategy_id="trend"))
    answer = await retiring
    assert answer.strategy_id == "trend"
    controls = await Switching(operator).asked()
    assert controls["strategy:trend"].control.level is ControlLevel.FLATTEN


async def test_strategy_that_does_not_get_flat_in_time_is_not_retired(rig: WorkerRig, operator: Operator) -> None:
    await rig.say(account_state(0, open_orders=(open_order(),)))
    said = "trend was not flat within 0 s and was not retired; it stays at FLATTEN. alpha: can't act: 1 orders"
    with pytest.raises(NoAnswerError, match=re.escape(said)):
        await retire_flat(operator, KNOWN, 0.05)
    assert rig.count(CONFIGS) == 0


def test_what_others_hold_does_not_count() -> None:
    state = account_state(0, strategy_positions=(share(1, strategy_id="other"),))
    assert holds_nothing(state, "trend")
    assert not holds_nothing(state, "other")
