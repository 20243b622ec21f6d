"""The way inside a bar, and instruments that change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.market_details import details_left_out
from tradewire.backtest.vectorized.results import left_out
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestRequest,
    BacktestResult,
    MarketHistory,
    PathHistory,
)

from .markets import HOUR_US, instrument, market, strategy
from .requests import requests

BTC, ETH = "BTCUSDT", "ETHUSDT"
QUARTER_US = HOUR_US // 4
LONG = """\
id: once
venue: binance
account: main
symbols: [BTCUSDT]
interval: 1h
entry_long: close > 100.5
exit_long: close < 1
sizing: {fixed_qty: 1}
protect: {stop_loss: 5, take_profit: 5}
"""


@settings(deadline=None, max_examples=15)
@given(request=requests())
def test_a_path_of_one_candle_a_bar_changes_nothing(request: BacktestRequest) -> None:
    whole = tuple(
        replace(
            one,
            path=PathHistory("1h", one.open_time_us, one.open, one.high, one.low, one.close, one.volume, one.mark),
        )
        for one in request.markets
    )

    none = tuple(replace(one, path=None) for one in request.markets)

    told, guessed = (FuturesEngine().run(replace(request, markets=markets)) for markets in (whole, none))

    assert told.fingerprint == guessed.fingerprint


FloatArray = NDArray[np.float64]
Columns = tuple[NDArray[np.int64], FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def bars(rows: Sequence[tuple[float, float, float, float]], step_us: int = HOUR_US, begin_us: int = 0) -> Columns:
    """Open times and columns of bars that follow one another."""
    times = begin_us + np.arange(len(rows), dtype=np.int64) * step_us
    opened, high, low, close = np.array(rows, dtype=np.float64).T.copy()
    return times, opened, high, low, close, np.full(len(rows), 100.0)


HOURS = [(100, 101, 99, 101), (101, 107, 95, 101), (101, 101, 101, 101)]
"""Bought at the second bar's open: it holds the stop at 96 and the take-profit at 106."""


def protected(path: PathHistory | None) -> BacktestResult:
    one = MarketHistory(instrument(BTC), "1h", *bars(HOURS), path=path)
    return FuturesEngine().run(BacktestRequest(LONG, (one,)))


@pytest.mark.parametrize(
    ("quarters", "leg"),
    [
        ([(101, 107, 101, 106), (106, 106, 95, 96), (96, 100, 96, 100), (100, 101, 100, 101)], "TAKE_PROFIT"),
        ([(101, 101, 95, 96), (96, 107, 96, 106), (106, 106, 100, 100), (100, 101, 100, 101)], "STOP_LOSS"),
    ],
)
def test_the_path_tells_which_of_two_orders_inside_a_bar_came_first(
    quarters: list[tuple[float, float, float, float]], leg: str
) -> None:
    guessed = protected(None)
    told = protected(PathHistory("15m", *bars(quarters, QUARTER_US, HOUR_US)))

    assert guessed.fills[1].leg == "STOP_LOSS"
    assert told.fills[1].leg == leg
    assert "1 of 3 bars walked along their 15m bars" in told.fill_model


def changing(valid_from_us: int, **changes: object) -> MarketHistory:
    one = market(BTC, 3, 200, step=2.0)
    later = instrument(BTC).model_copy(update={"valid_from_us": valid_from_us, **changes})
    return replace(one, later_instruments=(later,))


def test_a_version_acts_from_its_time_on_and_not_before() -> None:
    at_us = 90 * HOUR_US
    changed = changing(at_us, taker_fee=Decimal("0.002"), step_size=Decimal("0.5"))

    result = FuturesEngine().run(BacktestRequest(strategy((BTC,)), (changed,)))

    rates: dict[bool, set[Any]] = {fill.time_us >= at_us: set() for fill in result.fills}
    for fill in result.fills:
        rates[fill.time_us >= at_us].add((fill.fee / fill.price / fill.qty).quantize(Decimal("0.000001")))
    assert rates == {False: {Decimal("0.000500")}, True: {Decimal("0.002000")}}
    entered = [fill.qty for fill in result.fills if fill.leg == "ENTRY" and fill.time_us >= at_us]
    assert len(entered) > 2
    assert all(qty % Decimal("0.5") == 0 for qty in entered)
    assert "2 versions of its filters, fees and brackets" in result.fill_model


def test_an_equal_version_and_one_after_the_end_change_nothing() -> None:
    plain = replace(changing(0), later_instruments=())
    expected = FuturesEngine().run(BacktestRequest(strategy((BTC,)), (plain,))).fingerprint

    for same in (changing(50 * HOUR_US), changing(900 * HOUR_US, taker_fee=Decimal("0.01"))):
        assert FuturesEngine().run(BacktestRequest(strategy((BTC,)), (same,))).fingerprint == expected


def test_fees_that_the_account_asks_for_hold_for_every_version() -> None:
    account = AccountSettings(taker_fee=Decimal(0), maker_fee=Decimal(0))

    result = FuturesEngine().run(BacktestRequest(strategy((BTC,)), (changing(50 * HOUR_US),), account=account))

    assert {fill.fee for fill in result.fills} == {Decimal(0)}


def test_engines_without_them_say_so() -> None:
    plain = left_out(AccountSettings(), [market(BTC, 1, 5)])
    one = replace(changing(HOUR_US), path=PathHistory("15m", *bars([HOURS[1]], QUARTER_US)))

    told = left_out(AccountSettings(), [one])[len(plain) :]

    assert told == details_left_out([one])
    assert "15m path data is not used" in told[0]
    assert "BTCUSDT has later ones" in told[1]
    assert details_left_out([market(BTC, 1, 5)]) == ()
