"""Run by the peers' interpreter: backtesting.py and vectorbt on the same prices, as JSON on standard output.

Settings under which the two are known to agree: orders of 10 units at the next open; backtesting.py with exclusive
orders, vectorbt with signals a bar later and `upon_opposite_entry="reverse"`.
"""

import json
import warnings

warnings.simplefilter("ignore")

import vectorbt as vbt  # noqa: E402
from backtesting import Backtest, Strategy  # noqa: E402
from backtesting.lib import crossover  # noqa: E402
from backtesting.test import GOOG, SMA  # noqa: E402

CASH, SIZE, FAST, SLOW = 100_000, 10, 10, 20


class Cross(Strategy):  # type: ignore[misc]  # the peer has no types
    """SMA 10/20: long only, or always in the market."""

    reverse = False

    def init(self) -> None:
        self.fast = self.I(SMA, self.data.Close, FAST)
        self.slow = self.I(SMA, self.data.Close, SLOW)

    def next(self) -> None:
        if crossover(self.fast, self.slow):
            self.buy(size=SIZE)
        elif crossover(self.slow, self.fast):
            self.sell(size=SIZE) if self.reverse else self.position.close()


def by_backtesting(reverse: bool, fee: float) -> list[float]:
    """Equity at every close."""
    test = Backtest(GOOG, Cross, cash=CASH, commission=fee, exclusive_orders=reverse)
    return [float(value) for value in test.run(reverse=reverse)["_equity_curve"]["Equity"]]


def by_vectorbt(reverse: bool, fee: float) -> list[float]:
    """Equity at every close."""
    fast, slow = GOOG.Close.rolling(FAST).mean(), GOOG.Close.rolling(SLOW).mean()
    was_above, was_below = fast.shift() >= slow.shift(), fast.shift() <= slow.shift()
    above = ((fast > slow) & was_below).shift(fill_value=False)
    below = ((fast < slow) & was_above).shift(fill_value=False)
    sides = {"short_entries": below} if reverse else {"exits": below}
    if reverse:
        sides["upon_opposite_entry"] = "reverse"
    portfolio = vbt.Portfolio.from_signals(
        GOOG.Close, above, price=GOOG.Open, size=SIZE, fees=fee, init_cash=CASH, freq="1D", **sides
    )
    return [float(value) for value in portfolio.value()]


bars = {name.lower(): [float(value) for value in GOOG[name]] for name in ("Open", "High", "Low", "Close", "Volume")}
bars["open_time_us"] = [int(value) for value in GOOG.index.astype("datetime64[us]").astype("int64")]
runs = [
    {
        "reverse": reverse,
        "fee": fee,
        "backtesting": by_backtesting(reverse, float(fee)),
        "vectorbt": by_vectorbt(reverse, float(fee)),
    }
    for reverse in (False, True)
    for fee in ("0", "0.002")
]
print(json.dumps({"bars": bars, "runs": runs}))
