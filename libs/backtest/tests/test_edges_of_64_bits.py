"""Numbers at the edges of 64 bits of 1e-8 units: traded, refused in words, or never acting, in both engines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from libs.backtest.tests.futures.markets import market

import tradewire.backtest as tb
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest

INSTRUMENTS = Path(__file__).parents[3] / "data/sample/instruments.yaml"
ENGINES = ("futures", "vectorized")
HOUR_MS = 3_600_000

pytestmark = pytest.mark.filterwarnings("ignore:the strategy:UserWarning")


def frame(closes: Sequence[float], volume: float = 1_000.0) -> pl.DataFrame:
    """Hourly bars, each from the close before to its own."""
    close = np.array(closes, dtype=np.float64)
    opened = np.r_[close[0], close[:-1]]
    return pl.DataFrame(
        {
            "open_time": 1_704_067_200_000 + HOUR_MS * np.arange(len(close)),
            "open": opened,
            "high": np.maximum(opened, close),
            "low": np.minimum(opened, close),
            "close": close,
            "volume": np.full(len(close), volume),
        }
    )


def strategy(
    entry: str, leave: str, *, side: str = "long", sizing: str = "fraction_of_equity: 0.5", more: str = ""
) -> str:
    return (
        "id: edge\nvenue: binance\naccount: main\nsymbols: [XUSDT]\ninterval: 1h\n"
        f"entry_{side}: {entry}\nexit_{side}: {leave}\nsizing: {{{sizing}}}\n{more}"
    )


WAVE = [100.0, 100.0, 101.0, 102.0, 101.0, 100.0, 99.0, 100.0, 101.0, 102.0]


@pytest.mark.parametrize("distance", ["1000000000000", "90000000000", "41000000000", "5000000000"])
@pytest.mark.parametrize("guard", ["take_profit", "stop_loss", "trailing_stop"])
@pytest.mark.parametrize(
    ("side", "entry", "leave"),
    [
        ("long", "close > 100.5", "close < 99.5"),
        ("short", "close > 100.5", "close < 99.5"),
    ],
)
def test_level_out_of_reach_never_acts(side: str, entry: str, leave: str, guard: str, distance: str) -> None:
    plain = strategy(entry, leave, side=side)
    guarded = strategy(entry, leave, side=side, more=f"protect: {{{guard}: {distance}}}\n")
    for engine in ENGINES:
        wanted, found = (tb.run(text, frame(WAVE), engine=engine) for text in (plain, guarded))
        assert len(found.fills) == len(wanted.fills) > 0
        assert found.equity.to_list() == wanted.equity.to_list()


@pytest.mark.parametrize("volume", [9e10, 1e11, 8_100_000_000_001.0, 1e20, 1e29])
def test_volume_that_nothing_uses_is_no_reason_to_refuse(volume: float) -> None:
    bars = frame([1234e-8, 1240e-8, 1251e-8, 1230e-8, 1290e-8], volume)
    text = strategy("close > 0.00001235", "close < 0.00001235", sizing="fraction_of_equity: 0.01")
    runs = [tb.run(text, bars, engine=engine) for engine in ENGINES]
    assert len(runs[0].fills) > 0
    assert runs[0].equity.to_list() == runs[1].equity.to_list()


def test_volume_too_large_to_share_is_refused_in_words() -> None:
    with pytest.raises(
        ValueError, match=r"volume of bar 0: found 1e\+20, allowed .* where a volume share bounds fills"
    ):
        tb.run(strategy("close > 0", "close < 0"), frame(WAVE, 1e20), volume_share="0.1")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("capital", ["100000000000", "1000000000000", "1e30", "nan", "inf"])
def test_capital_that_does_not_fit_is_refused_in_words(capital: str, engine: str) -> None:
    with pytest.raises(ValueError, match=r"found .*allowed "):
        tb.run(strategy("close > 0", "close < 0"), frame(WAVE), capital=Decimal(capital), engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("price", [4e10, 9e10, 1e12, 1e20])
def test_price_that_does_not_fit_is_refused_in_words(price: float, engine: str) -> None:
    told = f"row 2, 2024-01-01T01:00:00Z: high: found {price!r}, allowed below 40,000,000,000: divide the prices"
    with pytest.raises(ValueError, match=re.escape(told)):
        tb.run(strategy("close > 0", "close < 0"), frame([100.0, price, 100.0]), engine=engine)


@pytest.mark.parametrize(
    ("column", "wrong", "allowed"),
    [
        ("close", 5e11, "above 0 and below 40,000,000,000"),
        ("low", -1.0, "above 0 and below 40,000,000,000"),
        ("open", 100.1234567891, "at most 8 decimals"),
    ],
)
def test_both_engines_name_the_first_wrong_price_in_the_same_sentence(column: str, wrong: float, allowed: str) -> None:
    bars = market("XUSDT", 1, 50)
    later = bars.open.copy()
    later[7] = 6e11
    values = later if column == "open" else getattr(bars, column).copy()
    values[4] = wrong
    spoilt: dict[str, Any] = {"open": later, column: values}
    asked = BacktestRequest(strategy("close > 0", "close < 0"), (replace(bars, **spoilt),))
    told = f"^XUSDT {column} of bar 4: found {re.escape(repr(wrong))}, allowed {allowed}$"
    for engine in (FuturesEngine(), VectorizedEngine()):
        with pytest.raises(ValueError, match=told):
            engine.run(asked)


@pytest.mark.parametrize("price", [1e-8, 39_999_999_999.0])
def test_lowest_and_highest_price_trade(price: float) -> None:
    text = strategy("close > 0", "close < 0", sizing="fraction_of_equity: 0.00001")
    runs = [tb.run(text, frame([price] * 4), engine=engine, slippage_bps=0) for engine in ENGINES]
    assert runs[0].equity.to_list() == runs[1].equity.to_list()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("held_bars", [1, 30])
def test_position_that_outgrows_64_bits_is_refused_in_words(engine: str, held_bars: int) -> None:
    closes = [100.0] * 3 + [1e6] * held_bars + [1e9] * held_bars
    text = strategy("close > 0", "close < 0", sizing="fixed_qty: 900").replace("binance", "coinbase")
    with pytest.raises(ValueError, match=r"worth more than 4.5e10 quote, allowed is what fits 64 bits"):
        tb.run(
            text.replace("XUSDT", "BTCUSD"), frame(closes), capital=1_000_000, engine=engine, instruments=INSTRUMENTS
        )


def test_quantity_that_does_not_fit_is_no_entry() -> None:
    text = strategy("close > 0", "close < 0", sizing="fixed_qty: 1000000000000")
    assert [len(tb.run(text, frame(WAVE), engine=engine).fills) for engine in ENGINES] == [0, 0]


@pytest.mark.parametrize("tick", [1e-3, 1e-6, 1e-7, 1e-8])
@pytest.mark.parametrize("fraction", ["0.2", "0.9", "1", "3"])
def test_cheap_coins_trade_with_the_opening_balance(tick: float, fraction: str) -> None:
    """Prices of some 1,000 ticks, turned round at each cross: nothing assumed of the instrument refuses an order."""
    closes = [round(tick * (900 + value), 8) for value in WAVE * 4]
    both = strategy("close > open", "close < open", sizing=f"fraction_of_equity: {fraction}, max_leverage: 4")
    both += "entry_short: close < open\nexit_short: close > open\n"
    runs = [tb.run(both, frame(closes), engine=engine, leverage=5) for engine in ENGINES]
    assert len(runs[0].fills) == len(runs[1].fills) > 20
    assert runs[0].equity.to_list() == runs[1].equity.to_list()
    assert not [line for line in runs[0].not_happened if "refused" in line]
