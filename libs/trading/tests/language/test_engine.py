"""The engine on small histories that can be followed by hand: sharing, higher intervals, gaps, bad bars, state."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tradewire.trading.language import Bars, IndicatorEngine, StrategyErrors, parse_series
from tradewire.trading.language.tree import canonical

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def history(hours: list[int], close: list[float] | None = None) -> Bars:
    """Bars that open at these hours; the close is the hour's number unless given, volume 1."""
    values = np.array(close if close is not None else hours, dtype=np.float64)
    times = np.array(hours, dtype=np.int64) * HOUR_US
    return Bars(times, values, values + 1, values - 1, values, np.ones(len(hours)))


def feed(engine: IndicatorEngine, bars: Bars) -> list[dict[str, float | None]]:
    rows = (bars.bar(index) for index in range(len(bars)))
    return [engine.update(bar.open_time_us, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in rows]


def both_forms(demand: str, bars: Bars) -> list[float | None]:
    """The demand on every bar, after making sure that both forms agree."""
    fed = [row[demand] for row in feed(IndicatorEngine([demand], HOUR_US), bars)]
    array = [
        None if value != value else value for value in IndicatorEngine([demand], HOUR_US).array(bars)[demand].tolist()
    ]
    assert fed == array
    return fed


def test_higher_interval_when_a_base_bar_completes_it_then_that_bar_sees_it() -> None:
    seen = both_forms("sma(close, 1, interval=4h)", history([*range(9)]))
    assert seen == [None, None, None, 3.0, 3.0, 3.0, 3.0, 7.0, 7.0]


def test_higher_interval_when_started_in_its_middle_then_that_bucket_is_dropped() -> None:
    seen = both_forms("sma(close, 1, interval=4h)", history([*range(2, 9)]))
    assert seen == [None, None, None, None, None, 7.0, 7.0]


def test_higher_interval_when_its_last_base_bar_is_missing_then_the_next_bucket_closes_it() -> None:
    seen = both_forms("sma(close, 1, interval=4h)", history([0, 1, 2, 4, 5]))
    assert seen == [None, None, None, 2.0, 2.0]


def test_higher_interval_when_one_base_bar_closes_two_buckets_then_the_later_one_is_seen() -> None:
    seen = both_forms("sma(close, 2, interval=4h)", history([0, 1, 7, 8]))
    assert seen == [None, None, (1 + 7) / 2, (1 + 7) / 2]


def test_higher_interval_when_buckets_are_empty_then_they_make_no_bars() -> None:
    seen = both_forms("sma(close, 2, interval=4h)", history([0, 3, 16, 19]))
    assert seen == [None, None, None, (3 + 19) / 2]


def test_higher_interval_when_aggregated_then_holds_open_high_low_close_and_volume() -> None:
    bars = history([0, 1, 2, 3], [5.0, 9.0, 2.0, 6.0])
    for demand, expected in (("open", 5.0), ("high", 10.0), ("low", 1.0), ("close", 6.0), ("volume", 4.0)):
        assert both_forms(f"sma({demand}, 1, interval=4h)", bars)[3] == expected


def test_higher_interval_when_a_week_then_it_begins_on_monday() -> None:
    monday = 4 * 24  # 1970-01-05
    seen = both_forms("sma(close, 1, interval=1w)", history([*range(monday, monday + 8 * 24)]))
    assert seen.index(monday + 7 * 24 - 1.0) == 7 * 24 - 1


def test_higher_interval_when_the_bucket_is_open_then_later_base_bars_do_not_show() -> None:
    calm, wild = [1.0] * 8, [1.0] * 4 + [1.0, 999.0, 999.0, 999.0]
    quiet, loud = (both_forms("ema(close, 2, interval=4h)", history([*range(8)], close)) for close in (calm, wild))
    assert quiet[:7] == loud[:7]


def test_engine_when_demands_share_parts_then_each_is_computed_once() -> None:
    demands = ["macd(close,12,26,9).macd", "macd(close,12,26,9).signal", "sma(rsi(close,14),5)", "rsi(close,14)"]
    assert sorted(IndicatorEngine(demands, HOUR_US).nodes()) == [
        "macd(close,12,26,9)",
        "rsi(close,14)",
        "sma(rsi(close,14),5)",
    ]


def test_engine_when_an_interval_is_named_then_inner_nodes_run_on_it_and_are_shared() -> None:
    engine = IndicatorEngine(["sma(rsi(close,3),2,interval=4h)", "rsi(close,3,interval=4h)"], HOUR_US)
    assert sorted(engine.nodes()) == ["rsi(close,3,interval=4h)", "sma(rsi(close,3),2,interval=4h)"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_update_when_a_field_is_not_finite_then_raises(bad: float) -> None:
    with pytest.raises(ValueError, match=r"low of the bar at 0 µs is .*; it must be finite"):
        IndicatorEngine(["ema(close,3)"], HOUR_US).update(0, 1.0, 1.0, bad, 1.0, 1.0)


@pytest.mark.parametrize("again", [0, HOUR_US - 1, -HOUR_US])
def test_update_when_a_bar_overlaps_the_last_then_raises(again: int) -> None:
    engine = IndicatorEngine(["ema(close,3)"], HOUR_US)
    engine.update(0, 1.0, 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="overlaps the last bar at 0 µs"):
        engine.update(again, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_update_when_a_result_has_no_value_then_is_none_and_recovers() -> None:
    bars = history([0, 1, 2], [0.0, 0.0, 4.0])
    assert both_forms("1 / close", bars) == [None, None, 0.25]
    assert both_forms("sqrt(-close)", bars) == [-0.0, -0.0, None]
    assert both_forms("sma(log(close), 1)", bars)[:2] == [None, None]


def test_restore_when_a_new_higher_node_is_added_then_it_starts_with_the_next_whole_bar() -> None:
    bars = history([*range(14)])
    engine = IndicatorEngine(["ema(close,3)"], HOUR_US)
    feed(engine, bars.head(2))
    grown = IndicatorEngine(["ema(close,3)", "sma(close,1,interval=4h)"], HOUR_US)
    grown.restore(engine.state())
    seen = feed(grown, bars.span(2, 14))
    assert [row["sma(close,1,interval=4h)"] for row in seen] == [None] * 5 + [7.0] * 4 + [11.0] * 3
    assert seen[0]["ema(close,3)"] is not None


def test_restore_when_inside_a_higher_bar_then_the_last_closed_one_is_still_seen() -> None:
    bars, demand = history([*range(9)]), "sma(close,1,interval=4h)"
    engine, restored = IndicatorEngine([demand], HOUR_US), IndicatorEngine([demand], HOUR_US)
    feed(engine, bars.head(6))
    restored.restore(json.loads(json.dumps(engine.state(), allow_nan=False)))
    assert [row[demand] for row in feed(restored, bars.span(6, 9))] == [3.0, 7.0, 7.0]


def test_restore_of_the_first_version_goes_on_where_slots_mean_the_same() -> None:
    bars, demands = history([*range(1, 12)]), ["ema(close,3)", "sma(close,3)", "ema(close,9)"]
    engine, restored = IndicatorEngine(demands, HOUR_US), IndicatorEngine(demands, HOUR_US)
    feed(engine, bars.head(6))
    saved = engine.state()
    saved["version"] = 1
    saved["base"]["sma(close,3)"]["state"] = [6.0, 3.0, 0.0, 0.0, 4.0, 5.0, 6.0]

    restored.restore(saved)

    seen = feed(restored, bars.span(6, 11))
    assert [row["ema(close,3)"] for row in seen] == [row["ema(close,3)"] for row in feed(engine, bars.span(6, 11))]
    assert [row["sma(close,3)"] for row in seen] == [None, None, 8.0, 9.0, 10.0]
    assert [row["ema(close,9)"] for row in seen] == [None] * 5


def test_restore_when_of_another_interval_then_raises() -> None:
    with pytest.raises(ValueError, match="needed is 2, 86400000000 µs"):
        IndicatorEngine([], DAY_US).restore(IndicatorEngine([], HOUR_US).state())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ema( close )", "ema(close,20)"),
        ("macd(close).signal", "macd(close,12,26,9).signal"),
        ("macd(close, signal=5).macd", "macd(close,12,26,5).macd"),
        ("sma(close, 200, interval = 4h)", "sma(close,200,interval=4h)"),
        ("sma(close, 200, interval=1h)", "sma(close,200)"),
        ("sma(close, 200.0, interval=12h)", "sma(close,200,interval=12h)"),
        ("(high + low) / 2", "(high+low)/2"),
        ("high - (low - close)", "high-(low-close)"),
        ("-(high * 2) + +3", "-(high*2)+3"),
        ("sma((close), 2 * 5)", "sma(close,10)"),
        ("max(close, 1 / 4)", "max(close,0.25)"),
    ],
)
def test_canonical_when_written_loosely_then_is_normalised(written: str, expected: str) -> None:
    assert canonical(parse_series(written, HOUR_US)) == expected


def test_engine_when_a_demand_is_no_expression_then_raises_with_its_column() -> None:
    with pytest.raises(StrategyErrors, match=r"line 1, column 5: unknown name `clos`"):
        IndicatorEngine(["sma(clos, 3)"], HOUR_US)


def test_bars_when_times_do_not_rise_or_values_are_not_finite_then_raises() -> None:
    with pytest.raises(ValueError, match="bar 1 opens at or before"):
        history([1, 1])
    with pytest.raises(ValueError, match="open of bar 1 is nan"):
        history([1, 2], [1.0, float("nan")])
