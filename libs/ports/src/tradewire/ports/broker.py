"""A venue's API: orders go out, and what became of them is asked for by our own id."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tradewire.ports.events import Liquidity, OrderIntent, OrderStatus, Side

BOTH, LONG, SHORT = "BOTH", "LONG", "SHORT"
"""Sides of a position: BOTH where an account keeps one net position of each symbol, the others in hedge mode."""
ALREADY_THERE = "ALREADY_THERE"
"""``Unknown.why`` when the venue refused an id because it has an order of that id (Binance -4116): ask for it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the order. ``time_us``: the venue's time, UTC."""

    venue_order_id: str
    time_us: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The venue said no, and surely keeps nothing of the order. ``reason`` is stable, ``detail`` for people."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may or may not have been carried out: a timeout, a cut socket, HTTP 503, Binance -1007."""

    why: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """The venue shows no such order now (Binance -2013; -2011 on a cancel). It may still show it in a moment."""


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue shows it.

    ``qty`` and ``filled_qty``: base; ``status``: ACCEPTED, TRIGGERED, PARTIALLY_FILLED or an ending (Binance's
    EXPIRED_IN_MATCH is EXPIRED); ``updated_us``: the venue's time of the last change, UTC.
    """

    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    order_type: str
    qty: Decimal
    filled_qty: Decimal
    status: OrderStatus
    updated_us: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class VenueFill:
    """A fill as the venue shows it: ``qty`` base, ``price`` quote per base, ``fee`` and ``realized_pnl`` quote.

    Where the commission was paid in another asset: ``fee_asset``, and ``fee_paid`` in it; ``fee`` is its value then,
    and 0 with ``fee_valued`` False where nobody says what it is worth.
    """

    venue_trade_id: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    liquidity: Liquidity
    realized_pnl: Decimal
    time_us: int
    fee_asset: str = ""
    fee_paid: Decimal = Decimal(0)
    position_side: str = BOTH
    fee_valued: bool = True


@dataclass(frozen=True, slots=True)
class FillPage:
    """Fills after a cursor, oldest first; ``cursor`` continues after them and equals the old one when none is new."""

    fills: Sequence[VenueFill]
    cursor: str


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """An open position as the venue shows it: ``qty`` base, signed; prices quote per base, PnL quote."""

    symbol: str
    qty: Decimal
    entry_price: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    liquidation_price: Decimal | None = None
    position_side: str = BOTH


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """Balances, margins and open positions as the venue shows them, quote; positions by symbol and side.

    ``realized_pnl`` is before fees; ``funding_paid`` is negative when more was received.
    """

    wallet_balance: Decimal
    unrealized_pnl: Decimal
    equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    realized_pnl: Decimal
    fees_paid: Decimal
    funding_paid: Decimal
    positions: Sequence[BrokerPosition] = ()


class BrokerPort(Protocol):
    """One account at one venue. Adapters: the simulated exchange; next, an exchange's API.

    Errors are translated: a write whose outcome isn't known *returns* Unknown. RetryableError means that the call
    surely had no effect (no connection, rate limit) or that a read failed; FatalError, that no call can succeed
    (credentials, a banned address).
    """

    @abstractmethod
    async def submit(
        self, symbol: str, intent: OrderIntent, asked_us: int | None = None
    ) -> Accepted | Rejected | Unknown:
        """Send an order under ``intent.client_order_id``. Never sends twice. Raises RetryableError, FatalError.

        ``asked_us``: our clock when we last knew that we may trade the account, None for now. A venue whose requests
        carry a time refuses one that arrives long after it: another process may trade the account by then.
        """

    @abstractmethod
    async def cancel(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound | Unknown:
        """Withdraw an order; the order after it. NotFound: none is open. Raises RetryableError, FatalError."""

    @abstractmethod
    async def query(self, symbol: str, client_order_id: str) -> VenueOrder | NotFound:
        """The newest order of this id, open or ended. Raises RetryableError, FatalError."""

    @abstractmethod
    async def open_orders(self) -> Sequence[VenueOrder]:
        """Every order at work, whoever made it. Raises RetryableError, FatalError."""

    @abstractmethod
    async def fills_since(self, cursor: str) -> FillPage:
        """The account's next fills, each once over a chain of cursors; "" begins. Raises RetryableError, FatalError."""

    @abstractmethod
    async def account(self) -> BrokerAccount:
        """Balances and positions now. Raises RetryableError, FatalError."""

    @abstractmethod
    async def time(self) -> int:
        """The venue's clock: UTC, µs since the epoch. Raises RetryableError, FatalError."""
