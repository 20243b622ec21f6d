"""Which candles follow the last of their market, and what is said of the others."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tradewire.ports.errors import RefusedRecordError
from tradewire.ports.events import AuditRecorded, CandleClosed
from tradewire.ports.message import Envelope
from tradewire.testkit.builders import HOUR_US, candle
from tradewire.testkit.random_markets import chained
from tradewire.trading.candle_chain import BEGINNING, RECENT_MAX, CandleVerdict, ChainEnd, longest_chain
from tradewire.trading.candle_watch import CandleWatch

BARS = chained([candle(number, 100 + number) for number in range(10)])


def after(bars: list[CandleClosed], end: ChainEnd = BEGINNING) -> ChainEnd:
    """The end once all bars were taken, each at the offset of its place."""
    for offset, bar in enumerate(bars):
        assert end.judge(bar, offset) is CandleVerdict.TAKEN
        end = end.after(bar, offset)
    return end


def linked(number: int, previous: int | None, close: int = 100) -> CandleClosed:
    """A bar that follows another."""
    previous_us = previous if previous is None or previous < 0 else previous * HOUR_US
    return candle(number, close, previous_open_time_us=previous_us)


@pytest.mark.parametrize(
    ("found", "offset", "verdict"),
    [
        (linked(10, 9), 10, CandleVerdict.TAKEN),
        (linked(12, 9), 10, CandleVerdict.TAKEN),
        (linked(12, 11), 10, CandleVerdict.HOLE),
        (linked(10, 8), 10, CandleVerdict.UNLINKED),
        (linked(5000, 8), 10, CandleVerdict.UNLINKED),
        (linked(5000, -1), 10, CandleVerdict.UNLINKED),
        (linked(5000, None), 10, CandleVerdict.UNLINKED),
        (BARS[9], 10, CandleVerdict.COPY),
        (BARS[7], 10, CandleVerdict.COPY),
        (linked(9, 8, close=7), 10, CandleVerdict.CONTRADICTS),
        (linked(9, 8, close=7), 5, CandleVerdict.COPY),
        (linked(1, 0, close=7), 10, CandleVerdict.OLDER),
        (BARS[1], 10, CandleVerdict.OLDER),
        (BARS[1], 1, CandleVerdict.COPY),
    ],
)
def test_judge_when_nine_bars_were_taken_then(found: CandleClosed, offset: int, verdict: CandleVerdict) -> None:
    end = after(BARS)
    assert end.judge(found, offset) is verdict
    assert ChainEnd.restored(json.loads(json.dumps(end.saved()))) == end
    assert len(end.recent) == RECENT_MAX


def test_judge_when_no_candle_named_one_yet_then_the_newer_is_taken() -> None:
    end = after([candle(0), candle(1)])
    assert end.judge(candle(5000), 2) is CandleVerdict.TAKEN
    assert end.judge(linked(2, 1), 2) is CandleVerdict.TAKEN


def test_checksum_when_the_same_figures_came_another_way_then_a_copy() -> None:
    told = BARS[9].model_copy(update={"backfilled": True, "previous_open_time_us": 1, "volume": Decimal("1.00")})
    assert after(BARS).judge(told, 10) is CandleVerdict.COPY


@pytest.mark.parametrize(
    "odd",
    [linked(5000, 3), linked(5000, None), linked(5000, -1), linked(7, 3, close=9), BARS[2]],
    ids=["ahead", "names none", "knows none", "contradicts", "older"],
)
@pytest.mark.parametrize("place", [4, 7, 10])
def test_longest_chain_when_a_candle_does_not_belong_to_it_then_goes_on_behind_the_others(
    odd: CandleClosed, place: int
) -> None:
    bars = BARS[2:]
    assert longest_chain([*bars[:place], odd, *bars[place:]]) == (BARS[9].open_time_us, len(bars))


def test_longest_chain_when_a_candle_ahead_names_the_last_one_then_the_one_that_more_lead_to() -> None:
    forged = linked(5000, 7)
    assert longest_chain([*BARS[:8], forged, *BARS[8:]])[0] == BARS[9].open_time_us
    assert longest_chain([]) == (-1, 0)


def said(watch: CandleWatch, end: ChainEnd, found: CandleClosed, offset: int) -> list[str]:
    """What a candle makes the watch say."""
    emits = watch.say(end.judge(found, offset), end, found, Envelope("id", partition=3, offset=offset))
    return [event.message for event in (emit.event for emit in emits) if isinstance(event, AuditRecorded)]


def test_watch_when_candles_do_not_follow_then_each_is_counted_and_the_market_waits_until_one_does() -> None:
    watch, end = CandleWatch("indicator"), after(BARS)
    with pytest.raises(RefusedRecordError, match="names no candle before it; allowed: what follows 1970-01-01T09"):
        said(watch, end, linked(5000, None), 10)
    assert len(said(watch, end, BARS[1], 11)) == 0, "the first that was not taken was said"
    (wait,) = watch.waits()
    assert wait.reason == "market"
    assert "sim:BTCUSDT:1h" in wait.what
    assert "1970-01-01T09:00:00Z" in wait.what
    assert "partition 3 offset 10" in wait.what
    (hole,) = said(watch, end, linked(12, 11), 12)
    assert "candles between them are missing" in hole
    assert list(watch.waits()) == []
    (older,) = said(watch, end, BARS[1], 13)
    assert "partition 3 offset 13" in older
    counts = {figure.labels[1]: figure.value for figure in watch.figures()}
    assert counts == {"hole": 1, "older": 2, "unlinked": 1, "contradicts": 0}
