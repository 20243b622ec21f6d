"""Made-up markets whose volume says what to do, so that a test draws the signals themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from hypothesis import strategies as st

from tradewire.ports.backtest import AccountSettings, BacktestRequest, MarketHistory, MarkHistory
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket

HOUR_US = 3_600_000_000
START_US = 1_600_000_000 * 1_000_000 // HOUR_US * HOUR_US
HOLD, LONG, LEAVE_LONG, SHORT, LEAVE_SHORT, TO_LONG, TO_SHORT = range(7)
"""Volumes of a bar, and what the strategy then does."""
MIRRORED = {LONG: SHORT, LEAVE_LONG: LEAVE_SHORT, TO_LONG: TO_SHORT}
MIRRORED |= {there: here for here, there in MIRRORED.items()}
RULES = """
entry_long: volume == 1 or volume == 5
exit_long: volume == 2 or volume == 6
entry_short: volume == 3 or volume == 6
exit_short: volume == 4 or volume == 5
"""
SIZINGS = (
    "{fraction_of_equity: 0.3}",
    "{fraction_of_equity: 0.7, max_leverage: 0.25}",
    "{fixed_notional: 20000}",
    "{fixed_qty: 1.5}",
    "{risk_per_trade: 0.01, max_leverage: 0.5}",
    "{volatility_target: 0.1, volatility: (high - low) / close + 0.25, max_leverage: 0.6}",
)
DISTANCES = ("0.02 * close", "high - low + 0.5", "1.125", "0.004 * close + 0.015", "close - 100", "log(close - open)")
NO_FRICTION = AccountSettings(slippage_bps=Decimal(0), taker_fee=Decimal(0), leverage=1)


def instrument(symbol: str, *, tick: str = "0.01", step: str = "0.001") -> InstrumentChanged:
    """An instrument with round numbers and no room for margin to matter."""
    bracket = LeverageBracket(
        notional_floor=Decimal(0),
        notional_cap=Decimal(10**9),
        maintenance_ratio=Decimal("0.004"),
        maintenance_amount=Decimal(0),
        max_leverage=125,
    )
    return InstrumentChanged(
        venue="paper",
        symbol=symbol,
        base=symbol,
        quote="USDT",
        status=InstrumentStatus.TRADING,
        tick_size=Decimal(tick),
        step_size=Decimal(step),
        min_qty=Decimal(step),
        max_qty=Decimal(100_000),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.05"),
        intervals=("1h",),
        brackets=(bracket,),
        valid_from_us=0,
    )


def strategy(symbols: Sequence[str], sizing: str = SIZINGS[0], protect: Mapping[str, str] | None = None) -> str:
    """A strategy file that obeys the volume."""
    lines = [f"id: obey\nvenue: paper\naccount: desk\nsymbols: [{', '.join(symbols)}]\ninterval: 1h{RULES}"]
    lines.append(f"sizing: {sizing}")
    if protect:
        lines.append("protect: {" + ", ".join(f"{name}: {text}" for name, text in protect.items()) + "}")
    return "\n".join(lines) + "\n"


def history(
    symbol: str, seed: int, volumes: Sequence[int], *, marks: bool = False, funding: bool = False, gaps: bool = False
) -> MarketHistory:
    """A random walk of 2-decimal prices around 100 with gaps between the bars, one bar for each volume."""
    rng, n = np.random.default_rng(seed), len(volumes)
    close = np.cumprod(1 + rng.normal(0, 0.012, n)) * rng.uniform(60, 140)
    opened = np.concatenate([[close[0]], close[:-1]]) * (1 + rng.normal(0, 0.004, n) * (rng.random(n) < 0.5))
    high = np.maximum(opened, close) * (1 + np.abs(rng.normal(0, 0.008, n)))
    low = np.minimum(opened, close) * (1 - np.abs(rng.normal(0, 0.008, n)))
    prices = [np.round(column, 2) for column in (opened, high, low, close)]
    times = START_US + HOUR_US * np.arange(n)
    if gaps:
        times = times + HOUR_US * np.cumsum(rng.random(n) < 0.2)
    mark = MarkHistory(*prices) if marks else None
    if marks:
        off = np.round(prices[3] * (1 + rng.normal(0, 0.001, n)), 2)
        span = (np.maximum(prices[1], off), np.minimum(prices[2], off))
        mark = MarkHistory(prices[0], *span, np.where(rng.random(n) < 0.2, np.nan, off))
    rates = np.round(rng.normal(0, 0.0003, n), 8) * (rng.random(n) < 0.3) if funding else None
    columns = (prices[0], prices[1], prices[2], prices[3], np.array(volumes, dtype=np.float64))
    return MarketHistory(instrument(symbol), "1h", times.astype(np.int64), *columns, mark=mark, funding_rate=rates)


volumes = st.lists(st.integers(HOLD, TO_SHORT), min_size=2, max_size=60)
protections = st.dictionaries(
    st.sampled_from(["stop_loss", "take_profit", "trailing_stop"]), st.sampled_from(DISTANCES), max_size=3
)


@st.composite
def requests(draw: st.DrawFn, *, account: AccountSettings | None = None, extras: bool = True) -> BacktestRequest:
    """One to three markets under random signals, sizing, protection, fees, marks and funding."""
    symbols = ["AAA", "BBB", "CCC"][: draw(st.integers(1, 3))]
    sizing, protect = draw(st.sampled_from(SIZINGS)), draw(protections)
    if "risk_per_trade" in sizing:
        protect["stop_loss"] = draw(st.sampled_from(DISTANCES))
    flags = {name: extras and draw(st.booleans()) for name in ("marks", "funding", "gaps")}
    markets = tuple(history(symbol, draw(st.integers(0, 2**16)), draw(volumes), **flags) for symbol in symbols)
    if account is None:
        fees = [None, Decimal(0), Decimal("0.0004")]
        account = AccountSettings(
            slippage_bps=draw(st.sampled_from([Decimal(0), Decimal(1), Decimal("2.5")])),
            taker_fee=draw(st.sampled_from(fees)),
        )
    return BacktestRequest(strategy(symbols, sizing, protect), markets, account=account)
