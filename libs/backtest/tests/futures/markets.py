"""Made-up markets for tests: random walks on a coarse tick, with marks and funding where asked for."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from tradewire.ports.backtest import MarketHistory, MarkHistory
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket

HOUR_US = 3_600_000_000


def instrument(symbol: str, *, maintenance: str = "0.004", lot: str = "0.001") -> InstrumentChanged:
    """A perpetual with two brackets; quantities in steps of ``lot``."""
    ratio = Decimal(maintenance)
    return InstrumentChanged(
        venue="binance",
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        status=InstrumentStatus.TRADING,
        tick_size=Decimal("0.01"),
        step_size=Decimal(lot),
        min_qty=Decimal(lot),
        max_qty=Decimal(1_000_000),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.5"),
        intervals=("1h",),
        brackets=(
            LeverageBracket(
                notional_floor=Decimal(0),
                notional_cap=Decimal(50_000),
                maintenance_ratio=ratio,
                maintenance_amount=Decimal(0),
                max_leverage=50,
            ),
            LeverageBracket(
                notional_floor=Decimal(50_000),
                notional_cap=Decimal(10**9),
                maintenance_ratio=ratio * 2,
                maintenance_amount=50_000 * ratio,
                max_leverage=20,
            ),
        ),
        valid_from_us=0,
    )


def market(
    symbol: str,
    seed: int,
    count: int,
    *,
    step: float = 1.0,
    mark: bool = False,
    funding: bool = False,
    missing: float = 0.0,
    lot: str = "0.001",
) -> MarketHistory:
    """``count`` hourly bars around 100, moved by up to ``step`` a bar; a share ``missing`` of them is left out."""
    made = np.random.default_rng(seed)
    close = np.maximum(np.round(100 + np.cumsum(made.normal(0, step, count)), 2), 1.0)
    opened = np.maximum(np.round(np.concatenate([[100.0], close[:-1]]) + made.normal(0, step / 4, count), 2), 1.0)
    high = np.round(np.maximum(opened, close) + np.abs(made.normal(0, step, count)), 2)
    low = np.maximum(np.round(np.minimum(opened, close) - np.abs(made.normal(0, step, count)), 2), 0.5)
    volume = np.round(made.uniform(0, 500, count), 3)
    kept = made.random(count) >= missing
    kept[0] = True
    prices = [values[kept] for values in (opened, high, low, close)]
    times = (np.arange(count, dtype=np.int64) * HOUR_US)[kept]
    shift = np.round(made.normal(0, step / 2, int(kept.sum())), 2)
    marks = [np.maximum(np.round(values + shift, 2), 0.5) for values in prices] if mark else None
    rates = np.where(made.random(len(times)) < 0.1, np.round(made.normal(0, 0.001, len(times)), 8), 0.0)
    return MarketHistory(
        instrument(symbol, lot=lot),
        "1h",
        times,
        *(prices[0], prices[1], prices[2], prices[3], volume[kept]),
        mark=MarkHistory(*marks) if marks is not None else None,
        funding_rate=rates if funding else None,
    )


def strategy(symbols: tuple[str, ...], *, protect: str = "", sizing: str = "fraction_of_equity: 0.5") -> str:
    """A strategy that trades often: with the bar's colour, against it on the way out."""
    return f"""\
id: colours
venue: binance
account: main
symbols: [{", ".join(symbols)}]
interval: 1h
indicators: {{fast: 'sma(close, 3)', slow: 'sma(close, 8)'}}
entry_long: crossed_above(fast, slow)
exit_long: close < open and close < slow
entry_short: crossed_below(fast, slow)
exit_short: close > open and close > slow
sizing: {{{sizing}}}
{f"protect: {{{protect}}}" if protect else ""}
"""
