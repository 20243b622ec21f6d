"""What the gate lets through, what it reports, and what it never does: repair."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.ingest.domain import CandleGate, Verdict, interval_us, mark_last, position_us
from tradewire.ports.events import CandleClosed, GapDetected, GapKind
from tradewire.ports.intervals import INTERVALS_US, ORIGINS_US
from tradewire.trading.bars_csv import BarFault, RawBar

HOUR_US = 3_600_000_000
START_US = 1_571_302_800_000_000
LATER_US = START_US + 1000 * HOUR_US


def bar(hour: int = 0, *, row: int | None = None, **numbers: str) -> RawBar:
    """A sound hourly bar, ``hour`` hours from the start, but for the numbers given."""
    sound = {"open": "100", "high": "110", "low": "90", "close": "105", "volume": "7"}
    return RawBar(START_US + hour * HOUR_US, **(sound | numbers), row=row)


def judge(*rows: RawBar | BarFault, now_us: int = LATER_US) -> list[Verdict]:
    gate = CandleGate("binance", "BTCUSDT", "1h")
    return [verdict for row in rows for verdict in gate.offer(row, now_us=now_us)]


def hours(verdicts: list[Verdict]) -> list[str]:
    """A short way to say what came out: the hour of a candle, the kind of a fault."""
    return [
        str((item.open_time_us - START_US) // HOUR_US) if isinstance(item, CandleClosed) else item.kind.value
        for item in verdicts
    ]


def only_fault(verdicts: list[Verdict]) -> GapDetected:
    (fault,) = [item for item in verdicts if isinstance(item, GapDetected)]
    return fault


def test_offer_when_bars_are_sound_gives_candles_with_their_exact_numbers() -> None:
    (candle,) = judge(bar(close="105.10"))
    assert candle == CandleClosed(
        venue="binance",
        symbol="BTCUSDT",
        interval="1h",
        open_time_us=START_US,
        close_time_us=START_US + HOUR_US,
        open=Decimal("100"),
        high=Decimal("110"),
        low=Decimal("90"),
        close=Decimal("105.10"),
        volume=Decimal("7"),
    )
    assert str(candle.close) == "105.10"


def test_offer_when_a_bar_comes_twice_drops_the_second_and_says_so() -> None:
    verdicts = judge(bar(0), bar(1), bar(1, high="110.0", row=4), bar(2))
    assert hours(verdicts) == ["0", "1", "DUPLICATE", "2"]
    assert (only_fault(verdicts).row, only_fault(verdicts).event_time_us) == (4, START_US + HOUR_US)


def test_offer_when_a_bar_comes_again_otherwise_keeps_the_first_and_tells_both() -> None:
    verdicts = judge(bar(0), bar(1), bar(1, close="106"), bar(2))
    assert hours(verdicts) == ["0", "1", "CONFLICT", "2"]
    fault = only_fault(verdicts)
    assert (fault.found, fault.allowed) == ("100 110 90 106 7", "100 110 90 105 7 as first told")
    assert [item.close for item in verdicts if isinstance(item, CandleClosed)] == [Decimal(105)] * 3


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
def test_offer_when_any_one_number_differs_is_a_conflict(field: str) -> None:
    changed: dict[str, Any] = {"open": "101", "high": "111", "low": "91", "close": "104", "volume": "8"}
    assert hours(judge(bar(0), bar(0, **{field: changed[field]}))) == ["0", "CONFLICT"]


def test_offer_when_bars_are_missing_counts_them_and_then_goes_on() -> None:
    verdicts = judge(bar(0), bar(4, row=3), bar(5))
    assert hours(verdicts) == ["0", "MISSING", "4", "5"]
    gap = only_fault(verdicts)
    assert (gap.missing, gap.after_us, gap.before_us) == (3, START_US, START_US + 4 * HOUR_US)
    assert (gap.event_time_us, gap.row) == (START_US + HOUR_US, 3)


def test_offer_when_a_bar_comes_late_drops_it() -> None:
    verdicts = judge(bar(0), bar(2), bar(1), bar(3))
    assert hours(verdicts) == ["0", "MISSING", "2", "OUT_OF_ORDER", "3"]


@pytest.mark.parametrize(
    ("numbers", "field", "found", "allowed"),
    [
        ({"close": "NaN"}, "close", "NaN", "a finite decimal number"),
        ({"open": "Infinity"}, "open", "Infinity", "a finite decimal number"),
        ({"low": "-90"}, "low", "-90", "> 0"),
        ({"low": "0"}, "low", "0", "> 0"),
        ({"volume": "-1"}, "volume", "-1", "≥ 0"),
        ({"high": "104"}, "high", "104", "≥ max(open, close) = 105"),
        ({"high": "80", "low": "120"}, "high", "80", "≥ max(open, close) = 105"),
        ({"low": "101"}, "low", "101", "≤ min(open, close) = 100"),
        ({"close": "1.123456789"}, "close", "1.123456789", "at most 8 decimals"),
    ],
)
def test_offer_when_a_number_breaks_a_rule_refuses_the_bar_and_leaves_a_hole(
    numbers: dict[str, str], field: str, found: str, allowed: str
) -> None:
    verdicts = judge(bar(0), bar(1, row=3, **numbers), bar(2))
    assert hours(verdicts) == ["0", "INVALID", "MISSING", "2"]
    fault = verdicts[1]
    assert isinstance(fault, GapDetected)
    assert (fault.field, fault.found, fault.allowed, fault.row) == (field, found, allowed, 3)


def test_offer_when_a_row_is_no_bar_reports_what_the_reader_found() -> None:
    fault = only_fault(judge(BarFault(START_US, "row", "2 columns", "6 columns", 9)))
    assert (fault.kind, fault.field, fault.found, fault.row) == (GapKind.INVALID, "row", "2 columns", 9)


def test_offer_when_a_bar_opens_off_the_grid_refuses_it() -> None:
    off = RawBar(START_US + HOUR_US + 1_000_000, "100", "110", "90", "105", "7")
    verdicts = judge(bar(0), off, bar(1))
    assert hours(verdicts) == ["0", "OFF_GRID", "1"]
    assert only_fault(verdicts).found == f"{off.open_time_us} µs, 1000000 µs past one"


def test_offer_when_weekly_takes_mondays() -> None:
    gate = CandleGate("binance", "BTCUSDT", "1w")
    monday_us = 1_570_406_400_000_000  # 2019-10-07
    for opened_us, passes in ((monday_us, True), (monday_us + 10 * 24 * HOUR_US, False)):
        row = RawBar(opened_us, "100", "110", "90", "105", "7")
        (verdict,) = gate.offer(row, now_us=LATER_US)
        assert isinstance(verdict, CandleClosed) == passes


@pytest.mark.parametrize(("now_hour", "passes"), [(-1, False), (0, False), (1, True)])
def test_offer_when_a_bar_is_unfinished_or_of_the_future_refuses_it(now_hour: int, passes: bool) -> None:
    verdicts = judge(bar(0), now_us=START_US + now_hour * HOUR_US)
    assert hours(verdicts) == (["0"] if passes else ["FUTURE"])


def test_offer_when_an_unfinished_bar_has_closed_takes_it_then() -> None:
    gate = CandleGate("binance", "BTCUSDT", "1h")
    assert hours([*gate.offer(bar(0, close="101"), now_us=START_US + HOUR_US - 1)]) == ["FUTURE"]
    assert hours([*gate.offer(bar(0), now_us=START_US + HOUR_US)]) == ["0"]


def test_offer_when_resumed_reports_bars_missing_since_the_last_life() -> None:
    gate = CandleGate("binance", "BTCUSDT", "1h", last_open_us=START_US)
    assert gate.due_us == START_US + HOUR_US
    assert hours([*gate.offer(bar(2), now_us=LATER_US)]) == ["MISSING", "2"]


def test_gate_when_the_interval_is_none_says_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"interval: found '1y', allowed 1m, 2m, 3m, .*, 1w"):
        CandleGate("binance", "BTCUSDT", "1y")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1m", 1), ("10m", 10), ("45m", 45), ("3h", 180), ("4h", 240), ("1d", 1440), ("2d", 2880), ("1w", 10080)],
)
def test_interval_us(text: str, minutes: int) -> None:
    assert interval_us(text) == minutes * 60_000_000


@pytest.mark.parametrize("name", INTERVALS_US)
def test_bars_of_every_interval_pass_the_gate_on_its_grid_alone(name: str) -> None:
    length_us, origin_us = INTERVALS_US[name], ORIGINS_US[name]
    first_us = origin_us + 500 * length_us
    rows = [RawBar(first_us + n * length_us, "10", "12", "9", "11", "1") for n in range(2)]
    gate = CandleGate("binance", "BTCUSDT", name)
    later_us = first_us + 9 * length_us
    passed = [verdict for row in rows for verdict in gate.offer(row, now_us=later_us)]
    assert [(type(one), one.interval) for one in passed] == [(CandleClosed, name)] * 2
    (off,) = CandleGate("binance", "BTCUSDT", name).offer(replace(rows[0], open_time_us=first_us + 1), now_us=later_us)
    assert isinstance(off, GapDetected)


def test_mark_last_marks_the_last_bar_and_keeps_the_order() -> None:
    verdicts = list(mark_last(judge(bar(0), bar(2))))
    assert hours(verdicts) == ["0", "MISSING", "2"]
    assert [item.last_of_stream for item in verdicts if isinstance(item, CandleClosed)] == [False, True]


def test_mark_last_when_the_last_row_is_bad_marks_the_bar_before_it() -> None:
    verdicts = list(mark_last(judge(bar(0), bar(1), bar(2, close="-1"))))
    assert hours(verdicts) == ["0", "1", "INVALID"]
    assert [item.last_of_stream for item in verdicts if isinstance(item, CandleClosed)] == [False, True]


def test_mark_last_when_a_bar_was_told_twice_says_so_before_the_bar_goes_out() -> None:
    assert hours(list(mark_last(judge(bar(0), bar(0), bar(1))))) == ["DUPLICATE", "0", "1"]


rows = st.lists(
    st.one_of(
        st.builds(bar, st.integers(0, 12), close=st.sampled_from(["105", "106"])),
        st.builds(bar, st.integers(0, 12), close=st.sampled_from(["NaN", "-1", "", "999"])),
        st.builds(lambda us: RawBar(START_US + us, "100", "110", "90", "105", "7"), st.integers(1, 10**6)),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(rows)
def test_offer_whatever_comes_each_row_has_one_answer_and_candles_rise(arriving: list[RawBar | BarFault]) -> None:
    gate = CandleGate("binance", "BTCUSDT", "1h")
    candles: list[CandleClosed] = []
    holes = 0
    for row in arriving:
        verdicts = gate.offer(row, now_us=START_US + 11 * HOUR_US)
        assert [item.kind for item in verdicts[:-1] if isinstance(item, GapDetected)] in ([], [GapKind.MISSING])
        candles += [item for item in verdicts if isinstance(item, CandleClosed)]
        holes += sum(item.missing for item in verdicts if isinstance(item, GapDetected))
    opens = [candle.open_time_us for candle in candles]
    assert opens == sorted(set(opens))
    if candles:
        assert holes + len(candles) == (opens[-1] - opens[0]) // HOUR_US + 1
        assert candles[-1].close_time_us <= START_US + 11 * HOUR_US


@settings(max_examples=100, deadline=None)
@given(rows.map(lambda items: sorted(items, key=lambda row: row.open_time_us)))
def test_mark_last_of_sorted_rows_loses_nothing_marks_one_and_never_goes_back(arriving: list[RawBar]) -> None:
    plain = judge(*arriving)
    marked = list(mark_last(plain))
    assert sorted(hours(marked)) == sorted(hours(plain))
    assert [position_us(item) for item in marked] == sorted(position_us(item) for item in marked)
    candles = [item for item in marked if isinstance(item, CandleClosed)]
    assert [candle.last_of_stream for candle in candles] == [False] * (len(candles) - 1) + [True] * bool(candles)
