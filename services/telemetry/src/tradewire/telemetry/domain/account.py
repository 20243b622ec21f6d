"""What is known of one account. Every event has the account's sequence: one seen before changes nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from tradewire.ports.events import AccountStateChanged, OrderChanged, OrderFilled, RiskLimitsChanged
from tradewire.telemetry.domain.curve import Curve, Point

Sequenced = AccountStateChanged | OrderChanged | OrderFilled


@dataclass
class StrategyBook:
    """What a strategy's fills on an account came to, quote. PnL is before fees, as fills report it."""

    realized_pnl: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    fills: int = 0


@dataclass
class AccountBook:
    """One account: newest state, peak, equity curve, and results by strategy. ``partition``: where it was read;
    ``fills_included``: sequence of the last fill that is in the sums.
    """

    account_id: str
    partition: int
    state: AccountStateChanged | None = None
    limits: RiskLimitsChanged | None = None
    peak_equity: Decimal | None = None
    curve: Curve = field(default_factory=Curve)
    fills_included: int = 0
    strategies: defaultdict[str, StrategyBook] = field(default_factory=lambda: defaultdict(StrategyBook))
    _sequences: dict[type[Sequenced], int] = field(default_factory=dict)

    def is_new(self, event: Sequenced) -> bool:
        """Is this the first time? The account's events of one kind come in order, repeated at worst."""
        if event.sequence <= self._sequences.get(type(event), 0):
            return False
        self._sequences[type(event)] = event.sequence
        return True

    def settle(self) -> None:
        """Fills that a snapshot includes were seen."""
        self._sequences[OrderFilled] = max(self.fills_included, self._sequences.get(OrderFilled, 0))

    def take_state(self, event: AccountStateChanged) -> None:
        """Newest state, seen for the first time."""
        self.state = event
        self.peak_equity = event.equity if self.peak_equity is None else max(self.peak_equity, event.equity)
        self.curve.add(Point(event.event_time_us, event.equity, event.realized_pnl, self.drawdown_ratio))

    def take_fill(self, event: OrderFilled) -> None:
        """A fill that is not in the sums."""
        self.fills_included = event.sequence
        book = self.strategies[event.strategy_id]
        book.realized_pnl += event.realized_pnl
        book.fees += event.fee
        book.fills += 1

    @property
    def drawdown_ratio(self) -> float:
        """Equity's distance below its peak as a share of the peak; 0 without a positive peak."""
        if self.state is None or self.peak_equity is None or self.peak_equity <= 0:
            return 0.0
        return float(1 - self.state.equity / self.peak_equity)

    @property
    def net_exposure(self) -> dict[tuple[str, str], Decimal]:
        """Signed notional at the mark by (venue, symbol), quote."""
        positions = self.state.positions if self.state is not None else ()
        return {(p.venue, p.symbol): p.qty * p.mark_price for p in positions}

    @property
    def gross_exposure(self) -> Decimal:
        """Sum of absolute notionals at the mark, quote."""
        return sum((abs(notional) for notional in self.net_exposure.values()), Decimal(0))
