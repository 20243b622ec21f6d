"""Entries that wait for volume count as exposure, in the loop as at the exchange."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from tradewire.backtest.futures import FuturesEngine, loop
from tradewire.ports.backtest import AccountSettings, BacktestRequest, BacktestResult, MarketHistory

from .markets import HOUR_US, market
from .requests import limited

BOTH = """
id: both
venue: binance
account: main
symbols: [BTCUSDT, ETHUSDT]
interval: 1h
entry_long: close > open
exit_long: close < 1
sizing: {fixed_notional: 1000}
"""


def rising_once(symbol: str, at: int, volume: np.ndarray[tuple[int], np.dtype[np.float64]]) -> MarketHistory:
    """Ten bars at 100 that rise to 101 in one of them."""
    close = np.where(np.arange(10) >= at, 101.0, 100.0)
    begin = np.concatenate([[100.0], close[:-1]])
    return replace(
        market(symbol, 1, 10),
        open_time_us=np.arange(10, dtype=np.int64) * HOUR_US,
        open=begin,
        high=np.maximum(begin, close),
        low=np.minimum(begin, close),
        close=close,
        volume=volume,
        mark=None,
    )


def traded(quiet: slice) -> BacktestResult:
    """BTC asks to enter at bar 4, ETH at bar 5, each for 1,000 quote; ``quiet`` bars of BTC have no volume."""
    volume = np.full(10, 1e6)
    volume[quiet] = 0.0
    markets = (rising_once("BTCUSDT", 4, volume), rising_once("ETHUSDT", 5, np.full(10, 1e6)))
    limits = limited({"max_gross_exposure": "1500"})
    account = AccountSettings(capital=Decimal(100_000), limits=limits, volume_share=Decimal("0.5"))
    return FuturesEngine().run(BacktestRequest(BOTH, markets, account=account))


@pytest.mark.parametrize("bar_by_bar", [False, True])
@pytest.mark.parametrize("quiet", [slice(5, 7), slice(0, 0)])
def test_an_entry_that_waits_for_volume_leaves_no_room_for_another(
    quiet: slice, bar_by_bar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bar_by_bar:
        monkeypatch.setattr(loop, "trade", lambda start, *_: (start, False))

    assert {fill.symbol for fill in traded(quiet).fills} == {"BTCUSDT"}
