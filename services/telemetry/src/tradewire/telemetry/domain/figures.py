"""The books as figures for metrics: name, labels, value. Bounded, and never NaN."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from tradewire.telemetry.domain.account import AccountBook
from tradewire.telemetry.domain.books import Books

GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "tradewire_realized_pnl_usdt": ("Realized PnL before fees, quote.", ("account", "strategy")),
    "tradewire_fees_paid_usdt_total": ("Fees paid, quote; falls with a rebate.", ("account", "strategy")),
    "tradewire_unrealized_pnl_usdt": ("Unrealized PnL at the mark, quote.", ("account",)),
    "tradewire_equity_usdt": ("Wallet and unrealized PnL, quote.", ("account",)),
    "tradewire_drawdown_ratio": ("Equity below its peak, 0-1.", ("account",)),
    "tradewire_gross_exposure_usdt": ("Sum of absolute notionals, quote.", ("account",)),
    "tradewire_net_exposure_usdt": ("Signed notional, quote.", ("account", "symbol")),
    "tradewire_exposure_ratio": ("Gross exposure as a share of its limit; at most 1.", ("account",)),
    "tradewire_exposure_limit_ratio": ("Limit of gross exposure as a multiple of equity.", ("account",)),
}
"""Help and labels by name (docs/metrics.md)."""

SERIES_PER_GAUGE_MAX = 500
"""Accounts times strategies or symbols that are shown; configured sets are far smaller."""


class Figure(NamedTuple):
    """One value of a gauge; ``labels`` as GAUGES names them."""

    name: str
    labels: tuple[str, ...]
    value: float


def figures(books: Books) -> Iterator[Figure]:
    """What the gauges show now, within SERIES_PER_GAUGE_MAX of each. Raises ValueError for NaN or an infinity."""
    shown: dict[str, int] = dict.fromkeys(GAUGES, 0)
    for account_id in sorted(books.accounts):
        for figure in _of(books.accounts[account_id]):
            if not math.isfinite(figure.value):
                raise ValueError(f"{figure.name}{figure.labels} is {figure.value}; allowed: finite numbers")
            shown[figure.name] += 1
            if shown[figure.name] <= SERIES_PER_GAUGE_MAX:
                yield figure


def _of(book: AccountBook) -> Iterator[Figure]:
    account = (book.account_id,)
    for strategy_id, results in sorted(book.strategies.items()):
        labels = (book.account_id, strategy_id)
        yield Figure("tradewire_realized_pnl_usdt", labels, float(results.realized_pnl))
        yield Figure("tradewire_fees_paid_usdt_total", labels, float(results.fees))
    if book.state is None:
        return
    gross = book.gross_exposure
    yield Figure("tradewire_unrealized_pnl_usdt", account, float(book.state.unrealized_pnl))
    yield Figure("tradewire_equity_usdt", account, float(book.state.equity))
    yield Figure("tradewire_drawdown_ratio", account, book.drawdown_ratio)
    yield Figure("tradewire_gross_exposure_usdt", account, float(gross))
    for (_, symbol), notional in sorted(book.net_exposure.items()):
        yield Figure("tradewire_net_exposure_usdt", (book.account_id, symbol), float(notional))
    limit = book.limits.max_gross_exposure if book.limits is not None else None
    if limit:
        yield Figure("tradewire_exposure_ratio", account, float(gross / limit))
        if book.state.equity > 0:
            yield Figure("tradewire_exposure_limit_ratio", account, float(limit / book.state.equity))
