"""Risk is ready for the whole hour between two bars, and not while an account waits for evaluations that don't come."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tradewire.ports.events import OrderLeg, RiskAssessed, Signal
from tradewire.ports.message import Event
from tradewire.risk.settings import Settings
from tradewire.risk.wiring import build
from tradewire.testkit.builders import (
    BTC,
    ETH,
    HOUR_US,
    account_state,
    evaluation,
    instrument,
    open_order,
    position,
    share,
)
from tradewire.testkit.passing_hours import HOUR_SECONDS, STEP_SECONDS, THRESHOLD_SECONDS, PassingHours
from tradewire.testkit.strategies import active, document, retired, status

MARKETS = instrument(BTC), instrument(ETH)
TREND, OTHER = active(document("trend", "alpha", BTC)), active(document("other", "alpha", BTC))
BOTH_MARKETS = active(document("trend", "alpha", BTC, ETH))
LATER = active(document("trend", "alpha", BTC), 2, effective_from_us=50 * HOUR_US)
HOLD, ENTER = Signal.HOLD, Signal.ENTER_LONG
WORKING = account_state(1, open_orders=(open_order(OrderLeg.ENTRY, price=Decimal(90)),))
GUARDED = account_state(
    1, positions=(position(1),), strategy_positions=(share(1),), open_orders=(open_order(OrderLeg.STOP_LOSS),)
)
IDLE: dict[str, list[Event]] = {
    "state, then evaluation": [status(TREND), account_state(0), evaluation(0, HOLD)],
    "evaluation, then state": [status(TREND), evaluation(0, HOLD), account_state(0)],
    "a market that was far ahead of its account": [
        status(TREND),
        *(evaluation(number, HOLD) for number in range(20)),
        *(account_state(number) for number in range(20)),
    ],
    "states far ahead of what was decided": [
        status(TREND),
        *(account_state(number) for number in range(20)),
        *(evaluation(number, HOLD) for number in range(20)),
    ],
    "an order approved": [status(TREND), account_state(0), evaluation(0, ENTER)],
    "an entry at work": [status(TREND), account_state(0), evaluation(0, ENTER), evaluation(1, HOLD), WORKING],
    "a position with its guard": [status(TREND), evaluation(0, HOLD), account_state(0), GUARDED, evaluation(1, HOLD)],
    "two strategies": [
        *(status(TREND), status(OTHER), evaluation(0, HOLD), account_state(0)),
        evaluation(0, HOLD, strategy_id="other"),
    ],
    "two markets": [status(BOTH_MARKETS), evaluation(0, HOLD), evaluation(0, HOLD, ETH), account_state(0)],
    "a retired strategy whose position is followed on": [
        *(status(TREND), evaluation(0, HOLD), account_state(0)),
        *(retired(TREND, {BTC: HOUR_US + 1}), GUARDED, account_state(2), account_state(3)),
    ],
    "an account without strategies": [account_state(0), account_state(1)],
    "a version due later": [status(TREND, LATER), evaluation(0, HOLD), account_state(0)],
    "a strategy that begins later": [status(LATER), account_state(0), account_state(1)],
    "a stream that ended": [
        status(TREND),
        evaluation(0, HOLD, last_of_stream=True),
        account_state(0),
        account_state(1),
    ],
}


@pytest.fixture
def risk(monkeypatch: pytest.MonkeyPatch) -> PassingHours:
    """The service, for which the test lets time pass."""
    return PassingHours(build(Settings(bus_url="memory:")), monkeypatch)


@pytest.mark.parametrize("events", IDLE.values(), ids=IDLE.keys())
async def test_risk_when_nothing_happens_for_an_hour_then_it_is_ready_and_nothing_lags(
    risk: PassingHours, events: list[Event]
) -> None:
    async with risk.working(*MARKETS):
        for event in events:
            await risk.rig.say(event)
        await risk.rig.until(risk.committed)
        assert await risk.passes(HOUR_SECONDS) == set()
        assert (dict(risk.service.held()), risk.worker.waits()) == ({}, [])
        assert not risk.worker.progress.dead_letters


async def test_risk_when_no_evaluation_comes_for_a_state_then_it_is_unready_and_says_whose(risk: PassingHours) -> None:
    async with risk.working(*MARKETS):
        await risk.rig.say(status(TREND), account_state(0))
        await risk.rig.until(lambda: bool(risk.service.held()))
        assert await risk.passes(2 * THRESHOLD_SECONDS) == {"evaluations", "lag"}
        assert not risk.committed(), "whoever asks the bus sees the lag, too"
        assert "evaluations: alpha: evaluations of trend on BTCUSDT since 1970-01-01T01:00:00Z, 2 min" in risk.texts()
        await risk.rig.say(evaluation(0, HOLD))
        await risk.rig.until(risk.committed)
        await risk.passes(THRESHOLD_SECONDS)
        assert risk.health.ready
        assert len(await risk.rig.said(RiskAssessed)) == 1


async def test_risk_when_one_of_two_accounts_stands_still_then_it_is_told_first(risk: PassingHours) -> None:
    stuck, well = active(document("late", "zeta", BTC)), TREND
    async with risk.working(*MARKETS, status(stuck), status(well)):
        await risk.rig.say(account_state(0, account_id="zeta"))
        for number in range(3):
            await risk.rig.say(account_state(number))
            await risk.rig.until(lambda: len(list(risk.service.waits())) == 2)
            await risk.passes(STEP_SECONDS)
            told = [text.split(": ")[1] for text in risk.texts() if text.startswith("evaluations")]
            assert told == ["zeta", "alpha"] if number else {"zeta", "alpha"} == set(told)
            await risk.rig.say(evaluation(number, HOLD))
            await risk.rig.until(lambda: len(list(risk.service.waits())) == 1)
        assert {wait.what.split(":")[0] for wait in risk.health.unready("risk") if wait.reason == "evaluations"} == {
            "zeta"
        }
