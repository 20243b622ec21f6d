"""What is saved of one account at a live venue."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tradewire.execution.domain.live_order import LiveOrder
from tradewire.ports.broker import VenueFill


@dataclass(slots=True)
class WalletRecord:
    """The account's wallet as our records explain it, quote.

    ``opening``: its balance when it was first read, None before; ``realized``, ``fees``: of our fills; ``rows``: sums
    of the venue's own rows by kind, since the opening; ``cursor``: of those rows; ``corrected``: what was taken over
    from the venue without a row; ``paid``: commissions of our fills that other assets paid, by asset, in it, and
    ``converted``, what they are in ``fees``.
    """

    opening: Decimal | None = None
    realized: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    rows: dict[str, Decimal] = field(default_factory=dict)
    cursor: str = ""
    corrected: Decimal = Decimal(0)
    paid: dict[str, Decimal] = field(default_factory=dict)
    converted: Decimal = Decimal(0)

    def take_fill(self, fill: VenueFill) -> None:
        """Add what a fill came to."""
        self.realized += fill.realized_pnl
        self.fees += fill.fee
        if fill.fee_asset:
            self.paid[fill.fee_asset] = self.paid.get(fill.fee_asset, Decimal(0)) + fill.fee_paid
            self.converted += fill.fee


@dataclass(slots=True)
class LiveBook:
    """What is saved. ``cursor``: of the venue's fills; ``forgotten_us``: newest event time of an order forgotten;
    ``pushed``: symbol and trade id of fills that were booked before the cursor came to them; ``positions``:
    by place (``position_sides``); ``halted``: why no order that opens a position is taken, empty where any is.
    """

    account_id: str
    venue: str
    sequence: int = 0
    cursor: str = ""
    forgotten_us: int = -1
    pushed: list[tuple[str, str]] = field(default_factory=list)
    positions: dict[str, Decimal] = field(default_factory=dict)
    money: WalletRecord = field(default_factory=WalletRecord)
    halted: str = ""
    orders: dict[str, LiveOrder] = field(default_factory=dict)
    ended: dict[str, LiveOrder] = field(default_factory=dict)
