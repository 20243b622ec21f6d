"""What an exchange has beside its requests: symbols to follow, modes to check, and reports that it pushes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from tradewire.ports.broker import VenueFill, VenueOrder


@dataclass(frozen=True, slots=True)
class StreamGap:
    """Reports may have been missed: the account must be reconciled. ``why`` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class VenueWarning:
    """Something about the account that people must know. ``symbol``: whose modes were changed; empty: of none."""

    name: str
    message: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """A row of the venue that changed the wallet: ``kind`` as the venue calls it, ``amount`` quote, < 0 when paid.

    Of another asset than the quote's: ``kind`` is ``COMMISSION:BNB`` or the like, and ``amount`` is in that asset.
    """

    kind: str
    amount: Decimal
    symbol: str
    time_us: int


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Payments after a cursor; ``cursor`` continues after them and equals the old one when none is new."""

    payments: Sequence[Payment]
    cursor: str


Report = VenueOrder | VenueFill | StreamGap | VenueWarning
"""What a venue pushes."""


class LiveVenuePort(Protocol):
    """The part of a broker that a simulated exchange does not have."""

    @abstractmethod
    def list_symbol(self, symbol: str, since_us: int | None = None) -> None:
        """The account trades ``symbol``: its fills from ``since_us`` on, UTC, are among those of ``fills_since``.

        None: from when they are first asked for. Before that no order of the symbol may leave.
        """

    @abstractmethod
    async def begin(self) -> None:
        """Ask whether the account is as the settings want it. Raises RetryableError; FatalError for one that is not."""

    @abstractmethod
    async def report(self) -> Report:
        """Wait for the next thing that the venue pushes. Raises FatalError."""

    @abstractmethod
    async def payments_since(self, cursor: str) -> PaymentPage:
        """What changed the wallet, each row once over a chain of cursors; "" begins now. Raises RetryableError."""

    @abstractmethod
    async def stay(self, symbols: Collection[str]) -> None:
        """We are there: the venue need not withdraw our resting orders of ``symbols`` yet. Raises RetryableError."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of the venue; nothing there is changed."""
