"""One case by a peer, run by the peers' interpreter: `python -m benchmarks.research.peers CASE SIZE REPEATS`."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from benchmarks.research.data import CASH, FAST, SLOW, START_S, alternating, candles, window_pairs
from benchmarks.research.timing import digest, timed

warnings.simplefilter("ignore")


def talib_batch(case: str, size: int, repeats: int) -> None:
    """B1: TA-Lib's C library through its wrapper."""
    import talib

    bars = candles(size)
    calls = {
        "SMA20": lambda: talib.SMA(bars.close, 20),
        "EMA20": lambda: talib.EMA(bars.close, 20),
        "RSI14": lambda: talib.RSI(bars.close, 14),
        "ATR14": lambda: talib.ATR(bars.high, bars.low, bars.close, 14),
        "BBANDS20": lambda: talib.BBANDS(bars.close, 20),
        "MACD": lambda: talib.MACD(bars.close),
    }
    timed(calls[case.removeprefix("B1-")], repeats, prints=lambda found: digest(np.array(found)))


def talipp_stream(case: str, size: int, repeats: int) -> None:
    """B2: talipp, value by value."""
    from talipp.indicators import ATR, BB, EMA, MACD, RSI, SMA
    from talipp.ohlcv import OHLCV

    bars = candles(size)
    made = {
        "SMA20": lambda: SMA(20),
        "EMA20": lambda: EMA(20),
        "RSI14": lambda: RSI(14),
        "ATR14": lambda: ATR(14),
        "BBANDS20": lambda: BB(20, 2.0),
        "MACD": lambda: MACD(12, 26, 9),
    }
    name = case.removeprefix("B2-")
    values = bars.close.tolist()
    if name == "ATR14":
        values = [OHLCV(*row) for row in zip(*(column.tolist() for column in bars), strict=True)]

    def run() -> object:
        indicator = made[name]()
        for value in values:
            indicator.add(value)
        return indicator[-1]

    timed(run, repeats, prints=repr)


def vectorbt_orders(_: str, size: int, repeats: int) -> None:
    """B3: Portfolio.from_signals."""
    import vectorbt as vbt

    price, entries, exits = alternating(size, size)

    def prints(found: vbt.Portfolio) -> str:
        records = found.orders.values
        assert len(records) == size * size, "every cell has an order"
        return digest(records["size"], records["price"])

    timed(lambda: vbt.Portfolio.from_signals(price, entries, exits, init_cash=CASH, size=1.0), repeats, prints=prints)


def backtesting_cross(_: str, size: int, repeats: int) -> None:
    """B4: backtesting.py."""
    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover
    from backtesting.test import SMA

    class Cross(Strategy):  # type: ignore[misc]  # the peer has no types
        def init(self) -> None:
            self.fast = self.I(SMA, self.data.Close, FAST)
            self.slow = self.I(SMA, self.data.Close, SLOW)

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.buy(size=0.95)
            elif crossover(self.slow, self.fast):
                self.position.close()

    times = pd.date_range(pd.Timestamp(START_S, unit="s"), periods=size, freq="min")
    frame = pd.DataFrame(candles(size)._asdict(), index=times).rename(columns=str.title)
    test = Backtest(frame, Cross, cash=CASH, commission=0.0004, finalize_trades=False)

    def trades_and_equity(found: Any) -> str:
        return f"{found['# Trades']} trades, {found['Equity Final [$]']:.6f}"

    timed(test.run, repeats, prints=trades_and_equity)


def vectorbt_return(_: str, size: int, repeats: int) -> None:
    """B5: two moving averages, a portfolio, its total return."""
    import pandas as pd
    import vectorbt as vbt

    close = pd.Series(candles(size).close)

    def run() -> object:
        fast, slow = vbt.MA.run(close, FAST), vbt.MA.run(close, SLOW)
        entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        return vbt.Portfolio.from_signals(close, entries, exits, init_cash=CASH, freq="1min").total_return()

    timed(run, repeats, prints=lambda found: digest(np.array(found)))


def vectorbt_sweep(_: str, size: int, repeats: int) -> None:
    """B6: all window pairs at once, as its documentation does."""
    import pandas as pd
    import vectorbt as vbt

    close = pd.Series(candles(size).close)
    windows = np.arange(2, window_pairs().max() + 1)

    def run() -> object:
        fast, slow = vbt.MA.run_combs(close, windows, r=2, short_names=["fast", "slow"])
        entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        return vbt.Portfolio.from_signals(close, entries, exits, init_cash=CASH, fees=0.001, freq="1min").total_return()

    def prints(found: object) -> str:
        assert len(found) == len(window_pairs()), "one return a pair"  # type: ignore[arg-type]
        return digest(np.array(found))

    timed(run, repeats, prints=prints)


def main() -> None:
    """Measure what the command line asks for."""
    case, size, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    families = {
        "B1": talib_batch,
        "B2": talipp_stream,
        "B3": vectorbt_orders,
        "B4": backtesting_cross,
        "B5": vectorbt_return,
        "B6": vectorbt_sweep,
    }
    families[case.partition("-")[0]](case, size, repeats)


if __name__ == "__main__":
    main()
