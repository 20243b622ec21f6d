"""The indicator desk: answers every closed bar with one snapshot of all demanded values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import CandleClosed, IndicatorStateSaved, IndicatorsUpdated, StrategyStatusChanged
from tradewire.ports.message import Emit, Envelope, Work
from tradewire.trading.candle_chain import BEGINNING, ChainEnd
from tradewire.trading.candle_watch import CandleWatch
from tradewire.trading.indicators import INDICATORS, Indicator
from tradewire.trading.language import INTERVALS_US, IndicatorEngine
from tradewire.trading.roster import Roster
from tradewire.trading.tracking import Tracked
from tradewire.trading.wire import bar_of

Key = tuple[str, str, str]
"""(venue, symbol, interval)."""


NEVER_US, LAST_US = -1, 2**63
"""Before and after every bar."""


class Demands(NamedTuple):
    """What is demanded of a stream at bars that close from ``since_us`` to before ``until_us``."""

    since_us: int
    until_us: int
    texts: tuple[str, ...]


@dataclass
class FollowedStream:
    """One stream of candles and the engine that follows it.

    ``time_us``: close of the last bar included; ``end``: its candle, which the next one follows.
    """

    engine: IndicatorEngine
    demands: tuple[str, ...]
    partition: int
    time_us: int = -1
    end: ChainEnd = BEGINNING
    values: dict[str, float | None] = field(default_factory=dict)


class IndicatorDesk:
    """Engines of all streams whose partitions this process owns.

    ``catalogue``: the indicators, as ``adapter`` computes them. State that another adapter saved is not taken over:
    its indicators warm up anew.
    """

    def __init__(self, catalogue: Mapping[str, Indicator] = INDICATORS, adapter: str = "native") -> None:
        self._catalogue, self._adapter = catalogue, adapter
        self._roster = Roster()
        self._demands: dict[Key, Demands] = {}
        self._feeds: Tracked[Key, FollowedStream] = Tracked()
        self.watch = CandleWatch("indicator")

    def on_status(self, event: StrategyStatusChanged, _: Envelope) -> Iterable[Emit]:
        """Versions changed: what they demand begins and ends with the bars at which they do."""
        self._roster.apply(event)
        self._demands.clear()
        return ()

    def on_candle(self, event: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """One snapshot per bar that follows the last of its market; a bar that was answered before is left alone.

        Raises RefusedRecordError for one that does not follow it.
        """
        bar_of(event)  # a candle that is no bar must not move any engine
        key = (event.venue, event.symbol, event.interval)
        known = self._feeds.known(key)
        end = BEGINNING if known is None else known.end
        verdict = end.judge(event, envelope.offset)
        yield from self.watch.say(verdict, end, event, envelope)
        if not verdict.is_taken:
            return
        feed = self._feed(key, envelope.partition, event.close_time_us)
        bar = {name: float(getattr(event, name)) for name in ("open", "high", "low", "close", "volume")}
        try:
            computed = feed.engine.update(event.open_time_us, **bar)
        except ValueError as error:
            raise ContractViolationError(str(error)) from error
        previous, feed.values = feed.values, {**bar, **computed}
        feed.time_us, feed.end = event.close_time_us, feed.end.after(event, envelope.offset)
        snapshot = IndicatorsUpdated(
            venue=event.venue,
            symbol=event.symbol,
            interval=event.interval,
            open_time_us=event.open_time_us,
            event_time_us=event.close_time_us,
            close=event.close,
            values=feed.values,
            previous=previous,
            input_partition=envelope.partition,
            input_offset=envelope.offset,
            last_of_stream=event.last_of_stream,
        )
        yield Emit(snapshot, envelope, work=Work("indicator.compute", {"tradewire.indicators": len(computed)}))

    def _feed(self, key: Key, partition: int, time_us: int) -> FollowedStream:
        """The stream as of a bar. What is new at this bar begins to warm up, what stays keeps its state."""
        demands = self._demanded(key, time_us)
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = FollowedStream(self._engine(demands, key[2]), demands, partition)
        elif feed.demands != demands:
            engine = self._engine(demands, key[2])
            engine.restore(feed.engine.state())
            feed.engine, feed.demands = engine, demands
        return feed

    def _engine(self, demands: tuple[str, ...], interval: str) -> IndicatorEngine:
        return IndicatorEngine(demands, INTERVALS_US[interval], self._catalogue)

    def _demanded(self, key: Key, time_us: int) -> tuple[str, ...]:
        """What the versions in force at a bar demand: the same whenever the bar is read, and how often."""
        known = self._demands.get(key)
        if known is None or not known.since_us <= time_us < known.until_us:
            known = self._demands[key] = self._demands_at(key, time_us)
        return known.texts

    def _demands_at(self, key: Key, time_us: int) -> Demands:
        venue, symbol, interval = key
        strategies = self._roster.strategies_on(venue, symbol)
        starts_us = [v.effective_from_us for strategy_id in strategies for v in self._roster.versions_of(strategy_id)]
        texts: set[str] = set()
        for strategy_id in strategies:
            version = self._roster.version(strategy_id, time_us)
            if version is not None and (version.venue, version.interval) == (venue, interval):
                texts.update(version.demands if symbol in version.symbols else ())
        return Demands(
            max((start_us for start_us in starts_us if start_us <= time_us), default=NEVER_US),
            min((start_us for start_us in starts_us if start_us > time_us), default=LAST_US),
            tuple(sorted(texts)),
        )

    # ---- state ----

    def changed(self) -> Iterator[tuple[int, IndicatorStateSaved]]:
        """State of the streams that may have moved since last asked, with their partitions."""
        for (venue, symbol, interval), feed in self._feeds.touched():
            state = {
                "adapter": self._adapter,
                "engine": feed.engine.state(),
                "values": feed.values,
                "candles": feed.end.saved(),
            }
            yield (
                feed.partition,
                IndicatorStateSaved(
                    venue=venue,
                    symbol=symbol,
                    interval=interval,
                    event_time_us=feed.time_us,
                    demands=feed.demands,
                    state=json.dumps(state, separators=(",", ":")).encode(),
                    input_partition=feed.partition,
                    input_offset=feed.end.offset,
                ),
            )

    def restore(self, partition: int, event: IndicatorStateSaved) -> None:
        """Go on from a saved state without a jump. Raises ValueError, KeyError, … of what is none, before any change.

        A copy computes a bar: what is wrong inside of a state shows there.
        """
        if event.input_partition not in (-1, partition):
            raise ValueError(f"state of partition {event.input_partition}; found in {partition}")
        values = {str(name): _finite(value) for name, value in json.loads(event.state)["values"].items()}
        price = values.get("close") or 1.0
        trial = self._restored(event)
        trial.update(event.event_time_us, open=price, high=price, low=price, close=price, volume=1.0)
        json.dumps(trial.state(), allow_nan=False)
        engine = self._restored(event)
        feed = FollowedStream(engine, event.demands, partition, event.event_time_us, _end_of(event), values)
        self._feeds.restore((event.venue, event.symbol, event.interval), feed)

    def _restored(self, event: IndicatorStateSaved) -> IndicatorEngine:
        state, engine = json.loads(event.state), self._engine(event.demands, event.interval)
        if state.get("adapter", "native") == self._adapter:
            engine.restore(state["engine"])
        return engine

    def forget(self, partition: int) -> None:
        """Drop the streams of a partition that another member follows now."""
        self.watch.forget(partition)
        for key in [key for key, feed in self._feeds.peek().items() if feed.partition == partition]:
            self._feeds.pop(key)

    def status(self) -> dict[str, object]:
        """For /health."""
        return {
            "adapter": self._adapter,
            "streams": {
                ":".join(key): {"event_time_us": feed.time_us, "indicators": len(feed.demands)}
                for key, feed in self._feeds.peek().items()
            },
        }


def _end_of(event: IndicatorStateSaved) -> ChainEnd:
    """The last candle of a saved state. Raises ValueError, TypeError for what is none.

    One that was saved before candles named the one before them has its time alone.
    """
    saved = json.loads(event.state).get("candles")
    if saved is None:
        open_us = event.event_time_us - INTERVALS_US[event.interval]
        return BEGINNING._replace(open_us=open_us, offset=event.input_offset)
    end = ChainEnd.restored(saved)
    if end.open_us + INTERVALS_US[event.interval] != event.event_time_us:
        raise ValueError(f"found the last candle opening at {end.open_us} µs, in a state of {event.event_time_us} µs")
    return end


def _finite(value: Any) -> float | None:
    """A saved value of a series. Raises ValueError for what is neither a finite number nor null."""
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"found {value!r:.100}; allowed: a finite number or null")
    return float(value)
