"""A symbol's recorded candles, moved to the venue's time, and the price between their ends.

Inside a candle the price goes straight from the open over both extremes to the close, a third of the time each, as in
`tradewire.trading.exchange.bars`: the low first where the candle closes at or above its open. After the last candle the
price stands still.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from tradewire.trading.exchange import Bar
from tradewire.trading.exchange.bars import Leg, inner_legs


class Candle(NamedTuple):
    """Open, high, low, close (quote per base) and volume (base) of a span, e8."""

    open_us: int
    close_us: int
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    volume_e8: int


class Tape:
    """Candles of one interval in time order, each beginning at or after the end of the one before.

    ``rates``: recorded funding rates by the close of the candle in which they were settled; none: as the venue's.
    ``marks``: recorded mark prices; None: the mark follows the last price.
    """

    def __init__(
        self,
        bars: Sequence[Bar],
        *,
        tick_e8: int,
        rates: Mapping[int, Decimal] | None = None,
        marks: Tape | None = None,
    ) -> None:
        if not bars:
            raise ValueError("tape: found no candles, allowed at least one")
        self.bars, self._tick_e8 = tuple(bars), tick_e8
        self.rates = dict(sorted((rates or {}).items()))
        self.settled_us = tuple(self.rates)
        self.marks = marks
        self._opens = [bar.open_time_us for bar in self.bars]

    @classmethod
    def moved(
        cls,
        bars: Sequence[Bar],
        *,
        tick_e8: int,
        history: int,
        now_us: int,
        rates: Mapping[int, Decimal] | None = None,
        marks: Sequence[Bar] = (),
    ) -> Tape:
        """The candles in the venue's time: ``history`` of them have closed before the one that is open now.

        ``rates``: by the open of the candle in which they were settled. All is moved by whole intervals. Raises
        ValueError when there are not more than ``history``.
        """
        if len(bars) <= history:
            raise ValueError(f"candles: found {len(bars)}, allowed more than the {history} that are history")
        first = bars[history]
        interval_us = first.close_time_us - first.open_time_us
        shift_us = (now_us - first.open_time_us) // interval_us * interval_us
        settled = {open_us + interval_us + shift_us: rate for open_us, rate in (rates or {}).items()}
        beside = cls([_shifted(bar, shift_us) for bar in marks], tick_e8=1) if marks else None
        return cls([_shifted(bar, shift_us) for bar in bars], tick_e8=tick_e8, rates=settled, marks=beside)

    @property
    def first_us(self) -> int:
        """Where the candles begin."""
        return self._opens[0]

    @property
    def end_us(self) -> int:
        """Where they end."""
        return self.bars[-1].close_time_us

    def closes_between(self, start_us: int, end_us: int) -> Iterator[int]:
        """Ends of candles after ``start_us`` up to ``end_us``."""
        for bar in self._from(start_us):
            if bar.close_time_us > end_us:
                return
            if bar.close_time_us > start_us:
                yield bar.close_time_us

    def bar_ending(self, time_us: int) -> Bar | None:
        """The candle that closes at a time."""
        bar = self.bars[self._index(time_us - 1)]
        return bar if bar.close_time_us == time_us else None

    def price_at(self, time_us: int) -> int:
        """Last price at a time, e8, on a tick."""
        bar = self.bars[self._index(time_us)]
        if time_us >= bar.close_time_us:
            return bar.close_e8
        if time_us <= bar.open_time_us:
            return bar.open_e8
        for leg in self._legs(bar):
            if time_us <= leg.end_us:
                return self._on_leg(leg, time_us)
        return bar.close_e8

    def candle(self, start_us: int, end_us: int) -> Candle | None:
        """What the price did from ``start_us`` to ``end_us``; None where no candle lies."""
        parts = [part for bar in self._touching(start_us, end_us) for part in self._part(bar, start_us, end_us)]
        if not parts:
            return None
        return Candle(
            start_us,
            end_us,
            parts[0].open_e8,
            max(part.high_e8 for part in parts),
            min(part.low_e8 for part in parts),
            parts[-1].close_e8,
            sum(part.volume_e8 for part in parts),
        )

    def _touching(self, start_us: int, end_us: int) -> Iterable[Bar]:
        for bar in self._from(start_us):
            if bar.open_time_us >= end_us:
                return
            if bar.close_time_us > start_us:
                yield bar

    def _part(self, bar: Bar, start_us: int, end_us: int) -> Iterator[Candle]:
        """The piece of a candle within a span."""
        from_us, to_us = max(start_us, bar.open_time_us), min(end_us, bar.close_time_us)
        if (from_us, to_us) == (bar.open_time_us, bar.close_time_us):
            yield Candle(from_us, to_us, bar.open_e8, bar.high_e8, bar.low_e8, bar.close_e8, bar.volume_e8)
            return
        inside = [leg.last_to_e8 for leg in self._legs(bar) if from_us < leg.end_us < to_us]
        first, last = self.price_at(from_us), self.price_at(to_us) if to_us < bar.close_time_us else bar.close_e8
        prices = (first, *inside, last)
        volume_e8 = bar.volume_e8 * (to_us - from_us) // (bar.close_time_us - bar.open_time_us)
        yield Candle(from_us, to_us, first, max(prices), min(prices), last, volume_e8)

    def _legs(self, bar: Bar) -> tuple[Leg, ...]:
        return inner_legs(bar, None, low_first=bar.close_e8 >= bar.open_e8)

    def _on_leg(self, leg: Leg, time_us: int) -> int:
        span_us = leg.end_us - leg.start_us
        moved = (leg.last_to_e8 - leg.last_from_e8) * (time_us - leg.start_us) // span_us
        price_e8 = (leg.last_from_e8 + moved) // self._tick_e8 * self._tick_e8
        low, high = sorted((leg.last_from_e8, leg.last_to_e8))
        return min(max(price_e8, low), high)

    def _from(self, time_us: int) -> Iterator[Bar]:
        """Candles from the one that holds a time on."""
        return (self.bars[place] for place in range(self._index(time_us), len(self.bars)))

    def _index(self, time_us: int) -> int:
        return max(0, bisect_right(self._opens, time_us) - 1)


def _shifted(bar: Bar, shift_us: int) -> Bar:
    return replace(bar, open_time_us=bar.open_time_us + shift_us, close_time_us=bar.close_time_us + shift_us)
