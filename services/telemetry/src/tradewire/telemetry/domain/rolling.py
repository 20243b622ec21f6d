"""What the newest windows come to: rolling PnL, drawdown and rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tradewire.telemetry.domain.windows import FILLS_PER_WINDOW_MAX, AccountWindow, Windows

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class RollingAccount:
    """An account over event time [from_us, to_us), quote.

    ``pnl``: change of equity since the end of the window before, or since the first state when there is none.
    ``drawdown_ratio``: newest equity below the highest. ``worst_drawdown_ratio``: deepest fall from a window's high to
    a later window's low, or to the newest equity. ``events_per_hour``: orders, fills and states, by their sequence.
    """

    account_id: str
    from_us: int
    to_us: int
    pnl: Decimal
    equity: Decimal
    high: Decimal
    low: Decimal
    drawdown_ratio: float
    worst_drawdown_ratio: float
    events_per_hour: float


@dataclass(frozen=True, slots=True)
class RollingLeg:
    """A strategy's fills in a symbol on an account over event time [from_us, to_us), quote; PnL before fees.

    ``saturated``: a window has more fills than are told apart, so the figures are too small.
    """

    account_id: str
    strategy_id: str
    symbol: str
    from_us: int
    to_us: int
    fills: int
    realized_pnl: Decimal
    fees: Decimal
    notional: Decimal
    fills_per_hour: float
    saturated: bool


def rolling_accounts(windows: Windows, count: int) -> Iterator[RollingAccount]:
    """Each account over its newest ``count`` windows of event time."""
    for account_id, known in sorted(windows.accounts.items()):
        if not known:
            continue
        to_us = max(known) + windows.size_us
        from_us = to_us - count * windows.size_us
        within = [known[start] for start in sorted(known) if start >= from_us]
        earlier = [start for start in known if start < from_us]
        before = known[max(earlier)].last_equity if earlier else within[0].first_equity
        newest = within[-1].last_equity
        high = max(window.high for window in within)
        happened = within[-1].last_sequence - within[0].first_sequence + 1
        yield RollingAccount(
            account_id=account_id,
            from_us=from_us,
            to_us=to_us,
            pnl=newest - before,
            equity=newest,
            high=high,
            low=min(window.low for window in within),
            drawdown_ratio=_below(newest, high),
            worst_drawdown_ratio=_worst_drawdown(within),
            events_per_hour=happened * HOUR_US / (to_us - from_us),
        )


def rolling_legs(windows: Windows, count: int) -> Iterator[RollingLeg]:
    """Each account's strategies and symbols, over the account's newest ``count`` windows of event time."""
    for account_id, legs in sorted(windows.fills.items()):
        starts = [*windows.accounts.get(account_id, ()), *(start for start, _, _ in legs)]
        if not starts:
            continue
        to_us = max(starts) + windows.size_us
        from_us = to_us - count * windows.size_us
        for strategy_id, symbol in sorted({(strategy, symbol) for _, strategy, symbol in legs}):
            parts = [
                fills for (start, *leg), fills in legs.items() if leg == [strategy_id, symbol] and start >= from_us
            ]
            fills = [fill for part in parts for fill in part.values()]
            yield RollingLeg(
                account_id=account_id,
                strategy_id=strategy_id,
                symbol=symbol,
                from_us=from_us,
                to_us=to_us,
                fills=len(fills),
                realized_pnl=sum((fill.realized_pnl for fill in fills), Decimal(0)),
                fees=sum((fill.fee for fill in fills), Decimal(0)),
                notional=sum((fill.notional for fill in fills), Decimal(0)),
                fills_per_hour=len(fills) * HOUR_US / (to_us - from_us),
                saturated=any(len(part) >= FILLS_PER_WINDOW_MAX for part in parts),
            )


def _worst_drawdown(within: list[AccountWindow]) -> float:
    """Deepest fall across windows; within one window it is not known which came first, high or low."""
    worst, peak = 0.0, within[0].high
    for window in within[1:]:
        worst = max(worst, _below(window.low, peak))
        peak = max(peak, window.high)
    return max(worst, _below(within[-1].last_equity, peak))


def _below(value: Decimal, peak: Decimal) -> float:
    return float(1 - value / peak) if peak > 0 else 0.0
