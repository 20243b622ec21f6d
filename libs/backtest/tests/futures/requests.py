"""Any account on any markets: what the compiled loop must do to the last unit as the exchange does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tradewire.ports.backtest import (
    AccountSettings,
    BacktestRequest,
    MarginMode,
    MarketHistory,
    MarkHistory,
    PathHistory,
)
from tradewire.ports.events import InstrumentStatus, RiskLimitsChanged
from tradewire.trading.limit_bounds import LIMITS

from .markets import HOUR_US, instrument, market, strategy

SYMBOLS = ("BTCUSDT", "ETHUSDT", "XRPUSDT")
GUARDS = (
    "",
    "stop_loss: 2",
    "take_profit: 3",
    "trailing_stop: 2.5",
    "stop_loss: 1, take_profit: 1",
    "stop_loss: 4, take_profit: 2, trailing_stop: 3",
    "stop_loss: 0.5, trailing_stop: 0.4",
)
SIZES = (
    "fraction_of_equity: 0.5",
    "fraction_of_equity: 0.4871",
    "fraction_of_equity: 0.97",
    "fraction_of_equity: 4.6",
    "fraction_of_equity: 12",
    "fraction_of_equity: 3, max_leverage: 1.2",
    "volatility_target: 0.1, volatility: (high - low) / close + 0.25, max_leverage: 0.6",
    "fixed_qty: 40",
    "fixed_qty: 0.0017",
    "fixed_notional: 25000",
    "fixed_notional: 333",
    "fixed_notional: 3",
)
RISKS = ("risk_per_trade: 0.02", "risk_per_trade: 0.31, max_leverage: 3")
"""Sizes for which a stop loss is needed."""
LATENCIES_US = (0, 1, HOUR_US // 5, HOUR_US // 3, HOUR_US - 1, HOUR_US * 3 // 2)
PIECES = {"30m": 2, "15m": 4, "5m": 12}
TIGHT: dict[str, tuple[str, ...]] = {
    "max_gross_exposure": ("12000", "6000"),
    "max_drawdown_ratio": ("0.3", "0.05"),
    "max_daily_loss": ("500", "50"),
    "max_order_notional": ("5000.1", "3000"),
    "max_position_notional": ("6000", "9000"),
    "max_net_exposure": ("4000", "8000"),
    "max_leverage": ("0.7", "1.5"),
    "max_concentration_ratio": ("0.5", "0.45"),
    "price_collar_ratio": ("0.01", "0.001"),
    "max_orders_per_minute": ("5", "2", "1"),
    "max_data_age_s": ("0.001",),
}
"""Values of each limit of the model that some entries break; but for the age of data, which history does not have."""
STRICTER = instrument("ANYUSDT", maintenance="0.02").brackets
LIMITS_AT_ONCE = 3
"""With more, one of them refuses nearly every entry and the others are never asked."""


@st.composite
def requests(draw: st.DrawFn, bars: int = 150) -> BacktestRequest:
    """Markets with marks, funding, gaps, finer bars and changing instruments; accounts up to what margin bears."""
    symbols = SYMBOLS[: draw(st.integers(1, 3))]
    options: dict[str, Any] = {
        "step": draw(st.sampled_from([0.3, 1.0, 4.0])),
        "mark": draw(st.booleans()),
        "funding": draw(st.booleans()),
        "missing": draw(st.sampled_from([0.0, 0.2])),
        "lot": draw(st.sampled_from(["0.001", "0.00000001", "0.1"])),
    }
    seed = draw(st.integers(0, 2**32 - 4))
    markets = tuple(
        draw(versions(draw(paths(market(symbol, seed + n, bars, **options))))) for n, symbol in enumerate(symbols)
    )
    protect = draw(st.sampled_from(GUARDS))
    sizing = draw(st.sampled_from((*SIZES, *RISKS) if "stop_loss" in protect else SIZES))
    return BacktestRequest(strategy(symbols, protect=protect, sizing=sizing), markets, account=draw(accounts()))


@st.composite
def accounts(draw: st.DrawFn) -> AccountSettings:
    """Any fill model, margin, fees and limits."""
    return AccountSettings(
        capital=Decimal(10_000),
        leverage=draw(st.sampled_from([1, 5, 20])),
        margin_mode=draw(st.sampled_from(MarginMode)),
        slippage_bps=draw(st.sampled_from([Decimal(0), Decimal("1.5"), Decimal(30)])),
        taker_fee=draw(st.sampled_from([None, Decimal(0), Decimal("0.01")])),
        volume_share=draw(st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("0.02")])),
        latency_us=draw(st.sampled_from(LATENCIES_US)),
        limits=draw(st.one_of(st.none(), limits())),
    )


@st.composite
def limits(draw: st.DrawFn) -> RiskLimitsChanged:
    """A few of the model's limits, each of which may be tight."""
    names = draw(st.lists(st.sampled_from(LIMITS), unique=True, max_size=LIMITS_AT_ONCE))
    return limited({name: draw(st.sampled_from(TIGHT[name])) for name in names})


def limited(values: Mapping[str, str]) -> RiskLimitsChanged:
    """An account's limits, by name."""
    meta = {"account_id": "main", "version": 1, "author": "test", "changed_at_us": 0}
    return RiskLimitsChanged.model_validate({**meta, **values})


@st.composite
def versions(draw: st.DrawFn, given: MarketHistory) -> MarketHistory:
    """A market whose fees, filters, brackets and status may change on a bar's border or inside a bar."""
    count = draw(st.sampled_from([0, 0, 1, 3]))
    later = [
        given.instrument.model_copy(
            update={
                "valid_from_us": draw(st.integers(5, 100)) * HOUR_US + draw(st.sampled_from([0, 1, HOUR_US // 3])),
                "taker_fee": draw(st.sampled_from([Decimal("0.001"), Decimal("0.0003")])),
                "step_size": draw(st.sampled_from([Decimal("0.001"), Decimal("0.01"), Decimal("0.5")])),
                "tick_size": draw(st.sampled_from([Decimal("0.01"), Decimal("0.05")])),
                "status": draw(st.sampled_from(list(InstrumentStatus)[:2])),
                "brackets": draw(st.sampled_from([given.instrument.brackets, STRICTER])),
            }
        )
        for _ in range(count)
    ]
    return replace(given, later_instruments=tuple(sorted(later, key=lambda version: version.valid_from_us)))


@st.composite
def paths(draw: st.DrawFn, given: MarketHistory) -> MarketHistory:
    """A market in which the way inside some bars, or all, is known, with the marks' or without."""
    interval = draw(st.sampled_from([None, None, *PIECES]))
    if interval is None:
        return given
    share, seed = draw(st.sampled_from([0.3, 1.0])), draw(st.integers(0, 2**32 - 1))
    return replace(given, path=finer(given, interval, share, seed))


def finer(given: MarketHistory, interval: str, share: float, seed: int) -> PathHistory | None:
    """A random way inside a share of a market's bars, from each one's open to its close, by its high and low."""
    made, pieces = np.random.default_rng(seed), PIECES[interval]
    times, rows, beside = [], [], []
    for bar in np.flatnonzero(made.random(len(given)) < share).tolist():
        lowest, highest, price = given.low[bar], given.high[bar], given.open[bar]
        ends = [*np.round(made.uniform(lowest, highest, pieces - 1), 2), given.close[bar]]
        at_high, at_low = made.integers(0, pieces, 2).tolist()
        for piece, end in enumerate(ends):
            high = highest if piece == at_high else max(price, end)
            low = lowest if piece == at_low else min(price, end)
            times.append(int(given.open_time_us[bar]) + piece * HOUR_US // pieces)
            rows.append((price, high, low, end, round(float(given.volume[bar]) / pieces, 3)))
            beside.append(np.maximum(np.round(np.array([price, high, low, end]) + made.normal(0, 0.5), 2), 0.01))
            price = end
    if not times:
        return None
    opened, high_of, low_of, close, volume = np.array(rows, dtype=np.float64).T.copy()
    told = MarkHistory(*np.array(beside).T.copy()) if given.mark is not None else None
    return PathHistory(interval, np.array(times, dtype=np.int64), opened, high_of, low_of, close, volume, mark=told)
