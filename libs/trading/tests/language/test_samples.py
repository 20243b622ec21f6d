"""The sample strategies on the sample data: sound, frequent enough to be worth watching, and documented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tradewire.trading.indicators import INDICATORS
from tradewire.trading.language import (
    SIGNALS,
    Bars,
    Signal,
    check_strategy,
    compile_strategy,
    findings_of,
    memory_of,
    parse_strategy,
)
from tradewire.trading.language.numbers import FUNCTIONS
from tradewire.trading.language.scope import CROSSINGS, VOLATILITY
from tradewire.trading.language.tree import BAR_FIELDS

ROOT = Path(__file__).parents[4]
SAMPLES = sorted((ROOT / "strategies").glob("*.yaml"))
ENTRIES = (Signal.ENTER_LONG, Signal.ENTER_SHORT, Signal.REVERSE_TO_LONG, Signal.REVERSE_TO_SHORT)


def sample_bars(venue: str, symbol: str, interval: str) -> Bars:
    path = ROOT / "data" / "sample" / f"{venue}-{symbol}-{interval}.csv"
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    times = (table[:, 0] * 1000).astype(np.int64)
    return Bars(times, *(np.ascontiguousarray(table[:, column]) for column in range(1, 6)))


def test_samples_when_listed_then_cover_an_hourly_account_and_two_daily_ones() -> None:
    compiled = [compile_strategy(parse_strategy(path.read_text())) for path in SAMPLES]
    assert [path.stem for path in SAMPLES] == [strategy.id for strategy in compiled]
    found = sorted((strategy.interval, strategy.account) for strategy in compiled)
    assert found == [("1d", "alpha"), ("1d", "beta"), ("1h", "main"), ("1h", "main"), ("1h", "main")]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_when_checked_on_its_data_then_is_accepted_and_trades_often(path: Path) -> None:
    strategy = compile_strategy(parse_strategy(path.read_text()))
    for symbol in strategy.symbols:
        bars = sample_bars(strategy.venue, symbol, strategy.interval).head(5_000)
        assert not [finding.message for finding in check_strategy(strategy, bars) if finding.refuses]
        signals = strategy.evaluate_array(bars).signal
        entries = sum(int((signals == SIGNALS.index(signal)).sum()) for signal in ENTRIES)
        assert entries >= len(bars) / 100, f"{entries} entries in {len(bars)} bars of {symbol}"


def test_words_when_collected_then_no_indicator_hides_a_function_or_field() -> None:
    assert not set(INDICATORS) & {*FUNCTIONS, *CROSSINGS, VOLATILITY, *BAR_FIELDS}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_sample_is_warned_of(path: Path) -> None:
    document = parse_strategy(path.read_text())
    compiled = compile_strategy(document)
    settled, unsettled = memory_of(compiled)

    assert document.warnings == ()
    assert findings_of(compiled) == ()
    assert unsettled == ()
    assert compiled.warmup_bars <= (settled or 0) <= 8 * compiled.warmup_bars
