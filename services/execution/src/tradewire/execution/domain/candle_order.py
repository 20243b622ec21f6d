"""The last candle of each feed that an account took: the next one follows it (``tradewire.trading.candle_chain``).

What happened to the account is saved with it. Candles that were read and wait in its buffer are read again after a
crash, and are judged again: so what was read is kept beside it and is not saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradewire.execution.domain.arrivals import Arrived, Feed
from tradewire.trading.candle_chain import BEGINNING, CandleVerdict, ChainEnd

SAVED_RECENT = 1
"""Candles whose content is saved of each feed: an account's state grows with what it trades."""


class CandleOrder:
    """Of one account."""

    def __init__(self, saved: Iterable[Any] = ()) -> None:
        self._happened = {(venue, symbol, us): ChainEnd.restored(end) for venue, symbol, us, end in saved}
        self._read: dict[Feed, ChainEnd] = dict(self._happened)

    def __contains__(self, feed: Feed) -> bool:
        return feed in self._read

    def end(self, feed: Feed) -> ChainEnd:
        """The last candle that was read of a feed."""
        return self._read.get(feed, BEGINNING)

    def take(self, arrived: Arrived) -> CandleVerdict:
        """Take a candle, if it follows; returns what it is."""
        end, offset = self.end(arrived.feed), arrived.envelope.offset
        verdict = end.judge(arrived.candle, offset)
        if verdict.is_taken:
            self._read[arrived.feed] = end.after(arrived.candle, offset)
        return verdict

    def happen(self, arrived: Arrived) -> None:
        """It left the buffer."""
        feed = arrived.feed
        self._happened[feed] = self._happened.get(feed, BEGINNING).after(arrived.candle, arrived.envelope.offset)

    def leave(self, feed: Feed) -> None:
        """Bars of a feed are not needed any more: the next one that is follows none of them."""
        self._happened.pop(feed, None)
        self._read.pop(feed, None)

    def saved(self) -> list[Any]:
        """For JSON."""
        return [[*feed, end.saved(SAVED_RECENT)] for feed, end in sorted(self._happened.items())]
