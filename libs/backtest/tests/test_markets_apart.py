"""Markets whose data begin and end apart: those with bars in a span are traded, and the others are named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tradewire.backtest as tb
from tradewire.backtest.data import MarketDataError, assumptions

DAY_MS = 86_400_000
FIRST_MS = 1_704_067_200_000  # 2024-01-01
BOTH = """
id: two
venue: binance
account: main
symbols: [AAAUSDT, BBBUSDT]
interval: 1d
entry_long: close > sma(close, n)
exit_long: close < sma(close, n)
sizing: {fraction_of_equity: 0.4}
params: {n: {default: 3, low: 2, high: 5, step: 1}}
"""


def days(seed: int, first_day: int, count: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    closes = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.02, count))), 2)
    opens = np.concatenate([[100.0], closes[:-1]])
    return pl.DataFrame(
        {
            "open_time": [FIRST_MS + (first_day + day) * DAY_MS for day in range(count)],
            "open": opens,
            "high": np.round(np.maximum(opens, closes) + 0.5, 2),
            "low": np.round(np.minimum(opens, closes) - 0.5, 2),
            "close": closes,
            "volume": np.full(count, 10.0),
        }
    )


@pytest.fixture
def apart() -> dict[str, pl.DataFrame]:
    """One market from day 0 to 199, the other from day 240 to 479: forty days have no bar at all."""
    return {"AAAUSDT": days(1, 0, 200), "BBBUSDT": days(2, 240, 240)}


@pytest.mark.parametrize("engine", ["futures", "vectorized"])
def test_a_market_without_bars_in_the_span_is_named_and_the_others_trade(
    apart: dict[str, pl.DataFrame], engine: str, tmp_path: Path
) -> None:
    alone = BOTH.replace("AAAUSDT, BBBUSDT", "AAAUSDT")
    run = tb.run(BOTH, apart, engine=engine, end="2024-06-01")
    expected = tb.run(alone, {"AAAUSDT": apart["AAAUSDT"]}, engine=engine, end="2024-06-01")

    assert run.result.equity_e8.tolist() == expected.result.equity_e8.tolist()
    assert [trade.qty for trade in run.result.trades] == [trade.qty for trade in expected.result.trades]
    assert any(
        "BBBUSDT: no data in this span, so it is not traded: its bars open from 2024-08-28" in remark
        for remark in run.remarks
    )
    assert run.ready_from["BBBUSDT"] is None
    assert run.report(tmp_path / "report.html").exists()
    assert run.save(tmp_path / "run")


def test_the_benchmark_is_the_first_market_that_has_bars(apart: dict[str, pl.DataFrame]) -> None:
    run = tb.run(BOTH, apart, start="2024-09-01")
    assert run.stats["benchmark_return"] != 0
    assert "AAAUSDT: no data in this span" in run.remarks[0]


def test_a_span_without_any_bar_is_refused_with_what_there_is(apart: dict[str, pl.DataFrame]) -> None:
    with pytest.raises(MarketDataError) as refused:
        tb.run(BOTH, apart, start="2024-07-20", end="2024-08-20")
    said = str(refused.value)
    assert "no bar of any market in the span asked for, from 2024-07-20T00:00:00Z to before 2024-08-20" in said
    assert "AAAUSDT: its bars open from 2024-01-01T00:00:00Z to 2024-07-18T00:00:00Z" in said
    assert "BBBUSDT: its bars open from 2024-08-28T00:00:00Z" in said


def test_an_assumed_instrument_is_told_whatever_the_span(apart: dict[str, pl.DataFrame]) -> None:
    for start, end in ((None, None), ("2024-03-01", None), (None, "2024-03-01")):
        run = tb.run(BOTH, apart, start=start, end=end)
        assert [market.symbol for market in run.request.markets if market.assumed] == ["AAAUSDT", "BBBUSDT"]


def test_the_page_on_data_names_every_assumption(apart: dict[str, pl.DataFrame]) -> None:
    page = (Path(__file__).parents[3] / "docs/research/data.md").read_text(encoding="utf-8")
    (told,) = (part for part in page.split("\n\n") if part.startswith("A symbol that no instruments file tells of"))
    said = assumptions(tb.run(BOTH, apart).request.markets)[0]
    names = [word.split()[-2] for word in said.partition("names it: ")[2].split(", ")[:-1]]
    assert len(names) > 8
    assert [name for name in names if f"`{name}`" not in told] == []


@pytest.mark.parametrize(("engine", "jobs"), [("futures", 1), ("vectorized", 1), ("vectorized", 2)])
def test_a_sweep_searches_and_tests_markets_that_are_apart(
    apart: dict[str, pl.DataFrame], engine: str, jobs: int
) -> None:
    found = tb.sweep(BOTH, apart, engine=engine, jobs=jobs, walk_forward="40:20", holdout=0.25)
    report = found.report

    assert len(report.ranked) == 4
    assert report.held_out is not None
    assert all(window.test.end_us <= report.searched.end_us < report.held_out.begin_us for window in report.windows)
    assert report.searched.end_us <= report.held_out.begin_us - report.embargo_us
    (first, second) = report.no_bars
    assert first.startswith("AAAUSDT has no bar in the held-out end, in ")
    assert " trainings, in " in second
    assert second.startswith("BBBUSDT has no bar in ")
    whys = ["no market has a bar in its test", "no market has a bar in its training"]
    assert sorted({one.why for one in report.skipped_windows}) == whys


def test_a_sweep_takes_a_market_that_has_no_bar_at_all(apart: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    found = tb.sweep(BOTH, apart, end="2024-07-01", jobs=2, out=tmp_path)
    alone = tb.sweep(BOTH.replace("AAAUSDT, BBBUSDT", "AAAUSDT"), {"AAAUSDT": apart["AAAUSDT"]}, end="2024-07-01")
    assert found.ranked.equals(alone.ranked)
    said = "BBBUSDT has no bar in the whole sweep, and is not traded"
    assert found.report.no_bars == (said,)
    assert json.loads((tmp_path / "evidence.json").read_text(encoding="utf-8"))["report"]["no_bars"] == [said]
    assert alone.report.no_bars == ()


def test_a_window_in_which_no_set_trades_is_skipped_and_named() -> None:
    frame = days(3, 0, 400)
    still = pl.int_range(pl.len()) < 120
    frame = frame.with_columns(
        *(pl.when(still).then(100.0).otherwise(pl.col(name)).alias(name) for name in ("open", "high", "low", "close"))
    )
    frame = frame.with_columns(
        pl.max_horizontal("open", "high", "low", "close").alias("high"),
        pl.min_horizontal("open", "low", "high", "close").alias("low"),
    )
    found = tb.sweep(BOTH.replace("AAAUSDT, BBBUSDT", "AAAUSDT"), frame, walk_forward="50:25")
    assert found.report.skipped_windows
    assert all("none of 4 parameter sets traded" in one.why for one in found.report.skipped_windows)
    assert found.report.windows
