"""Statistics of trades and of whole runs."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tradewire.backtest.statistics import CATALOGUE, statistics_of, statistics_reference, statistics_table, trading
from tradewire.backtest.statistics.reference import described
from tradewire.ports.backtest import AccountSettings, BacktestFill, BacktestResult, FundingPayment, Trade, TradeReason
from tradewire.ports.events import Liquidity, Side

ROOT = Path(__file__).parents[4]
HOUR_US = 3_600_000_000


def trade(pnl: str, *, hours: int | None = 2) -> Trade:
    return Trade(
        symbol="BTCUSDT",
        side=Side.BUY,
        qty=Decimal(1),
        entry_time_us=0,
        exit_time_us=None if hours is None else hours * HOUR_US,
        entry_price=Decimal(100),
        exit_price=Decimal(100),
        fees=Decimal(0),
        funding=Decimal(0),
        slippage=Decimal(0),
        pnl=Decimal(pnl),
        entry_reason=TradeReason.SIGNAL,
        exit_reason=TradeReason.SIGNAL,
    )


def fill(side: Side, price: str, *, fee: str = "0.5", slippage: str = "0.25") -> BacktestFill:
    return BacktestFill(
        time_us=HOUR_US,
        symbol="BTCUSDT",
        client_order_id="1",
        leg="ENTRY",
        side=side,
        qty=Decimal(2),
        price=Decimal(price),
        fee=Decimal(fee),
        liquidity=Liquidity.TAKER,
        realized_pnl=Decimal(0),
        slippage=Decimal(slippage),
    )


def run(
    *equity: float,
    trades: tuple[Trade, ...] = (),
    fills: tuple[BacktestFill, ...] = (),
    funding: tuple[FundingPayment, ...] = (),
    position: list[int] | None = None,
) -> BacktestResult:
    return BacktestResult(
        engine="futures",
        strategy_id="s",
        strategy_hash="h",
        params={},
        account=AccountSettings(capital=Decimal(1000)),
        make_fingerprint=lambda: "f",
        fill_model="next open",
        left_out=(),
        trades=trades,
        fills=fills,
        funding=funding,
        time_us=np.arange(1, len(equity) + 1, dtype=np.int64) * HOUR_US,
        equity_e8=(np.array(equity) * 10**8).astype(np.int64),
        position_e8={"BTCUSDT": np.array(position or [0] * len(equity), dtype=np.int64)},
        fees=sum((fill.fee for fill in fills), Decimal(0)),
    )


def test_hand_computed_trades() -> None:
    trades = [trade("30"), trade("-10", hours=4), trade("10", hours=6), trade("0"), trade("999", hours=None)]

    held = {"BTCUSDT": np.array([0, 5]), "ETHUSDT": np.array([5, 0]), "SOLUSDT": np.array([], dtype=np.int64)}
    assert trading.open_trades(held) == 1
    assert trading.closed_trades(trades, 1) == 4
    assert trading.win_rate(trades) == 0.5
    assert trading.profit_factor(trades) == 4.0
    assert trading.expectancy(trades) == Decimal("7.5")
    assert trading.payoff_ratio(trades) == 2.0
    assert trading.holding_hours(trades) == 3.5


def test_no_trades_have_no_rates() -> None:
    rates = (trading.win_rate, trading.profit_factor, trading.expectancy, trading.payoff_ratio, trading.holding_hours)

    assert [rate([]) for rate in rates] == [None] * 5
    assert trading.profit_factor([trade("5")]) is None


def test_money_adds_up_to_the_last_unit() -> None:
    fills = (fill(Side.BUY, "100"), fill(Side.SELL, "110", fee="0.55"))
    paid = (FundingPayment(HOUR_US, "BTCUSDT", Decimal("-0.1"), Decimal(1)),)
    stats = statistics_of(run(1000, 1018.25, fills=fills, funding=paid), ())

    assert stats["net_pnl"] == Decimal("18.25")
    assert (stats["fees"], stats["funding"], stats["slippage"]) == (Decimal("-1.05"), Decimal("-0.1"), Decimal("-0.5"))
    assert stats["price_pnl"] == Decimal("19.9")


def test_exposure_and_turnover() -> None:
    fills = (fill(Side.BUY, "100"), fill(Side.SELL, "100"))
    stats = statistics_of(run(1000, 1000, 1000, 1000, fills=fills, position=[0, 5, -5, 0]), ())

    assert stats["exposure"] == 0.5
    assert stats["turnover"] == pytest.approx(400 / 1000 * 8760 / 3)


def test_json_holds_every_name_and_no_nan() -> None:
    for result in (run(), run(1000), run(1000, 1000), run(1000, 0, 5), run(1000, 1100, 900, trades=(trade("1"),))):
        stats = statistics_of(result, ())
        values = json.loads(json.dumps(stats.to_json(), allow_nan=False))

        assert list(values) == [definition.name for definition in CATALOGUE] == list(stats.units())
        assert isinstance(values["fees"], str)


def test_unknown_name_lists_those_that_exist() -> None:
    with pytest.raises(KeyError, match="sharpe"):
        statistics_of(run(1000, 1001), ())["sharp"]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_terminal_table_shows_every_statistic(width: int) -> None:
    stats = statistics_of(run(1000, 1100, 900), ())
    console = Console(width=width)
    with console.capture() as shown:
        console.print(statistics_table(stats))

    text = shown.get()
    assert all(entry.label in text and entry.text in text for entry in stats)


def test_every_statistic_has_formula_and_source() -> None:
    for definition in CATALOGUE:
        assert described(definition.source).text


def test_reference_page_is_that_of_the_code() -> None:
    script = ROOT / "docs/research/generate_statistics.py"

    found = subprocess.run([sys.executable, str(script), "--check"], check=False, capture_output=True, text=True)

    assert found.returncode == 0, found.stdout


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_order_of_trades_does_not_matter(amounts: list[int], dice: random.Random) -> None:
    trades = [trade(str(amount)) for amount in amounts]
    mixed = dice.sample(trades, len(trades))

    for measure in (trading.win_rate, trading.profit_factor, trading.expectancy, trading.payoff_ratio):
        assert measure(mixed) == measure(trades)


def test_as_text_it_is_one_statistic_a_line() -> None:
    lines = repr(statistics_of(run(1000, 1100), ())).splitlines()

    assert len(lines) == len(CATALOGUE)
    assert lines[0].split() == ["total_return", "10.00", "%"]


def test_evidence_against_chance_is_described_too() -> None:
    page = statistics_reference()

    for name in ("deflated_sharpe", "backtest_overfitting"):
        assert f"### `{name}`" in page
