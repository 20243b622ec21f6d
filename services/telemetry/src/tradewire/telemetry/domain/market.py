"""The newest of each market series, and whether it still comes: by the time at which its next bar is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from tradewire.ports.events import CandleClosed, MarkPriceUpdated, TopOfBook
from tradewire.ports.intervals import INTERVALS_US
from tradewire.ports.message import Envelope, Event

SERIES_KEPT = 20_000
GRACE_US = 10_000_000
"""A bar may come so long after it is due."""
TIMELY_US = 60_000_000
"""A bar sent within two intervals and so long after its close is of the present; any other is of the past."""
DEAD_INTERVALS = 3
PAST_LATE_US, PAST_DEAD_US = 60_000_000, 300_000_000
"""Bars of the past come at any pace: after so long without one the feed is late, and dead."""


class FeedState(StrEnum):
    """Does a feed come? ENDED: its source said that there is no more; UNKNOWN: nobody knows when it last came."""

    LIVE = "LIVE"
    LATE = "LATE"
    DEAD = "DEAD"
    ENDED = "ENDED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class BarFeed:
    """A stream of bars. ``last_event_us``: close of its newest; ``received_us``: when it was sent; None: not known."""

    venue: str
    symbol: str
    interval: str
    last_event_us: int
    received_us: int | None
    ended: bool
    partition: int

    @property
    def due_us(self) -> int | None:
        """Wall time of the next bar; None for a feed of the past, which has no schedule, and after the end."""
        if self.ended or self.received_us is None:
            return None
        interval_us = INTERVALS_US[self.interval]
        if self.received_us - self.last_event_us > 2 * interval_us + TIMELY_US:
            return None
        return self.last_event_us + interval_us

    def state(self, now_us: int) -> FeedState:
        """How it is."""
        if self.ended:
            return FeedState.ENDED
        if self.received_us is None:
            return FeedState.UNKNOWN
        if (due_us := self.due_us) is None:
            late_us, dead_us = self.received_us + PAST_LATE_US, self.received_us + PAST_DEAD_US
        else:
            late_us = due_us + GRACE_US
            dead_us = late_us + (DEAD_INTERVALS - 1) * INTERVALS_US[self.interval]
        return FeedState.LIVE if now_us <= late_us else FeedState.LATE if now_us <= dead_us else FeedState.DEAD


@dataclass(frozen=True, slots=True)
class NewestPrices:
    """The newest mark and quote of a symbol; None: none came. Money as on the topic."""

    venue: str
    symbol: str
    partition: int
    mark: MarkPriceUpdated | None = None
    quote: TopOfBook | None = None
    last: CandleClosed | None = None
    received_us: int | None = None


class MarketBook:
    """Newest of each series, within a bound: the one that is silent for longest goes first."""

    def __init__(self, series_kept: int = SERIES_KEPT) -> None:
        self._kept = series_kept
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.feeds: dict[tuple[str, str, str], BarFeed] = {}
        self.prices: dict[tuple[str, str], NewestPrices] = {}

    def take(self, event: Event, envelope: Envelope) -> None:
        """Take a market event in; an older one, or one that is of no kept kind, changes nothing."""
        received_us = envelope.sent_at_us or None
        if isinstance(event, CandleClosed):
            self._take_candle(event, received_us, envelope.partition)
        elif isinstance(event, MarkPriceUpdated | TopOfBook):
            known = self._price(event.venue, event.symbol, envelope.partition)
            if isinstance(event, MarkPriceUpdated):
                newer = known.mark is None or event.event_time_us >= known.mark.event_time_us
                changed = replace(known, mark=event, received_us=received_us)
            else:
                newer = known.quote is None or event.event_time_us >= known.quote.event_time_us
                changed = replace(known, quote=event, received_us=received_us)
            if newer:
                self._keep_price(changed)

    def forget(self, partitions: Iterable[int]) -> None:
        """Let go of what another instance reads now."""
        gone = set(partitions)
        self.feeds = {key: feed for key, feed in self.feeds.items() if feed.partition not in gone}
        self.prices = {key: price for key, price in self.prices.items() if price.partition not in gone}

    def _take_candle(self, event: CandleClosed, received_us: int | None, partition: int) -> None:
        key = (event.venue, event.symbol, event.interval)
        known = self.feeds.get(key)
        if known is not None and event.close_time_us < known.last_event_us:
            return
        self.feeds.pop(key, None)
        self.feeds[key] = BarFeed(*key, event.close_time_us, received_us, event.last_of_stream, partition)
        if len(self.feeds) > self._kept:
            del self.feeds[next(iter(self.feeds))]
        price = self._price(event.venue, event.symbol, partition)
        if price.last is None or event.close_time_us >= price.last.close_time_us:
            self._keep_price(replace(price, last=event, received_us=received_us))

    def _price(self, venue: str, symbol: str, partition: int) -> NewestPrices:
        return self.prices.get((venue, symbol)) or NewestPrices(venue, symbol, partition)

    def _keep_price(self, price: NewestPrices) -> None:
        key = (price.venue, price.symbol)
        self.prices.pop(key, None)
        self.prices[key] = price
        if len(self.prices) > self._kept:
            del self.prices[next(iter(self.prices))]
