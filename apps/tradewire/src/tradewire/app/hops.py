"""How long messages took between topics, from the broker's own timestamps."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

from tradewire.ports.bus import EventBusPort, Record
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorsUpdated,
    OrderChanged,
    RiskAssessed,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.readers import read_to_end

HOPS: tuple[tuple[str, type[Event], type[Event]], ...] = (
    ("candle → snapshot", CandleClosed, IndicatorsUpdated),
    ("snapshot → evaluation", IndicatorsUpdated, StrategyEvaluated),
    ("evaluation → assessment", StrategyEvaluated, RiskAssessed),
    ("assessment → order", RiskAssessed, OrderChanged),
)


@dataclass(frozen=True, slots=True)
class Hop:
    """Latency of one hop, ms, over ``count`` messages; in a replay it includes the time spent in queues."""

    name: str
    count: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class RunTimes:
    """What the timestamps of a run tell. ``seconds``: from the first candle written to the last account state."""

    bars: int
    seconds: float
    hops: tuple[Hop, ...]

    @property
    def bars_per_second(self) -> float:
        """Candles over seconds; 0 for a run too short to tell."""
        return self.bars / self.seconds if self.seconds > 0 else 0.0


async def run_times(bus: EventBusPort) -> RunTimes:
    """Read the headers of a run's topics from their beginning: nothing is decoded."""
    kinds = {kind: await _stamps(bus, kind) for _, *pair in HOPS for kind in pair}
    ends = await _stamps(bus, AccountStateChanged)
    begins = [stamp for stamp, _ in kinds[CandleClosed].values()]
    last = max((stamp for stamp, _ in ends.values()), default=0)
    hops = tuple(_hop(name, kinds[cause], kinds[effect]) for name, cause, effect in HOPS)
    return RunTimes(len(begins), max(0.0, last - min(begins, default=last)) / 1000, hops)


Stamps = dict[str, tuple[int, str]]
"""Timestamp (ms) and causation id by event id."""


async def _stamps(bus: EventBusPort, kind: type[Event]) -> Stamps:
    found: Stamps = {}
    async for record in read_to_end(bus, BY_EVENT[kind].name):
        event_id, causation_id = lineage(record)
        found.setdefault(event_id, (record.timestamp_ms, causation_id))
    return found


def lineage(record: Record) -> tuple[str, str]:
    """Event id and causation id of a record; empty when it has none."""
    headers = dict(record.headers)
    return headers.get("event_id", b"").decode(), headers.get("causation_id", b"").decode()


def _hop(name: str, causes: Stamps, effects: Stamps) -> Hop:
    waits = array("q", (stamp - causes[cause][0] for stamp, cause in effects.values() if cause in causes))
    return Hop(name, len(waits), percentile(waits, 0.5), percentile(waits, 0.99))


def percentile(values: Iterable[float], ratio: float) -> float:
    """Nearest-rank percentile; 0 of nothing. Source: NIST/SEMATECH e-Handbook 7.2.6.2 (rank ⌈ratio·n⌉)."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = -int(-(ratio * len(ordered)) // 1)
    return float(ordered[max(0, min(len(ordered), rank) - 1)])
