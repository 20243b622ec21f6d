"""Market data in: what ingest reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Protocol

from tradewire.ports.events import InstrumentChanged
from tradewire.ports.message import Event
from tradewire.ports.metrics import Figure


class MarketDataPort(Protocol):
    """A source of closed bars and other market events, in event-time order per (venue, symbol)."""

    @abstractmethod
    async def instruments(self) -> list[InstrumentChanged]:
        """What the source offers. Raises RetryableError when it can't be asked now."""

    @abstractmethod
    async def markets(self) -> Collection[tuple[str, str]]:
        """(venue, symbol) of the candles that ``events`` yields. Raises RetryableError."""

    @abstractmethod
    def events(self, resume_after_us: Mapping[tuple[str, str], int]) -> AsyncIterator[Event]:
        """Market events later than the given close time per (venue, symbol); all, for a key not given.

        Only closed bars. Faults of the data come as ``GapDetected``; nothing is repaired. Raises RetryableError.
        """

    def clock_offset_s(self) -> float | None:
        """How far the venue's clock is ahead of ours, s, when last asked; None where there is no such clock."""
        return None

    def figures(self) -> Iterable[Figure]:
        """What the source tells of itself as metrics."""
        return ()

    @abstractmethod
    async def close(self) -> None:
        """Let go of files and connections."""
