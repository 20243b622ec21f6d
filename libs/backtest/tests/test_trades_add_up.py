"""Trades, and what the insurance fund bore, add up to the account's change, to the last unit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tradewire.backtest as tb
from tradewire.backtest.futures.engine import FuturesEngine
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.ports.backtest import BacktestRequest, BacktestResult

from .futures.requests import requests
from .vectorized import markets


def assert_adds_up(result: BacktestResult) -> None:
    """The sum of all trades is the change of the equity."""
    change = Decimal(int(result.equity_e8[-1])).scaleb(-8) - result.account.capital
    assert sum((trade.pnl for trade in result.trades), result.insurance) == change


@settings(max_examples=40, deadline=None)
@given(requests(), st.sampled_from([1, 5, 50]))
def test_futures_engine_adds_up(request: BacktestRequest, leverage: int) -> None:
    assert_adds_up(FuturesEngine().run(replace(request, account=replace(request.account, leverage=leverage))))


@settings(max_examples=40, deadline=None)
@given(markets.requests())
def test_vectorized_engine_adds_up(request: BacktestRequest) -> None:
    assert_adds_up(VectorizedEngine().run(request))


@pytest.mark.filterwarnings("ignore:the strategy:UserWarning")  # nothing but the venue closes it, on purpose
def test_gap_past_bankruptcy_is_the_insurance_funds_row() -> None:
    rows = [
        (100.0, 100.0, 100.0, 100.0),
        (100.0, 100.1, 99.9, 100.0),
        (30.0, 31.0, 29.0, 30.0),
        (30.0, 30.0, 30.0, 30.0),
    ]
    opened, high, low, close = zip(*rows, strict=True)
    times = [1_704_067_200_000 + 3_600_000 * bar for bar in range(4)]
    bars = pl.DataFrame(
        {"open_time": times, "open": opened, "high": high, "low": low, "close": close, "volume": [1.0] * 4}
    )
    text = (
        "id: gap\nvenue: binance\naccount: main\nsymbols: [XUSDT]\ninterval: 1h\nentry_long: close > 99\n"
        "exit_long: close < 0\nsizing: {fraction_of_equity: 4, max_leverage: 5}\n"
    )

    run = tb.run(text, bars, leverage=5)

    assert run.result.insurance == Decimal("180600.2")
    assert run.stats["insurance"] == Decimal("180600.2")
    money = (run.stats[name] for name in ("price_pnl", "fees", "funding", "slippage", "insurance"))
    assert sum((Decimal(str(amount)) for amount in money), Decimal(0)) == run.stats["net_pnl"] == Decimal(-100_000)
    assert run.stats["price_pnl"] == Decimal("-280000")
    assert_adds_up(run.result)
