"""The telemetry desk: takes every message once into the books, and hands on what is to be recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tradewire.ports.events import CandleClosed, IndicatorsUpdated, MarkPriceUpdated, TopOfBook
from tradewire.ports.message import Emit, Envelope, Event
from tradewire.ports.topics import TOPICS
from tradewire.telemetry.domain.bar_history import BarHistory
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.candle_ends import CandleEnds
from tradewire.telemetry.domain.latency import Latencies, Took
from tradewire.telemetry.domain.market import MarketBook
from tradewire.telemetry.domain.seen import Seen

SHOWN = frozenset({CandleClosed, MarkPriceUpdated, TopOfBook})
"""Market events that the live stream shows: the newest of each series."""

Listener = Callable[[Seen[Event]], None]
Timer = Callable[[Took], None]


@dataclass
class Freshness:
    """How far a topic was read: newest event time (µs), next offset per partition, messages since the start."""

    newest_us: int
    offsets: dict[int, int]
    messages: int = 0


def _nobody(_: object) -> None:
    """No one listens."""


class TelemetryDesk:
    """Everything that this instance has seen.

    ``market_sample``: of market messages every n-th is recorded, 0: none; all are counted. ``listener`` is told of
    every message that changed the books and of market events that are shown, ``timer`` of every stage of an order that
    it completed.
    """

    def __init__(
        self, books: Books, *, market_sample: int = 0, listener: Listener = _nobody, timer: Timer = _nobody
    ) -> None:
        self.books = books
        self.market = MarketBook()
        self.history = BarHistory()
        self.candles = CandleEnds()
        self.freshness: dict[str, Freshness] = {}
        self._market_sample, self._listener, self._timer = market_sample, listener, timer
        self._latencies = Latencies()
        self._market = Counter[str]()
        self._unrecorded: list[Seen[Event]] = []

    # ---- events ----

    def on_fact(self, event: Event, envelope: Envelope) -> Iterable[Emit]:
        """What happened on the platform: into the books, the log store and the metrics."""
        self._note(envelope)
        seen = Seen(event, envelope)
        self._unrecorded.append(seen)
        if self.books.take(event, envelope):
            self._listener(seen)
            self._time(event, envelope)
        return ()

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterable[Emit]:
        """A bar, where it follows the last of its market."""
        return self.on_market(event, envelope) if self.candles.shows(event, envelope) else ()

    def on_market(self, event: Event, envelope: Envelope) -> Iterable[Emit]:
        """What the market did: counted, and a sample recorded; whoever needs all of it has the topic."""
        self._note(envelope)
        self._time(event, envelope)
        self._market[envelope.topic] += 1
        self._draw(event, envelope)
        if type(event) in SHOWN:
            self.market.take(event, envelope)
            self._listener(Seen(event, envelope))
        if self._market_sample and self._market[envelope.topic] % self._market_sample == 0:
            self._unrecorded.append(Seen(event, envelope))
        return ()

    def on_heartbeat(self, envelope: Envelope) -> None:
        """A record that says nothing: the topic was read up to it."""
        if (seen := self.freshness.get(envelope.topic)) is not None:
            seen.offsets[envelope.partition] = max(seen.offsets.get(envelope.partition, 0), envelope.offset + 1)

    def on_config_deleted(self, strategy_id: str, envelope: Envelope) -> Iterable[Emit]:
        """A strategy's file was withdrawn."""
        self._note(envelope)
        self.books.configs.pop(strategy_id, None)
        return ()

    # ---- state ----

    def clear(self) -> None:
        """Forget everything, as before the first message."""
        self.books.clear()
        self.market.clear()
        self.history.clear()
        self.candles.clear()
        self.freshness.clear()
        self._market.clear()
        self._unrecorded.clear()
        self._latencies = Latencies()

    def restore(self, event: Event, envelope: Envelope) -> None:
        """An event read again at the start: into what is shown only, for it was recorded before."""
        if isinstance(event, CandleClosed) and not self.candles.shows(event, envelope, restoring=True):
            return
        self._draw(event, envelope)
        if isinstance(event, IndicatorsUpdated):
            return
        if type(event) in SHOWN:
            self.market.take(event, envelope)  # the topic is still read from where it was left: lag counts from there
            return
        self._note(envelope, messages=0)
        self.books.take(event, envelope)

    def unrecorded(self) -> tuple[Seen[Event], ...]:
        """What is yet to be recorded, oldest first."""
        return tuple(self._unrecorded)

    def recorded(self, count: int) -> None:
        """The first ``count`` are safe."""
        del self._unrecorded[:count]

    def newest_event_time_us(self) -> int | None:
        """Newest event time (µs) of any topic but control topics, whose time is that of whoever wrote them."""
        timed = [seen.newest_us for topic, seen in self.freshness.items() if not TOPICS[topic].broadcast]
        return max(timed, default=None)

    def status(self) -> dict[str, object]:
        """For /health."""
        return {
            "accounts": len(self.books.accounts),
            "strategies": len(self.books.statuses),
            "orders": len(self.books.orders),
            "unrecorded": len(self._unrecorded),
            "messages": {topic: seen.messages for topic, seen in sorted(self.freshness.items())},
        }

    def _draw(self, event: Event, envelope: Envelope) -> None:
        if isinstance(event, CandleClosed | IndicatorsUpdated):
            self.history.take(event, envelope.partition)

    def _time(self, event: Event, envelope: Envelope) -> None:
        for took in self._latencies.take(event, envelope):
            self._timer(took)

    def _note(self, envelope: Envelope, *, messages: int = 1) -> None:
        seen = self.freshness.get(envelope.topic)
        if seen is None:
            seen = self.freshness[envelope.topic] = Freshness(envelope.event_time_us, {})
        seen.newest_us = max(seen.newest_us, envelope.event_time_us)
        seen.offsets[envelope.partition] = max(seen.offsets.get(envelope.partition, 0), envelope.offset + 1)
        seen.messages += messages
