"""Figures of the account hold every trade and every amount."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.report.account_figures import largest, money_figure, profit_figure, rolling_sharpe
from tradewire.backtest.report.months import month_rows
from tradewire.backtest.statistics import returns
from tradewire.ports.backtest import Trade, TradeReason
from tradewire.ports.events import Side


def trade(pnl: int) -> Trade:
    return Trade(
        symbol="BTCUSDT",
        side=Side.BUY,
        qty=Decimal(1),
        entry_time_us=0,
        exit_time_us=1,
        entry_price=Decimal(1),
        exit_price=Decimal(1),
        fees=Decimal(0),
        funding=Decimal(0),
        slippage=Decimal(0),
        pnl=Decimal(pnl),
        entry_reason=TradeReason.SIGNAL,
        exit_reason=TradeReason.SIGNAL,
    )


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=80))
def test_histogram_counts_every_trade_and_mixes_no_gains_with_losses(amounts: list[int]) -> None:
    figure = profit_figure([trade(pnl) for pnl in amounts])

    assert figure is not None
    (bars,) = figure["data"]
    gains = sum(count for count, colour in zip(bars["y"], bars["marker"]["color"], strict=True) if colour == "@gain")
    assert sum(bars["y"]) == len(amounts)
    assert gains == sum(pnl >= 0 for pnl in amounts)


def test_of_many_trades_the_largest_are_drawn_in_order() -> None:
    trades = [trade(pnl) for pnl in (1, -50, 3, 40, -2)]

    assert [t.pnl for t in largest(trades, 2)] == [-50, 40]


def test_rolling_sharpe_is_that_of_each_window() -> None:
    days = np.random.default_rng(5).normal(0.001, 0.02, 60)
    found = rolling_sharpe(days, 20)

    assert len(found) == 41
    assert found[0] == pytest.approx(returns.sharpe(days[:20], 365))
    assert found[-1] == pytest.approx(returns.sharpe(days[-20:], 365))
    assert np.isnan(rolling_sharpe(np.zeros(30), 20)).all()


def test_money_adds_up_in_the_figure(run: Any) -> None:
    (steps,) = money_figure(run.stats)["data"]

    assert sum(steps["y"][:-1]) == pytest.approx(steps["y"][-1], rel=1e-6)
    assert steps["y"][-1] == pytest.approx(float(run.stats["net_pnl"]), rel=1e-7)


def test_months_compound_to_the_whole_run(run: Any) -> None:
    rows = month_rows(run.result)
    whole = np.prod([1 + float(row.cells[-1].text) / 100 for row in rows]) - 1

    assert [row.year for row in rows] == [2017]
    assert whole == pytest.approx(run.stats["total_return"], abs=0.002)
    assert [bool(cell.text) for cell in rows[0].cells] == [False] * 6 + [True] * 5 + [False, True]


def test_equal_profits_have_a_histogram() -> None:
    figure = profit_figure([trade(7), replace(trade(7), exit_time_us=2)])

    assert figure is not None
    assert sum(figure["data"][0]["y"]) == 2
