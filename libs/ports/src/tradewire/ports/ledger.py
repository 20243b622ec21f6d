"""The execution ledger: orders, fills and account states, durable before anything about them is published."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import OrderChanged, OrderFilled


class OrderIdReusedError(ContractViolationError):
    """An order under the client order id of another one. ``order``: its transition, which can't be written."""

    def __init__(self, order: OrderChanged, known: OrderChanged) -> None:
        key = order.account_id, order.client_order_id
        super().__init__(f"client order id {key} is of {known!r} and came again as {order!r}", stage="handle")
        self.order = order


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account's newest state. ``state``: JSON of its executor."""

    account_id: str
    partition: int
    event_time_us: int
    state: bytes


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """How far an account partition has read what it does not read by group.

    ``candles``: next offset by candle partition; ``statuses``: next offset of the strategies' statuses that were known
    when these candles were read.
    """

    candles: Mapping[int, int]
    statuses: int


@dataclass(frozen=True, slots=True)
class Changes:
    """One atomic step of the ledger."""

    accounts: Sequence[AccountRow] = ()
    orders: Sequence[OrderChanged] = ()
    fills: Sequence[OrderFilled] = ()
    outbox: Sequence[Outgoing] = ()
    positions: Mapping[int, ReadPosition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a writer finds when it takes partitions over; ``unpublished`` in the order in which it was written.

    ``positions``: by account partition, those that were written before.
    """

    accounts: Sequence[AccountRow] = ()
    unpublished: Sequence[Outgoing] = ()
    positions: Mapping[int, ReadPosition] = field(default_factory=dict)


class LedgerPort(Protocol):
    """One writer per account partition, fenced. Adapters: Postgres, memory."""

    @abstractmethod
    async def open(self) -> None:
        """Connect and migrate. Raises RetryableError."""

    async def ping(self) -> None:
        """Ask whether the server answers; one in memory always does. Raises RetryableError, FatalError."""
        return

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def acquire(self, partitions: Sequence[int]) -> Recovered:
        """Become the only writer of these partitions: an earlier one is refused from now on. Raises RetryableError."""

    @abstractmethod
    async def commit(self, changes: Changes) -> None:
        """Write all or nothing.

        An order transition or fill that is already there, equal, is left alone; a different one under the same key is
        a FatalError. Raises OrderIdReusedError, and then nothing is written; FencedError when another writer took a
        partition over; RetryableError.
        """

    @abstractmethod
    async def published(self) -> None:
        """Everything committed so far was acknowledged by the bus. Raises RetryableError."""
