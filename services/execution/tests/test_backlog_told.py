"""Execution is ready for the whole hour between two bars, and not while an account waits for what does not come."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tradewire.execution.settings import Settings
from tradewire.execution.wiring import build
from tradewire.ports.events import AccountStateChanged, OrderLeg, OrderType, Side
from tradewire.ports.message import Event
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle, instrument, intent
from tradewire.testkit.passing_hours import HOUR_SECONDS, THRESHOLD_SECONDS, PassingHours
from tradewire.testkit.strategies import active, document, retired, status

MARKETS = instrument(BTC), instrument(ETH)
TREND, OTHER = active(document("trend", "alpha", BTC)), active(document("other", "alpha", BTC))
BOTH_MARKETS = active(document("trend", "alpha", BTC, ETH))
LATER = active(document("trend", "alpha", BTC), 2, effective_from_us=50 * HOUR_US)
PAIR = {"step_size": 2}
RESTING = intent(order_type=OrderType.LIMIT, price=Decimal(90))
GUARD = intent(
    "order-2",
    Side.SELL,
    leg=OrderLeg.STOP_LOSS,
    order_type=OrderType.STOP_MARKET,
    stop_price=Decimal(80),
    reduce_only=True,
)
POSITION: list[Event] = [candle(0), assessment(0, intent(), GUARD), candle(1), assessment(1)]
IDLE: dict[str, list[Event]] = {
    "bar, then assessment": [status(TREND), candle(0), assessment(0)],
    "assessment, then bar": [status(TREND), assessment(0), candle(0)],
    "risk far ahead of the market": [status(TREND), *map(assessment, range(20)), *map(candle, range(20))],
    "the market far ahead of risk": [status(TREND), *map(candle, range(20)), *map(assessment, range(20))],
    "an order for the next bar": [status(TREND), candle(0), assessment(0, intent())],
    "an entry at work": [status(TREND), candle(0), assessment(0, RESTING), candle(1), assessment(1)],
    "a position with its guard": [status(TREND), *POSITION],
    "two strategies": [
        *(status(TREND), status(OTHER), candle(0), assessment(0, **PAIR)),
        assessment(0, strategy_id="other", step_index=1, **PAIR),
    ],
    "two markets": [
        *(status(BOTH_MARKETS), candle(0), candle(0, symbol=ETH)),
        *(assessment(0, **PAIR), assessment(0, symbol=ETH, step_index=1, **PAIR)),
    ],
    "a retired strategy whose position is followed on": [
        *(status(TREND), *POSITION, retired(TREND, {BTC: 2 * HOUR_US + 1}), candle(2), candle(3))
    ],
    "a retired strategy with a decision for a bar that it left": [
        *(status(TREND), *POSITION, retired(TREND, {BTC: 2 * HOUR_US + 1}), assessment(2), candle(2))
    ],
    "a market without accounts": [candle(0), candle(1)],
    "a version due later": [status(TREND, LATER), candle(0), assessment(0)],
    "a strategy that begins later": [status(LATER), candle(0)],
}


@pytest.fixture
def execution(monkeypatch: pytest.MonkeyPatch) -> PassingHours:
    """The service, for which the test lets time pass."""
    return PassingHours(build(Settings(bus_url="memory:")), monkeypatch)


@pytest.mark.parametrize("events", IDLE.values(), ids=IDLE.keys())
async def test_execution_when_nothing_happens_for_an_hour_then_it_is_ready_and_nothing_lags(
    execution: PassingHours, events: list[Event]
) -> None:
    async with execution.working(*MARKETS):
        for event in events:
            await execution.rig.say(event)
        await execution.rig.until(execution.committed)
        assert await execution.passes(HOUR_SECONDS) == set()
        assert (dict(execution.service.held()), execution.worker.waits()) == ({}, [])
        assert not execution.worker.progress.dead_letters


@pytest.mark.parametrize("what", ["an order for the next bar", "an entry at work", "a position with its guard"])
async def test_execution_when_its_orders_are_at_a_broker_then_it_is_ready_for_the_hour_too(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    execution = PassingHours(build(Settings(bus_url="memory:", venue="simulated")), monkeypatch)
    async with execution.working(*MARKETS):
        for event in IDLE[what]:
            await execution.rig.say(event)
        await execution.rig.until(lambda: execution.committed() and not execution.worker.waits())
        assert await execution.passes(HOUR_SECONDS) == set()
        assert not execution.worker.progress.dead_letters


async def test_execution_when_risk_does_not_answer_then_it_is_unready_and_says_whose_step(
    execution: PassingHours,
) -> None:
    async with execution.working(*MARKETS, status(TREND)):
        await execution.rig.say(candle(0))
        await execution.rig.until(lambda: bool(execution.worker.waits()))
        assert await execution.passes(2 * THRESHOLD_SECONDS) == {"assessments"}
        assert execution.texts() == ["assessments: alpha: risk's answers since 1970-01-01T01:00:00Z, 2 min"]
        await execution.rig.say(assessment(0))
        await execution.rig.until(lambda: execution.health.ready)


async def test_execution_when_a_bar_is_missing_beside_others_then_it_is_unready_and_says_which(
    execution: PassingHours,
) -> None:
    async with execution.working(*MARKETS, status(BOTH_MARKETS)):
        await execution.rig.say(candle(0), assessment(0, **PAIR), assessment(0, symbol=ETH, step_index=1, **PAIR))
        await execution.rig.until(lambda: len(execution.service.held()) == 2)
        assert await execution.passes(2 * THRESHOLD_SECONDS) == {"candles", "lag"}
        assert not execution.committed(), "whoever asks the bus sees the lag, too"
        assert "candles: alpha: bars of ETHUSDT 1h since 1970-01-01T01:00:00Z, 2 min" in execution.texts()
        await execution.rig.say(candle(0, symbol=ETH))
        await execution.rig.until(execution.committed)
        await execution.passes(THRESHOLD_SECONDS)
        assert execution.health.ready
        assert len(await execution.rig.said(AccountStateChanged)) == 1
