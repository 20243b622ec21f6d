"""One snapshot per closed bar, over config changes, repeats and restarts, without a jump."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.indicator.domain.desk import IndicatorDesk
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, IndicatorStateSaved, IndicatorsUpdated
from tradewire.testkit.builders import BTC, ETH, HOUR_US, candle, envelope
from tradewire.testkit.strategies import active, document, status
from tradewire.trading.indicators.adapted import adapted
from tradewire.trading.indicators.adapters.choice import Adapter, adapter_of

MEAN, LONGER = "sma(close,3)", "sma(close,5)"


def desk_with(*texts: str) -> IndicatorDesk:
    """A desk that serves these strategies."""
    desk = IndicatorDesk()
    for text in texts or (document(),):
        event = status(active(text))
        list(desk.on_status(event, envelope(event)))
    return desk


def fed(desk: IndicatorDesk, *bars: CandleClosed, offset: int = 0) -> list[IndicatorsUpdated]:
    """Deliver bars; returns the snapshots."""
    found = []
    for number, bar in enumerate(bars):
        found += [emit.event for emit in desk.on_candle(bar, envelope(bar, offset + number))]
    return [event for event in found if isinstance(event, IndicatorsUpdated)]


def saved(desk: IndicatorDesk) -> list[tuple[int, IndicatorStateSaved]]:
    """What a checkpoint writes."""
    return list(desk.changed())


def test_candle_when_closed_then_one_snapshot_with_the_bar_and_what_strategies_demand() -> None:
    first, second, third = fed(desk_with(), candle(0, 10), candle(1, 20), candle(2, 60))
    assert [s.values[MEAN] for s in (first, second, third)] == [None, None, 30.0]
    assert (third.values["close"], third.previous["close"]) == (60.0, 20.0)
    assert third.close == 60
    assert (third.event_time_us, third.input_offset, first.previous) == (3 * HOUR_US, 2, {})


def test_candle_when_nobody_demands_anything_then_snapshot_of_the_bar_alone() -> None:
    (snapshot,) = fed(desk_with(), candle(0, 10, ETH))
    assert set(snapshot.values) == {"open", "high", "low", "close", "volume"}


def test_candle_when_two_strategies_demand_then_each_series_is_there_once() -> None:
    desk = desk_with(document("a"), document("b", indicators="{mean: 'sma(close, 5)'}"), document("c"))
    (snapshot,) = fed(desk, candle(0))
    assert {MEAN, LONGER} < set(snapshot.values)


def test_candle_when_delivered_again_or_late_then_answered_once() -> None:
    desk = desk_with()
    fed(desk, *(candle(n) for n in range(4)))
    assert fed(desk, candle(3), candle(1)) == []
    assert len(fed(desk, candle(4))) == 1


def test_candle_when_last_of_its_stream_then_snapshot_says_so() -> None:
    assert [s.last_of_stream for s in fed(desk_with(), candle(0), candle(1, last_of_stream=True))] == [False, True]


def test_candle_when_interval_is_unknown_then_contract_violation() -> None:
    odd = candle(0).model_copy(update={"interval": "7h"})
    with pytest.raises(ContractViolationError, match="'7h'; allowed: 1m"):
        fed(desk_with(), odd)


def test_status_when_a_strategy_joins_then_old_series_go_on_and_the_new_one_warms_up() -> None:
    desk = desk_with()
    fed(desk, *(candle(n, 10) for n in range(3)))
    joined = status(active(document("late", indicators="{mean: 'sma(close, 5)'}")))
    list(desk.on_status(joined, envelope(joined)))
    found = fed(desk, *(candle(n, 10) for n in range(3, 8)))
    assert [s.values[MEAN] for s in found] == [10.0] * 5
    assert [s.values[LONGER] for s in found] == [None] * 4 + [10.0]


@pytest.mark.parametrize("told_before", range(4))
def test_version_that_starts_later_when_told_sooner_or_later_then_its_series_begin_with_its_first_bar(
    told_before: int,
) -> None:
    text = document(indicators="{mean: 'sma(close, 5)'}")
    later = status(active(document()), active(text, version=2, effective_from_us=4 * HOUR_US + HOUR_US))
    desk = desk_with()
    found = fed(desk, *(candle(n, 10) for n in range(told_before)))
    list(desk.on_status(later, envelope(later)))
    found += fed(desk, *(candle(n, 10) for n in range(told_before, 10)))
    assert [s.values.get(LONGER, "none") for s in found] == ["none"] * 4 + [None] * 4 + [10.0] * 2
    assert [MEAN in s.values for s in found] == [True] * 4 + [False] * 6


def test_status_when_the_strategy_retires_then_its_series_stop() -> None:
    desk = desk_with()
    fed(desk, candle(0))
    gone = status(strategy_id="trend")
    list(desk.on_status(gone, envelope(gone)))
    assert MEAN not in fed(desk, candle(1))[0].values


def test_forget_when_partition_leaves_then_only_its_streams_go() -> None:
    desk = desk_with()
    list(desk.on_candle(candle(0), envelope(candle(0), partition=1)))
    list(desk.on_candle(candle(0, symbol=ETH), envelope(candle(0, symbol=ETH), partition=2)))
    desk.forget(1)
    assert set(desk.status()["streams"]) == {f"sim:{ETH}:1h"}  # type: ignore[call-overload]


def test_changed_when_asked_again_without_news_then_nothing() -> None:
    desk = desk_with()
    fed(desk, candle(0))
    assert [(partition, event.symbol, event.input_offset) for partition, event in saved(desk)] == [(0, BTC, 0)]
    assert saved(desk) == []


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), bars=st.integers(1, 40))
def test_desk_when_it_dies_anywhere_then_goes_on_without_a_jump(seed: int, bars: int) -> None:
    rng = random.Random(seed)
    text = document(indicators="{mean: 'ema(close, 4)', spread: 'atr(5)', day: 'sma(close, 2, interval=4h)'}")
    candles = [candle(n, 100 + rng.randrange(-30, 30) / 10) for n in range(bars) if rng.random() > 0.1]
    whole = fed(desk_with(text), *candles)
    desk, state, committed, at = desk_with(text), {}, 0, 0
    found: dict[int, IndicatorsUpdated] = {}
    while at < len(candles):
        for snapshot in fed(desk, candles[at], offset=at):
            assert found.setdefault(snapshot.event_time_us, snapshot) == snapshot
        at += 1
        if rng.random() < 0.3:
            state.update({event.symbol: (partition, event) for partition, event in saved(desk)})
            committed = at if rng.random() < 0.7 else committed
        if rng.random() < 0.1:
            desk, at = desk_with(text), committed
            for partition, event in state.values():
                desk.restore(partition, event)
    assert list(found.values()) == whole


def test_restored_feed_when_another_library_saved_it_then_warms_up_anew() -> None:
    desk = desk_with()
    fed(desk, candle(0, 10), candle(1, 20))
    again = IndicatorDesk(adapted(adapter_of(Adapter.TALIB)), Adapter.TALIB)
    event = status(active(document()))
    list(again.on_status(event, envelope(event)))
    for partition, state in saved(desk):
        again.restore(partition, state)
    found = fed(again, candle(1, 20), candle(2, 60), candle(3, 60), candle(4, 60))
    assert [s.values[MEAN] for s in found] == [None, None, 60.0]
    third = IndicatorDesk(adapted(adapter_of(Adapter.TALIB)), Adapter.TALIB)
    for partition, state in saved(again):
        third.restore(partition, state)
    list(third.on_status(event, envelope(event)))
    assert [s.values[MEAN] for s in fed(third, candle(5, 90))] == [70.0]


def test_candle_when_its_state_was_saved_before_candles_were_linked_then_the_last_one_sent_again_is_a_copy() -> None:
    desk = desk_with()
    fed(desk, *(candle(n, 10) for n in range(4)))
    ((partition, event),) = saved(desk)
    state = json.loads(event.state)
    del state["candles"]
    again = desk_with()
    again.restore(partition, event.model_copy(update={"state": json.dumps(state).encode()}))
    assert list(again.on_candle(candle(3, 10), envelope(candle(3, 10), 4))) == []
    assert list(again.watch.waits()) == []
    assert [s.values[MEAN] for s in fed(again, candle(4, 10), offset=5)] == [10.0]
    assert list(again.watch.waits()) == []
