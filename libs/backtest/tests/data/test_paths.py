"""Finer candles inside longer ones: kept where they add up, refused where they contradict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.backtest.data import MarketDataError, MarketFiles, load_markets
from tradewire.trading.language import compile_strategy, parse_strategy

FIRST_MS = 1_600_002_000_000
HOUR_MS = 3_600_000
HEADER = "open_time,open,high,low,close,volume"
STRATEGY = compile_strategy(
    parse_strategy(
        """\
id: any
venue: binance
account: main
symbols: [BTCUSDT]
interval: 1h
entry_long: close > open
exit_long: close < open
sizing: {fraction_of_equity: 0.5}
"""
    )
)
HALVES = [(100, 105, 99, 103), (103, 110, 98, 104)]
"""Of every hour that opens at 100, goes to 110 and 98, and closes at 104."""


def written(path: Path, step_ms: int, rows: dict[int, tuple[float, ...]]) -> Path:
    """Candles by their place on a grid of ``step_ms``."""
    lines = [f"{FIRST_MS + n * step_ms},{','.join(map(str, row))},1" for n, row in sorted(rows.items())]
    path.write_text("\n".join([HEADER, *lines]))
    return path


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    return written(tmp_path / "hours.csv", HOUR_MS, dict.fromkeys(range(4), (100, 110, 98, 104)))


def halves(tmp_path: Path, changes: dict[int, tuple[float, ...] | None]) -> Path:
    rows = {n: HALVES[n % 2] for n in range(8)} | changes
    return written(tmp_path / "halves.csv", HOUR_MS // 2, {n: row for n, row in rows.items() if row is not None})


def test_finer_candles_of_every_bar_are_its_path(hours: Path, tmp_path: Path) -> None:
    (market,) = load_markets(STRATEGY, MarketFiles([hours], path=[halves(tmp_path, {})]))

    assert market.path is not None
    assert (market.path.interval, len(market.path)) == ("30m", 8)
    assert market.path.high.tolist() == [105, 110] * 4
    assert market.path.mark is None


def test_a_bar_whose_finer_candles_are_not_all_there_goes_without(hours: Path, tmp_path: Path) -> None:
    (market,) = load_markets(STRATEGY, MarketFiles([hours], path=[halves(tmp_path, {2: None, 6: None, 7: None})]))

    assert market.path is not None
    assert ((market.path.open_time_us // 1000 - FIRST_MS) // (HOUR_MS // 2)).tolist() == [0, 1, 4, 5]


def test_bars_outside_the_span_have_no_path(hours: Path, tmp_path: Path) -> None:
    files = MarketFiles([hours], path=[halves(tmp_path, {})])

    (market,) = load_markets(
        STRATEGY, files, start_us=(FIRST_MS + HOUR_MS) * 1000, end_us=(FIRST_MS + 2 * HOUR_MS) * 1000
    )

    assert market.path is not None
    assert market.path.open_time_us.tolist() == [(FIRST_MS + n * HOUR_MS // 2) * 1000 for n in (2, 3)]


@pytest.mark.parametrize(
    ("place", "row", "said"),
    [
        (2, (101, 105, 99, 103), "open: found 101.0, allowed 100.0, as the bar of 1h has"),
        (2, (100, 111, 99, 103), "high: found 111.0, allowed 110.0"),
        (3, (103, 110, 97, 104), "low: found 97.0, allowed 98.0"),
        (3, (103, 110, 98, 105), "close: found 105.0, allowed 104.0"),
    ],
)
def test_finer_candles_that_contradict_their_bar_are_refused_with_time_and_values(
    place: int, row: tuple[float, ...], said: str, hours: Path, tmp_path: Path
) -> None:
    with pytest.raises(MarketDataError, match=said) as caught:
        load_markets(STRATEGY, MarketFiles([hours], path=[halves(tmp_path, {place: row})]))

    assert caught.value.time_us == (FIRST_MS + HOUR_MS) * 1000


def test_candles_that_are_no_part_of_the_bars_are_refused(hours: Path, tmp_path: Path) -> None:
    later = written(tmp_path / "later.csv", HOUR_MS // 2, {n: HALVES[n % 2] for n in range(20, 24)})

    with pytest.raises(MarketDataError, match="found candles of 1h, allowed candles of a part of 1h"):
        load_markets(STRATEGY, MarketFiles([hours], path=[hours]))
    with pytest.raises(MarketDataError, match="found no candle inside the bars"):
        load_markets(STRATEGY, MarketFiles([hours], path=[later]))


def test_marks_lie_beside_the_path_as_well(hours: Path, tmp_path: Path) -> None:
    path = halves(tmp_path, {})

    (market,) = load_markets(STRATEGY, MarketFiles([hours], path=[path], mark=[path]))

    assert market.path is not None
    assert market.path.mark is not None
    assert market.path.mark.low.tolist() == [99, 98] * 4
    with pytest.raises(MarketDataError, match="found marks of 1h, allowed marks of 30m or of a part of it"):
        load_markets(STRATEGY, MarketFiles([hours], path=[path], mark=[hours]))
