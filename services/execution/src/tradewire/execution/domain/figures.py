"""PnL, exposure and orders as metrics, told by the module that owns the accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.orphaned_stops import EVENT
from tradewire.ports.events import AuditRecorded, OrderChanged, OrderStatus
from tradewire.ports.message import Event
from tradewire.ports.metrics import Figure, Metric
from tradewire.ports.risk import ZERO
from tradewire.trading.exchange import from_e8

BY_ACCOUNT, BY_STRATEGY = ("account",), ("account", "strategy")
REALIZED = Metric("tradewire_realized_pnl_usdt", "gauge", BY_STRATEGY, "Realized PnL before fees, quote.")
FEES = Metric("tradewire_fees_paid_usdt_total", "gauge", BY_STRATEGY, "Fees paid, quote; falls with a rebate.")
UNREALIZED = Metric("tradewire_unrealized_pnl_usdt", "gauge", BY_ACCOUNT, "Unrealized PnL at the mark, quote.")
EQUITY = Metric("tradewire_equity_usdt", "gauge", BY_ACCOUNT, "Wallet and unrealized PnL, quote.")
NET_EXPOSURE = Metric(
    "tradewire_net_exposure_usdt", "gauge", ("account", "symbol"), "Signed notional of the position at the mark, quote."
)
ORDERS = Metric("tradewire_orders_total", "counter", ("outcome",), "Transitions of orders, by new status.")
MISMATCHES = Metric(
    "tradewire_ledger_mismatch_orders",
    "gauge",
    BY_ACCOUNT,
    "Orders at work for the ledger and not for the venue, or the other way round.",
)
HALTED = Metric(
    "tradewire_account_halted",
    "gauge",
    BY_ACCOUNT,
    "1: no order that opens a position is taken, for records and venue differ; else 0.",
)
ORPHANED_STOPS = Metric(
    "tradewire_orphaned_stops_total", "counter", (), "Conditional orders at the venue that guarded nothing: withdrawn."
)
METRICS = (REALIZED, FEES, UNREALIZED, EQUITY, NET_EXPOSURE, ORDERS, MISMATCHES, HALTED, ORPHANED_STOPS)


class OrderCounts:
    """Transitions, and stops that were orphaned, as told since the start."""

    def __init__(self) -> None:
        self._counts, self._orphaned = dict.fromkeys(OrderStatus, 0), 0

    def count(self, event: Event) -> None:
        """Take note of what was told."""
        if isinstance(event, OrderChanged):
            self._counts[event.status] += 1
        elif isinstance(event, AuditRecorded):
            self._orphaned += event.name == EVENT

    def figures(self) -> Iterator[Figure]:
        """Every status, from the start."""
        for status, count in self._counts.items():
            yield Figure(ORDERS, (status.lower(),), count)
        yield Figure(ORPHANED_STOPS, (), self._orphaned)


def figures(accounts: Iterable[ExecutionAccount], orders: OrderCounts) -> Iterator[Figure]:
    """All of the module's metrics as they stand."""
    for account in accounts:
        yield from _of(account)
    yield from orders.figures()


def _of(account: ExecutionAccount) -> Iterator[Figure]:
    for strategy_id, (realized_e8, fees_e8) in sorted(account.results_e8.items()):
        yield Figure(REALIZED, (account.account_id, strategy_id), float(from_e8(realized_e8)))
        yield Figure(FEES, (account.account_id, strategy_id), float(from_e8(fees_e8)))
    yield Figure(HALTED, (account.account_id,), float(bool(account.execution.halted)))
    if account.time_us < 0:
        return  # the venue has shown nothing yet
    name, state = (account.account_id,), account.execution.state()
    yield Figure(UNREALIZED, name, float(state.unrealized_pnl))
    yield Figure(EQUITY, name, float(state.equity))
    exposures = dict.fromkeys(account.venues, ZERO) | {p.symbol: p.qty * p.mark_price for p in state.positions}
    for symbol, exposure in exposures.items():
        yield Figure(NET_EXPOSURE, (account.account_id, symbol), float(exposure))
    yield Figure(MISMATCHES, name, len(set(account.execution.working()) ^ account.orders.keys()))
