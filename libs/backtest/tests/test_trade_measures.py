"""How long a trade was held, what it returned, and how far the price went for and against it."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.trade_measures import measures_of
from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarketHistory, PathHistory, Trade, TradeReason
from tradewire.ports.events import Side

from .futures.markets import HOUR_US, instrument, market, strategy
from .futures.requests import requests

BTC = "BTCUSDT"
HIGHS, LOWS = (112.0, 125.0, 108.0), (96.0, 90.0, 99.0)
"""Of three bars that open at 100 and close at 104, 105 and 103."""


def three_bars(path: PathHistory | None = None) -> MarketHistory:
    opens, closes = np.array([100.0, 104.0, 105.0]), np.array([104.0, 105.0, 103.0])
    times = np.arange(3, dtype=np.int64) * HOUR_US
    volume = np.ones(3)
    return MarketHistory(
        instrument(BTC), "1h", times, opens, np.array(HIGHS), np.array(LOWS), closes, volume, path=path
    )


def trade(entry_hours: float, exit_hours: float | None, side: Side = Side.BUY, **changes: Any) -> Trade:
    """From 100 to 104 of one unit, by default long."""
    values: dict[str, Any] = {
        "symbol": BTC,
        "side": side,
        "qty": Decimal(1),
        "entry_time_us": int(entry_hours * HOUR_US),
        "exit_time_us": None if exit_hours is None else int(exit_hours * HOUR_US),
        "entry_price": Decimal(100),
        "exit_price": Decimal(104),
        "fees": Decimal(1),
        "funding": Decimal(0),
        "slippage": Decimal(0),
        "pnl": Decimal(3),
        "entry_reason": TradeReason.SIGNAL,
        "exit_reason": TradeReason.SIGNAL,
    }
    return Trade(**(values | changes))


@pytest.mark.parametrize(
    ("held", "side", "worst", "best"),
    [
        pytest.param((0, 1), Side.BUY, -0.04, 0.12, id="one whole bar"),
        pytest.param((0, 1), Side.SELL, -0.12, 0.04, id="one whole bar, short"),
        pytest.param((0, 3), Side.BUY, -0.10, 0.25, id="all bars"),
        pytest.param((0, None), Side.BUY, -0.10, 0.25, id="open at the end"),
        pytest.param((0, 1.2), Side.BUY, -0.04, 0.12, id="left before the second bar's low"),
        pytest.param((0, 1.5), Side.BUY, -0.10, 0.12, id="left after its low, before its high"),
        pytest.param((0, 1.9), Side.BUY, -0.10, 0.25, id="left after both"),
        pytest.param((0, 1.5), Side.SELL, -0.25, 0.04, id="a short meets the high first"),
        pytest.param((0.1, 1), Side.BUY, -0.04, 0.12, id="entered on the way to the high, which a buyer meets first"),
        pytest.param((0.5, 1), Side.BUY, -0.04, 0.04, id="entered after the high"),
        pytest.param((0.9, 1), Side.BUY, 0.0, 0.04, id="entered after both"),
        pytest.param((0.1, 0.5), Side.BUY, 0.0, 0.12, id="entered and left inside a bar"),
    ],
)
def test_excursions_are_those_of_the_way_from_entry_to_exit(
    held: tuple[float, float | None], side: Side, worst: float, best: float
) -> None:
    found = measures_of([trade(*held, side)], [three_bars()])

    assert found.mae_ratio[0] == pytest.approx(worst, abs=1e-12)
    assert found.mfe_ratio[0] == pytest.approx(best, abs=1e-12)


def test_finer_bars_tell_what_came_after_the_entry() -> None:
    half = HOUR_US // 2
    finer = PathHistory(
        "30m",
        np.array([0, half], dtype=np.int64),
        np.array([100.0, 110.0]),
        np.array([112.0, 110.0]),
        np.array([100.0, 96.0]),
        np.array([110.0, 104.0]),
        np.ones(2),
    )

    found = measures_of([trade(0.5, 1), trade(0, 0.5)], [three_bars(finer)])

    assert found.mae_ratio.tolist() == pytest.approx([-0.04, 0.0])
    assert found.mfe_ratio.tolist() == pytest.approx([0.10, 0.12])


def test_bars_and_time_count_from_entry_to_exit_or_to_the_end() -> None:
    found = measures_of([trade(0, 2), trade(0.5, 0.75), trade(1, None)], [three_bars()])

    assert found.bars.tolist() == [2, 0, 2]
    assert found.held_us.tolist() == [2 * HOUR_US, HOUR_US // 4, 2 * HOUR_US]
    assert found.return_ratio.tolist() == pytest.approx([0.03] * 3)


@settings(deadline=None, max_examples=40)
@given(request=requests())
def test_excursions_hold_the_outcome_and_stay_within_the_bars(request: BacktestRequest) -> None:
    trades = FuturesEngine().run(request).trades
    found = measures_of(trades, request.markets)

    for place, one in enumerate(trades):
        sign = 1 if one.side is Side.BUY else -1
        moved = sign * (float(one.exit_price) / float(one.entry_price) - 1)
        assert found.mae_ratio[place] <= min(moved, 0) + 1e-12
        assert found.mfe_ratio[place] >= max(moved, 0) - 1e-12
        bars = next(item for item in request.markets if item.symbol == one.symbol)
        assert 0 <= found.bars[place] <= len(bars)


def test_reasons_tell_how_each_trade_began_and_ended() -> None:
    text = strategy((BTC,), protect="stop_loss: 2 * (high - low), take_profit: 2 * (high - low)")

    trades = FuturesEngine().run(BacktestRequest(text, (market(BTC, 7, 400),))).trades

    assert {one.exit_reason for one in trades} >= {TradeReason.SIGNAL, TradeReason.STOP, TradeReason.TARGET}
    for before, one in itertools.pairwise(trades):
        turned = before.exit_reason is TradeReason.SIGNAL and before.exit_time_us == one.entry_time_us
        assert (one.entry_reason is TradeReason.REVERSAL) == (turned and before.side is not one.side)


def test_a_liquidated_trade_says_so_and_the_last_one_ends_with_the_run() -> None:
    text = strategy((BTC,), sizing="fraction_of_equity: 19")
    account = AccountSettings(leverage=20)

    trades = FuturesEngine().run(BacktestRequest(text, (market(BTC, 3, 300, step=4.0),), account=account)).trades

    assert TradeReason.LIQUIDATION in {one.exit_reason for one in trades}
    assert all((one.exit_reason is TradeReason.END) == (one.exit_time_us is None) for one in trades)
