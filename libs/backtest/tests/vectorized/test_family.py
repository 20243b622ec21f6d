"""What many sets decide together is what each decides by itself, where series have holes and numbers no value too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tradewire.backtest.vectorized.addresses import numbers_at
from tradewire.backtest.vectorized.columns import ParamColumns
from tradewire.backtest.vectorized.decisions import alone
from tradewire.backtest.vectorized.family import StrategyFamily
from tradewire.backtest.vectorized.market import markets_of
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarketHistory
from tradewire.trading.language import compile_strategy, parse_strategy

from .markets import history

HOLED = """
id: holed
venue: paper
account: desk
symbols: [AAA, BBB]
interval: 1h
indicators:
  above: sma(sqrt(close - 100 + edge), n)
  trend: ema(close, n)
entry_long: crossed_above(close, trend) or not sqrt(close - 95) > 1
exit_long: above > 4 and not close > trend and not crossed_below(above, 5)
entry_short: crossed_below(close, trend) and (close != open or log(close - 101) <= edge)
exit_short: above <= 3 and not close <= trend or close < low + edge / 100
sizing: {risk_per_trade: 0.01 + edge / 1000, max_leverage: 1}
protect: {stop_loss: high - low + log(close - 90)}
params:
  n: {default: 3, low: 2, high: 9, step: 1}
  edge: {default: 1, low: 0, high: 5}
"""

TIED = """
id: tied
venue: paper
account: desk
symbols: [AAA, BBB]
interval: 1h
indicators:
  mean: sma(close, n)
  body: close - open
  band: bollinger(close, n)
entry_long: crossed_above(close, mean) or body > edge / 100
exit_long: crossed_below(mean, sma(close, 4)) or body < mean - close
entry_short: close < band.middle and high - low > 0.02 * edge
exit_short: momentum(close, n) >= body or sma(body, n) == 0
sizing: {fraction_of_equity: 0.5}
protect: {stop_loss: high - low + 0.01}
params:
  n: {default: 3, low: 2, high: 9, step: 1}
  edge: {default: 1, low: 0, high: 5}
"""


def test_ties_break_no_set_from_what_it_decides_by_itself() -> None:
    drawn = tuple(
        replace(market, **{name: np.round(getattr(market, name), 1) for name in ("open", "high", "low", "close")})
        for market in (history("AAA", 16, [1] * 210, gaps=True), history("BBB", 18, [1] * 210))
    )
    decides_as_alone(TIED, drawn, 10**7)


@pytest.mark.parametrize("room_bytes", [1, 30_000, 10**7])
def test_every_set_decides_as_by_itself(room_bytes: int) -> None:
    decides_as_alone(HOLED, (history("AAA", 16, [1] * 210, gaps=True), history("BBB", 18, [1] * 210)), room_bytes)


def decides_as_alone(text: str, drawn: tuple[MarketHistory, ...], room_bytes: int) -> None:
    """Each set of a family decides what its strategy decides by itself."""
    document = parse_strategy(text)
    markets = markets_of(BacktestRequest(text, drawn, account=AccountSettings()), document)
    values = {"n": np.array([3.0, 5, 2, 3, 9, 5]), "edge": np.array([1.0, 0, 2.5, 0, 5, 1])}
    columns, seen, codes = ParamColumns({}, values, 6), [], set()
    for found in StrategyFamily(document, markets, columns, room_bytes).decisions():
        for place, number in enumerate(found.numbers.tolist()):
            expected = alone(compile_strategy(document, columns.params(number)), number, markets)
            assert np.array_equal(found.signal[place], expected.signal[0])
            assert found.sizing[place].tolist() == expected.sizing[0].tolist()
            for symbol, bars in enumerate(markets.columns):
                stop = numbers_at(found.table[symbol, found.guards[place, 0]], len(bars))
                assert np.array_equal(stop, numbers_at(expected.table[symbol, 0], len(bars)), equal_nan=True)
            assert found.guards[place, 1:].tolist() == [-1, -1, -1]
            seen.append(number)
            codes |= set(np.unique(found.signal[place]).tolist())
    assert sorted(seen) == list(range(6))
    assert len(codes) > 3, "signals of several kinds"
