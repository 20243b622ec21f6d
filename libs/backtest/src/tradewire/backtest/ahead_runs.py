"""Small runs that call every loop of research with all the types that it is called with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tradewire.backtest.data import Candles
from tradewire.backtest.data.csv_rows import compiled_cells
from tradewire.backtest.data.instruments import assumed_instrument
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.vectorized.signals import simulate_signals
from tradewire.ports.backtest import BacktestRequest, BacktestResult, MarketHistory
from tradewire.trading.bars_layout import read_layout
from tradewire.trading.indicators.catalogue import BUILT_IN
from tradewire.trading.language import INTERVALS_US

STRATEGY = """\
id: ahead
venue: any
account: main
symbols: [ANY]
interval: 1h
params: {length: {default: 3, low: 2, high: 9, step: 1}}
indicators:
  fast: ema(close, length)
  slow: sma(close, 8, interval=4h)
  width: atr(5)
  strength: rsi(close, 5)
  band: bollinger(close, 20, 2)
  channel: donchian(20)
  ceiling: shift(channel.upper, 1)
entry_long: crossed_above(close, fast) or strength < 20 or close < band.lower
exit_long: crossed_below(close, fast)
entry_short: crossed_below(close, fast) and close < ceiling and close < slow
exit_short: crossed_above(close, fast)
sizing: {fraction_of_equity: 0.5}
protect: {stop_loss: 2 * width, take_profit: 3 * width, trailing_stop: 2 * width}
"""
BARS = 500


def futures() -> None:
    """The futures engine."""
    _read(FuturesEngine().run(_request()))


def vectorized() -> None:
    """The vectorized engine, for one set of parameters and for many; portfolios from signals."""
    _read(VectorizedEngine().run(_request()))
    VectorizedEngine().run_many(_request(), {"length": np.array([3.0, 4.0])})
    rising = np.arange(2.0, 12.0).reshape(5, 2)
    simulate_signals(rising, rising > 3.0, rising > 9.0)


def files() -> None:
    """The reader of large files."""
    text = "open_time,open,high,low,close,volume\n0,1,1,1,1,1\n"
    cells = compiled_cells(text.encode(), read_layout(text.splitlines(), "ahead"))
    assert cells, "plain rows are read"


def indicators() -> None:
    """The array form of every built-in indicator; where it has one of its own, the step too, which decides near 0."""
    bar = np.full(BARS, 100.0)
    around_zero = np.where(np.arange(BARS) % 2, 1.0, -1.0)
    for indicator in BUILT_IN.values():
        indicator.array([bar] * len(indicator.inputs), ())
        if indicator.kernel.stretch is not None:
            indicator.array([around_zero] * len(indicator.inputs), ())


RUNS: Mapping[str, Callable[[], None]] = MappingProxyType(
    {run.__name__: run for run in (futures, vectorized, files, indicators)}
)
"""By name; each is compiled in a process of its own."""


def _read(result: BacktestResult) -> None:
    """Ask for all that is made when it is asked for."""
    made = list(result.trades), list(result.fills), result.fingerprint
    assert all(made), "each is made"


def _request() -> BacktestRequest:
    close = np.round(100 + 10 * np.sin(np.arange(BARS) / 5), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(opened, close) + 1, np.minimum(opened, close) - 1
    times = np.arange(BARS, dtype=np.int64) * INTERVALS_US["1h"]
    columns = (times, opened, high, low, close, np.full(BARS, 100.0))
    instrument = assumed_instrument("any", "ANY", Candles("1h", *columns))
    # What changes in the middle is passed by the exchange, and the loop begins again behind it.
    later = instrument.model_copy(update={"valid_from_us": int(times[BARS // 2])})
    market = MarketHistory(instrument, "1h", *columns, later_instruments=(later,))
    return BacktestRequest(STRATEGY, (market,))
