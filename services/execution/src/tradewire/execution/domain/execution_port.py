"""The venue as the execution desk uses it: the one door through which the running service reaches an account's orders.

It speaks the exact integers of ``tradewire.trading.exchange``, so it stands here and not in ``tradewire.ports``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from tradewire.execution.domain.arrivals import Arrived
from tradewire.ports.broker import BrokerAccount
from tradewire.ports.events import OrderIntent, RiskAssessed
from tradewire.ports.message import Emit, Envelope
from tradewire.trading.exchange import InstrumentSpec

Bars = Mapping[str, Arrived]
"""The bars that close at one event time, by symbol."""


class ExecutionPort(Protocol):
    """The orders and positions of one account at a venue. Adapters: the paper venue; the order router with a broker.

    No call waits for the venue. A call returns the messages that it leads to at once; what the venue reports later
    comes from ``reports``. Both keep the account's records of orders and the strategies' shares.
    """

    @property
    @abstractmethod
    def owes(self) -> str:
        """What the venue has to answer before the account goes on; empty: nothing."""

    @property
    @abstractmethod
    def halted(self) -> str:
        """Why no order that opens a position is taken; empty: any is."""

    @property
    @abstractmethod
    def hedged(self) -> bool:
        """Has a symbol two positions, so that an exit can't but reduce the one that it is for?"""

    @property
    @abstractmethod
    def reconciled(self) -> bool:
        """Is everything known that was unfinished when this process took the account over?"""

    @abstractmethod
    def list_instrument(self, spec: InstrumentSpec) -> None:
        """An instrument that the account trades, or a newer version of its filters, fees and brackets."""

    @abstractmethod
    def knows(self, client_order_id: str) -> bool:
        """Is an order of this id at work, or did it end so lately that it is remembered?"""

    @abstractmethod
    def submit(self, event: RiskAssessed, intent: OrderIntent, cause: Envelope, time_us: int) -> Iterable[Emit]:
        """Place an order of an assessment. ``time_us``: the account's event time, UTC."""

    @abstractmethod
    def cancel(self, client_order_id: str, cause: Envelope, time_us: int) -> Iterable[Emit]:
        """Withdraw an order; one that is not at work is left alone."""

    @abstractmethod
    def has_shown(self, time_us: int, bars: Callable[[], Bars]) -> bool:
        """Has the venue shown all that happened up to the close at ``time_us``? Until it has, the bars wait.

        Asked again and again; ``bars`` tells those that close then.
        """

    @abstractmethod
    def step(self, time_us: int, bars: Bars, cause: Envelope) -> Iterable[Emit]:
        """The bars that close at ``time_us`` happen. ``cause`` stands behind what no order of ours asked for."""

    @abstractmethod
    def reports(self) -> Iterable[Emit]:
        """What the venue reported since it was last asked."""

    @abstractmethod
    def working(self) -> Collection[str]:
        """Our ids of the orders at work, as the venue showed them last; those of our records before it did."""

    @abstractmethod
    def state(self) -> BrokerAccount:
        """Balances, margins and open positions as of the last step."""

    @abstractmethod
    def positions_e8(self) -> Mapping[str, int]:
        """Signed net quantity by symbol, base 1e-8; without symbols that are flat."""

    @abstractmethod
    def last_close_us(self, symbol: str) -> int:
        """Close of the last bar of a symbol that happened, UTC µs; -1 when none did."""

    @abstractmethod
    def saved(self) -> Mapping[str, Any]:
        """Its state as JSON-able values, as of the messages returned so far."""

    @abstractmethod
    def close(self) -> None:
        """Another process writes the account from now on."""
