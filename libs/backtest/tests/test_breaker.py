"""Limits on a day's loss and on a drawdown against their definitions, computed from the equity alone."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

import pytest

from tradewire.backtest.futures import FuturesEngine
from tradewire.ports.backtest import AccountSettings, BacktestRequest, BacktestResult
from tradewire.ports.events import RiskLimitsChanged

from .futures.markets import market

DAY_US = 86_400_000_000
SYMBOL = "BTCUSDT"
ALWAYS = f"""\
id: always
account: main
symbols: [{SYMBOL}]
interval: 1h
sizing: {{fraction_of_equity: 2}}
entry_long: volume >= 0
exit_long: close < open
"""
"""Asks for an entry at every close without an exit, so that each close at which it is flat is judged."""


def run(seed: int, **limits: Decimal) -> tuple[BacktestResult, list[bool]]:
    """The run, and at which closes an entry was judged."""
    bars = market(SYMBOL, seed, 400)
    account = AccountSettings(
        capital=Decimal(10_000),
        limits=RiskLimitsChanged(account_id="main", version=1, author="tests", changed_at_us=0, **limits),
    )
    result = FuturesEngine().run(BacktestRequest(ALWAYS, (bars,), account=account))
    flat = result.position_e8[SYMBOL] == 0
    return result, (flat & (bars.close >= bars.open)).tolist()


def expected(result: BacktestResult, judged: list[bool], loss: Fraction | None, fall: Fraction | None) -> Counter[str]:
    """Refusals by rule: the loss since the first close of the UTC day, the fall from the highest close so far."""
    equity = [Fraction(int(value), 10**8) for value in result.equity_e8]
    days = [int(time_us) // DAY_US for time_us in result.time_us]
    first: dict[int, int] = {}
    starts = [first.setdefault(day, at) for at, day in enumerate(days)]
    refused: Counter[str] = Counter()
    for value, start, peak, asked in zip(equity, starts, accumulate(equity, max), judged, strict=True):
        if not asked:
            continue
        if loss is not None and equity[start] - value > loss:
            refused["max_daily_loss"] += 1
        elif fall is not None and 1 - value / peak > fall:
            refused["max_drawdown"] += 1
    return refused


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("loss", "fall"), [("150", None), (None, "0.08"), ("120", "0.05")])
def test_entries_are_refused_exactly_where_the_definitions_say(seed: int, loss: str | None, fall: str | None) -> None:
    given = {"max_daily_loss": loss, "max_drawdown_ratio": fall}
    limits = {name: Decimal(text) for name, text in given.items() if text is not None}

    result, judged = run(seed, **limits)

    wanted = expected(result, judged, *(None if text is None else Fraction(text) for text in (loss, fall)))
    assert result.activity.refused == dict(wanted)
    assert sum(wanted.values()) > 0
