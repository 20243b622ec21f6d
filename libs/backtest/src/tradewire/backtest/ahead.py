"""Compile the loops of research before the first backtest waits for them: ``python -m tradewire.backtest.ahead``.

7 to 20 s per engine on a new machine, both at once; the machine code stays on disk (`tradewire.backtest.compiled`).
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from tradewire.backtest.data import Candles
from tradewire.backtest.data.instruments import assumed_instrument
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest, MarketHistory
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
"""The indicators of the sample strategies; others are compiled when they are first asked for, in a second or two."""
BARS = 500


def compile_futures() -> None:
    """Compile the loops of the futures engine."""
    FuturesEngine().run(_request())


def compile_vectorized() -> None:
    """Compile the loops of the vectorized engine, for one set of parameters and for many."""
    VectorizedEngine().run(_request())
    VectorizedEngine().run_many(_request(), {"length": np.array([3.0, 4.0])})


def main() -> None:
    """Compile for both engines, each in a process of its own."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(compile_futures), pool.submit(compile_vectorized)]:
            done.result()


def _request() -> BacktestRequest:
    close = np.round(100 + 10 * np.sin(np.arange(BARS) / 5), 2)
    opened = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(opened, close) + 1, np.minimum(opened, close) - 1
    times = np.arange(BARS, dtype=np.int64) * INTERVALS_US["1h"]
    columns = (times, opened, high, low, close, np.full(BARS, 100.0))
    instrument = assumed_instrument("any", "ANY", Candles("1h", *columns))
    return BacktestRequest(STRATEGY, (MarketHistory(instrument, "1h", *columns),))


if __name__ == "__main__":
    main()
