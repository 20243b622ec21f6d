"""Measures of trades, fills and positions. Money in quote as exact decimals; undefined is None.

Win rate, factor, expectancy, payoff and holding time look at closed trades: one still open at the end has no outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from tradewire.backtest.statistics.returns import finite
from tradewire.backtest.statistics.sampling import FloatArray, IntArray
from tradewire.ports.activity import Activity
from tradewire.ports.backtest import BacktestFill, FundingPayment, Trade

UNIT = Decimal("0.00000001")
"""The smallest amount of money."""


def closed_trades(trades: Sequence[Trade], still_open: int) -> int:
    """Positions that went from flat to flat, or through zero.

    Formula: number of trades with an exit
    Source: count.
    """
    return len(trades) - still_open


def open_trades(position_e8: Mapping[str, IntArray]) -> int:
    """Positions still held at the end of the run; their profit at the last mark is part of the equity.

    Formula: number of symbols held at the last close
    Source: count.
    """
    return sum(bool(held[-1]) for held in position_e8.values() if len(held))


def liquidations(activity: Activity) -> int:
    """Positions that the venue closed because the account's margin no longer covered them.

    Formula: number of fills of the venue's liquidation orders
    Source: count.
    """
    return activity.liquidations


def _closed(trades: Sequence[Trade]) -> list[Decimal]:
    return [trade.pnl for trade in trades if trade.exit_time_us is not None]


def win_rate(trades: Sequence[Trade]) -> float | None:
    """Share of the closed trades that ended with a profit after all costs.

    Formula: trades with PnL > 0 / closed trades; none without one
    Source: Bacon (2008), Practical Portfolio Performance Measurement and Attribution, 2nd ed. (hit rate).
    """
    found = _closed(trades)
    return sum(pnl > 0 for pnl in found) / len(found) if found else None


def profit_factor(trades: Sequence[Trade]) -> float | None:
    """All profits over all losses of closed trades.

    Formula: Σ PnL⁺ / Σ |PnL⁻|; none without a loss
    Source: Pardo (2008), The Evaluation and Optimization of Trading Strategies, 2nd ed.
    """
    found = _closed(trades)
    lost = -sum(pnl for pnl in found if pnl < 0)
    return finite(float(sum(pnl for pnl in found if pnl > 0) / lost)) if lost else None


def expectancy(trades: Sequence[Trade]) -> Decimal | None:
    """Mean profit of a closed trade after all costs, quote, to 8 decimals.

    Formula: Σ PnL / closed trades; none without one
    Source: Vince (1990), Portfolio Management Formulas (mathematical expectation).
    """
    found = _closed(trades)
    return (sum(found, Decimal(0)) / len(found)).quantize(UNIT) if found else None


def payoff_ratio(trades: Sequence[Trade]) -> float | None:
    """The mean profit of winning trades over the mean loss of losing ones.

    Formula: mean(PnL⁺) / |mean(PnL⁻)|; none without a win or without a loss
    Source: Vince (1990), Portfolio Management Formulas.
    """
    found = _closed(trades)
    wins, losses = [pnl for pnl in found if pnl > 0], [-pnl for pnl in found if pnl < 0]
    if not wins or not losses:
        return None
    return finite(float(sum(wins, Decimal(0)) / len(wins) / (sum(losses, Decimal(0)) / len(losses))))


def holding_hours(trades: Sequence[Trade]) -> float | None:
    """Mean time from entry to exit of closed trades, hours.

    Formula: Σ (t_exit − t_entry) / closed trades
    Source: arithmetic mean.
    """
    held = [trade.exit_time_us - trade.entry_time_us for trade in trades if trade.exit_time_us is not None]
    return sum(held) / len(held) / 3_600e6 if held else None


def exposure(positions: Mapping[str, IntArray]) -> float | None:
    """Share of time in the market.

    Formula: closes at which any position was held / closes
    Source: definition of backtesting.py ("Exposure Time").
    """
    held = [qty != 0 for qty in positions.values()]
    if not held or not len(held[0]):
        return None
    return float(np.mean(np.logical_or.reduce(held)))


def turnover(fills: Sequence[BacktestFill], equity: FloatArray, span_years: float) -> float | None:
    """How often a year the account trades its own worth, both sides of a trade counted.

    Formula: Σ qty × price / mean equity / years; none when the mean equity is not above 0
    Source: own definition; both sides of a trade count, and the mean of the equity at all closes.
    """
    if not len(equity) or span_years <= 0.0 or float(np.mean(equity)) <= 0.0:
        return None
    traded = float(sum((fill.qty * fill.price for fill in fills), Decimal(0)))
    return finite(traded / float(np.mean(equity)) / span_years)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Where the money went, quote, exact: price + funding + insurance − fees − slippage = net."""

    price: Decimal
    fees: Decimal
    funding: Decimal
    slippage: Decimal
    insurance: Decimal
    net: Decimal


def attribution(
    net: Decimal, fills: Sequence[BacktestFill], funding: Sequence[FundingPayment], insurance: Decimal
) -> Attribution:
    """What the account gained or lost, and through what: the price's movement is what is left when the rest is known.

    Formula: price = net + fees + slippage − funding − insurance, net = E_T − capital; fees and slippage ≥ 0 are summed
    over the fills, funding (negative when paid) over the settlements; insurance is what the venue's fund bore of losses
    beyond the margin
    Source: Bacon (2008) (attribution is an identity: its parts add up to the whole).
    """
    fees = sum((fill.fee for fill in fills), Decimal(0))
    slippage = sum((fill.slippage for fill in fills), Decimal(0))
    paid = sum((payment.amount for payment in funding), Decimal(0))
    return Attribution(net + fees + slippage - paid - insurance, fees, paid, slippage, insurance, net)
