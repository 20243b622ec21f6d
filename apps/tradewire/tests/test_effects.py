"""What a level of the kill switch has come to on each account, as risk's and execution's reports show it."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.app.operating.effects import AccountEffect, LevelEffects, Outcome
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.switching import Switching
from tradewire.ports.events import (
    AccountStateChanged,
    ControlLevel,
    ControlStatusChanged,
    LevelInForce,
    OrderChanged,
    OrderLeg,
    OrderStatus,
    Side,
)
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.service import Service
from tradewire.testkit.builders import (
    BTC,
    VENUE,
    account_state,
    assessment,
    candle,
    instance_report,
    instrument,
    intent,
    open_order,
    position,
    share,
)
from tradewire.testkit.worker_rig import WorkerRig

WITHIN_S = 10.0
SHORT_S = 0.05
"""A wait that is meant to end with nothing shown."""
ORDERS, STATES = BY_EVENT[OrderChanged].name, BY_EVENT[AccountStateChanged].name
FLATTEN = ControlLevel.FLATTEN


async def holding(rig: WorkerRig, *, last: bool = False) -> None:
    """Let ``alpha`` open a position, with the bar that is its market's last one, if so."""
    await rig.say(instrument(BTC), candle(0), assessment(0, intent("entry", qty=2)))
    await rig.until(lambda: rig.count(ORDERS) == 2)
    await rig.say(candle(1, last_of_stream=last))
    await rig.until(lambda: rig.count(STATES) == 2)


async def flattened(operator: Operator, scope: str = "account:alpha") -> AccountEffect:
    """The effect on ``alpha``."""
    return (await Switching(operator).carry_out(scope, FLATTEN, "drill", WITHIN_S)).accounts["alpha"]


def at_work(rig: WorkerRig, service: str, *unready: str) -> Any:
    """A report of now: ready, or what it waits for."""
    return instance_report(
        rig.clock.now_us(), service, instance_id=service, ready=not unready, unready=unready, waits_for=unready
    )


@pytest.mark.usefixtures("platform")
async def test_flatten_of_an_account_that_holds_nothing_then_flat(operator: Operator) -> None:
    assert (await flattened(operator)).outcome is Outcome.FLAT


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize("scope", ["global", "account:alpha", "strategy:trend"])
async def test_flatten_of_a_position_then_closing_at_the_next_bar_and_flat_after_it(
    rig: WorkerRig, operator: Operator, scope: str
) -> None:
    await holding(rig)
    await rig.say(at_work(rig, "ingest"))
    effect = await flattened(operator, scope)
    assert effect.outcome is Outcome.CLOSING
    assert effect.detail == f"2 {BTC} of trend with the next bar of {BTC}: the orders are at work"
    await rig.say(assessment(1), candle(2))
    await rig.until(lambda: rig.count(STATES) == 3)
    assert (await flattened(operator)).outcome is Outcome.FLAT


async def never(_: WorkerRig) -> None:
    """Nothing more is said."""


async def lost(rig: WorkerRig) -> None:
    """Ingest was at work long ago."""
    await rig.say(instance_report(1, "ingest", instance_id="ingest"))


async def paused(rig: WorkerRig) -> None:
    """Ingest is at work and holds market data back."""
    level = LevelInForce(
        scope="service:ingest",
        level=ControlLevel.PAUSED,
        reason="drill",
        author="ann",
        issued_at_us=1,
        control_offset=0,
    )
    told = ControlStatusChanged(
        service="ingest",
        instance="one",
        partitions=(),
        control_offset=0,
        levels=(level,),
        accounts=(),
        event_time_us=1,
    )
    await rig.say(at_work(rig, "ingest"), told)


async def waits_for_risk(rig: WorkerRig) -> None:
    """Execution reports that the account stands still."""
    await rig.say(at_work(rig, "ingest"), at_work(rig, "execution", "assessments: alpha: risk's answers, 2 min"))


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("last", "around", "why"),
    [
        (True, never, f"the market data of {BTC} has ended, no bar follows"),
        (False, never, "ingest never reported itself"),
        (False, lost, "ingest is lost: not heard of for"),
        (False, paused, "ingest holds market data back (PAUSED by service:ingest)"),
        (False, waits_for_risk, "execution waits for assessments: alpha: risk's answers, 2 min"),
    ],
)
async def test_flatten_when_no_bar_closes_the_position_then_can_not_act_and_says_why(
    rig: WorkerRig, operator: Operator, last: bool, around: Any, why: str
) -> None:
    await holding(rig, last=last)
    await around(rig)
    await Switching(operator).switch("account:alpha", FLATTEN, "drill", WITHIN_S)
    await rig.until(lambda: rig.count(ORDERS) == 5)  # an entry that was filled, and the order that closes it
    effect = await shown(operator)
    assert effect.outcome is Outcome.CANNOT_ACT
    assert effect.detail.startswith(f"2 {BTC} of trend can't be closed: {why}")


async def test_flatten_when_no_order_closes_a_position_then_what_holds_the_account_up(
    rig: WorkerRig, operator: Operator
) -> None:
    parked = "parked_key: the release of 3 dead letters of alpha from risk.assessment.v1"
    others = "candles: beta: bars of ETHUSDT 1h"
    await rig.say(
        account_state(0, strategy_positions=(share(2),)),
        at_work(rig, "risk"),
        at_work(rig, "execution", parked, others),
    )
    effect = await shown(operator)
    held = f"trend holds 2 {BTC}, and no order that closes it is at work"
    assert (effect.outcome, effect.detail) == (Outcome.CANNOT_ACT, f"{held}: execution waits for {parked}")


async def shown(operator: Operator, level: ControlLevel = FLATTEN, scope: str = "account:alpha") -> AccountEffect:
    """What ``alpha`` shows, without services around it."""
    effects = LevelEffects(operator, scope, level)
    await effects.begin()
    return (await effects.until_shown(SHORT_S))["alpha"]


def order(sequence: int, status: OrderStatus, **other: Any) -> OrderChanged:
    """A report of the order that closes."""
    facts: dict[str, Any] = {"leg": OrderLeg.FLATTEN.value, "filled_qty": 0, "client_order_id": "close", **other}
    return OrderChanged(
        account_id="alpha",
        strategy_id="trend",
        venue=VENUE,
        symbol=BTC,
        event_time_us=account_state(0).event_time_us,
        sequence=sequence,
        status=status,
        side=Side.SELL,
        order_type="MARKET",
        qty=2,
        **facts,
    )


@pytest.mark.parametrize(
    ("reports", "outcome", "said"),
    [
        ([order(9, OrderStatus.REJECTED, reason="below 5 USDT")], Outcome.CANNOT_ACT, "REJECTED: below 5 USDT"),
        ([order(9, OrderStatus.SUBMITTED)], Outcome.CANNOT_ACT, "no venue has confirmed the order that closes it"),
        ([order(9, OrderStatus.ACCEPTED)], Outcome.CLOSING, f"2 {BTC} of trend with the next bar"),
        ([order(9, OrderStatus.PARTIALLY_FILLED, filled_qty=1)], Outcome.CLOSING, f"1 {BTC} of trend"),
        ([order(9, OrderStatus.FILLED, filled_qty=2)], Outcome.FLAT, "no position and no order"),
        ([order(1, OrderStatus.FILLED, filled_qty=2)], Outcome.CANNOT_ACT, "no order that closes it is at work"),
    ],
)
async def test_flatten_when_a_venue_answered_about_the_closing_order_then_told_as_it_answered(
    rig: WorkerRig, operator: Operator, reports: list[OrderChanged], outcome: Outcome, said: str
) -> None:
    state = account_state(0, sequence=5, strategy_positions=(share(2),), positions=(position(2),))
    await rig.say(at_work(rig, "ingest"), state, *reports)
    effect = await shown(operator)
    assert effect.outcome is outcome
    assert said in effect.detail


async def test_flatten_when_a_position_belongs_to_no_strategy_then_it_is_not_called_flat(
    rig: WorkerRig, operator: Operator
) -> None:
    await rig.say(account_state(0, positions=(position(2),)))
    effect = await shown(operator)
    assert effect.outcome is Outcome.CANNOT_ACT
    assert effect.detail.startswith(f"the position in {BTC} belongs to no strategy")


@pytest.mark.parametrize(
    ("level", "leg", "outcome"),
    [
        (ControlLevel.NO_NEW, OrderLeg.ENTRY, Outcome.CANNOT_ACT),
        (ControlLevel.NO_NEW, OrderLeg.EXIT, Outcome.DONE),
        (ControlLevel.PAUSED, OrderLeg.EXIT, Outcome.CANNOT_ACT),
        (ControlLevel.PAUSED, OrderLeg.STOP_LOSS, Outcome.DONE),
    ],
)
async def test_level_when_an_order_that_it_forbids_is_still_at_work_then_can_not_act(
    rig: WorkerRig, operator: Operator, level: ControlLevel, leg: OrderLeg, outcome: Outcome
) -> None:
    await rig.say(account_state(0, open_orders=(open_order(leg),)))
    effect = await shown(operator, level)
    assert effect.outcome is outcome
    assert (f"1 orders on {BTC} are not withdrawn yet" in effect.detail) == (outcome is Outcome.CANNOT_ACT)


async def test_halt_when_an_entry_was_at_work_then_it_is_counted_as_withdrawn(
    rig: WorkerRig, platform: dict[str, Service], operator: Operator
) -> None:
    del platform
    await rig.say(instrument(BTC), candle(0), assessment(0, intent("entry", qty=2)))
    await rig.until(lambda: rig.count(ORDERS) == 2)
    obeyed = await Switching(operator).carry_out("global", ControlLevel.NO_NEW, "drill", WITHIN_S)
    effect = obeyed.accounts["alpha"]
    assert (effect.outcome, effect.withdrawn, obeyed.stuck) == (Outcome.DONE, 1, {})
