"""Which candles of a market a reader takes: each names the one before it, so one that does not follow is told.

Time alone can't tell: in a replay a candle far ahead looks like the first one behind a gap, and whoever takes it drops
every real candle after it as an old one. A reader decides by what it took last and by the record at hand, never by a
clock: so all readers of a partition decide alike, and a reader that begins again from its saved state decides as it
did before (docs/adr/0068-candles-name-the-one-before.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple
from zlib import crc32

from tradewire.ports.events import CandleClosed

RECENT_MAX = 4
"""Candles whose content is remembered, to tell a copy from one that says something else: two writers of a market are
seldom further apart."""


class CandleVerdict(Enum):
    """What a candle is to a reader of its market; what says most against it last.

    TAKEN follows the candle that was taken last. HOLE does too, behind candles that did not come. COPY was taken
    before. OLDER is not newer than the last, and nobody knows any more whether it was taken. UNLINKED is newer than the
    last but follows an older one: its writer does not know the last. CONTRADICTS has other figures than the candle of
    its time that was taken.
    """

    COPY = "copy"
    TAKEN = "taken"
    HOLE = "hole"
    OLDER = "older"
    UNLINKED = "unlinked"
    CONTRADICTS = "contradicts"

    @property
    def is_taken(self) -> bool:
        """Does the candle happen?"""
        return self in _HAPPENS

    @property
    def is_refused(self) -> bool:
        """Does the record become a dead letter?"""
        return self in _REFUSED


_HAPPENS = frozenset({CandleVerdict.TAKEN, CandleVerdict.HOLE})
_REFUSED = frozenset({CandleVerdict.UNLINKED, CandleVerdict.CONTRADICTS})


class ChainEnd(NamedTuple):
    """The last candle of a market that was taken: what decides on the next one.

    ``open_us``: its open, -1 before the first; ``linked``: did any candle so far name the one before it; ``offset``: of
    its record; ``recent``: open and checksum of the newest that were taken, oldest first.
    """

    open_us: int = -1
    linked: bool = False
    offset: int = -1
    recent: tuple[tuple[int, int], ...] = ()

    def judge(self, candle: CandleClosed, offset: int) -> CandleVerdict:
        """What a candle is, read at an offset of the market's partition."""
        previous_us, last_us = candle.previous_open_time_us, self.open_us
        if candle.open_time_us <= last_us:
            return self._judge_older(candle, offset)
        if last_us < 0 or previous_us == last_us:
            return CandleVerdict.TAKEN
        if previous_us is None:
            return CandleVerdict.UNLINKED if self.linked else CandleVerdict.TAKEN
        return CandleVerdict.HOLE if previous_us > last_us else CandleVerdict.UNLINKED

    def _judge_older(self, candle: CandleClosed, offset: int) -> CandleVerdict:
        if offset <= self.offset:
            return CandleVerdict.COPY  # read again, as after a crash: what it was then stands
        if not self.recent and 0 <= self.open_us == candle.open_time_us:
            return CandleVerdict.COPY  # the last itself, of a state that was saved without content
        for open_us, checksum in self.recent:
            if open_us == candle.open_time_us:
                return CandleVerdict.COPY if checksum == checksum_of(candle) else CandleVerdict.CONTRADICTS
        return CandleVerdict.OLDER

    def after(self, candle: CandleClosed, offset: int) -> ChainEnd:
        """The end once a candle was taken."""
        linked = self.linked or candle.previous_open_time_us is not None
        recent = (*self.recent[1 - RECENT_MAX :], (candle.open_time_us, checksum_of(candle)))
        return ChainEnd(candle.open_time_us, linked, offset, recent)

    def saved(self, recent_max: int = RECENT_MAX) -> list[Any]:
        """For JSON, with the content of so many candles."""
        return [self.open_us, self.linked, self.offset, self.recent[-recent_max:]]

    @classmethod
    def restored(cls, saved: Sequence[Any]) -> ChainEnd:
        """What ``saved`` wrote. Raises ValueError, TypeError for anything else."""
        open_us, linked, offset, recent = saved
        return cls(int(open_us), bool(linked), int(offset), tuple((int(at), int(checksum)) for at, checksum in recent))


BEGINNING = ChainEnd()
"""Before the first candle of a market."""


def checksum_of(candle: CandleClosed) -> int:
    """Of what a candle says of its bar: prices, volume and funding, and not how it came here."""
    marks = candle.mark_open, candle.mark_high, candle.mark_low, candle.mark_close
    bar = candle.open, candle.high, candle.low, candle.close, candle.volume
    numbers = (*bar, *marks, candle.funding_rate)
    return crc32(" ".join("-" if n is None else format(n.normalize(), "f") for n in numbers).encode())


def longest_chain(candles: Iterable[CandleClosed]) -> tuple[int, int]:
    """The last open of the longest chain among candles of one market, in their topic's order, and how long it is.

    Where a writer goes on. One that reads its own output back does not know what came before the first candle that it
    reads, so it follows the candles that most others lead to rather than the newest. -1 and 0 when there are none.
    """
    lengths: dict[int, int] = {}
    newest_us = -1
    for candle in candles:
        open_us, previous_us = candle.open_time_us, candle.previous_open_time_us
        if previous_us is None:  # of a writer that names none: the newest counts
            if open_us <= newest_us:
                continue
            previous_us, newest_us = newest_us, open_us
        lengths[open_us] = max(lengths.get(open_us, 0), 1 + lengths.get(previous_us, 0))
    return max(lengths.items(), key=_by_length, default=(-1, 0))  # of two the first, which readers took


def _by_length(item: tuple[int, int]) -> int:
    return item[1]
