"""A local order book kept by the sequencing rule of the depth stream.

Source: Binance docs, "How to manage a local order book correctly": buffer events; take a snapshot; drop events with
``u < lastUpdateId``; the first one applied has ``U <= lastUpdateId <= u``; each later one ``pu`` = the ``u`` before,
else begin again. A removed level that is not there is normal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tradewire.binance.market_streams import DepthUpdate, Level
from tradewire.binance.wire import Wire, on_wire


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthSnapshot(Wire):
    """The reply of ``GET /fapi/v1/depth``."""

    last_update_id: int = on_wire("lastUpdateId")
    event_time_ms: int | None = on_wire("E", optional=True)
    transaction_time_ms: int | None = on_wire("T", optional=True)
    bids: tuple[Level, ...] = on_wire("bids")
    asks: tuple[Level, ...] = on_wire("asks")


class Resync(StrEnum):
    """Why the book has to begin again from a snapshot."""

    NO_SNAPSHOT = "NO_SNAPSHOT"
    SNAPSHOT_TOO_OLD = "SNAPSHOT_TOO_OLD"
    """Its last update is before the first one buffered."""
    UPDATE_MISSING = "UPDATE_MISSING"
    """``pu`` is not the ``u`` before."""


@dataclass(slots=True)
class OrderBook:
    """One symbol's levels. ``update_id``: the last update in it; 0 before the first snapshot."""

    update_id: int = 0
    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)
    _joined: bool = False
    _snapshot_id: int = 0
    _buffer: list[DepthUpdate] = field(default_factory=list)

    @property
    def is_synced(self) -> bool:
        """Whether the levels are the venue's as of ``update_id``."""
        return self._snapshot_id > 0

    def take(self, update: DepthUpdate) -> Resync | None:
        """Apply the next event of the stream, or keep it until there is a snapshot.

        The reason to ask for a snapshot, if there is one; the event is then kept for it.
        """
        if not self.is_synced:
            self._buffer.append(update)
            return Resync.NO_SNAPSHOT
        if update.last_update_id < self._snapshot_id and not self._joined:
            return None
        broken = self._broken(update)
        if broken:
            self._forget(keep=(update,))
            return broken
        self._apply(update)
        return None

    def start(self, snapshot: DepthSnapshot) -> Resync | None:
        """Begin from a snapshot and apply what was kept. SNAPSHOT_TOO_OLD: ask for a newer one."""
        kept = [item for item in self._buffer if item.last_update_id >= snapshot.last_update_id]
        self._forget()
        self.update_id = self._snapshot_id = snapshot.last_update_id
        self.bids, self.asks = dict(snapshot.bids), dict(snapshot.asks)
        for number, item in enumerate(kept):
            broken = self.take(item)
            if broken:
                self._forget(keep=kept[number:])
                return broken
        return None

    def best_bid(self) -> Level | None:
        """Highest bid and its quantity."""
        return max(self.bids.items(), default=None)

    def best_ask(self) -> Level | None:
        """Lowest ask and its quantity."""
        return min(self.asks.items(), default=None)

    def _broken(self, update: DepthUpdate) -> Resync | None:
        if self._joined:
            return None if update.previous_update_id == self.update_id else Resync.UPDATE_MISSING
        # One that follows the snapshot directly leaves no hole either, though the rule does not name it.
        if update.first_update_id > self._snapshot_id and update.previous_update_id != self._snapshot_id:
            return Resync.SNAPSHOT_TOO_OLD
        return None

    def _apply(self, update: DepthUpdate) -> None:
        _set(self.bids, update.bids)
        _set(self.asks, update.asks)
        self.update_id, self._joined = update.last_update_id, True

    def _forget(self, keep: Iterable[DepthUpdate] = ()) -> None:
        self.bids, self.asks, self._buffer = {}, {}, list(keep)
        self.update_id = self._snapshot_id = 0
        self._joined = False


def _set(side: dict[Decimal, Decimal], levels: Iterable[Level]) -> None:
    for price, qty in levels:
        if qty:
            side[price] = qty
        else:
            side.pop(price, None)
