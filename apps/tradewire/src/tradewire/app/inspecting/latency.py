"""How long each hop took, from the broker's own timestamps."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import quantiles

from tradewire.ports.bus import EventBusPort
from tradewire.ports.events import (
    CandleClosed,
    IndicatorsUpdated,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    StrategyEvaluated,
)
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec

HOPS = (
    (CandleClosed, IndicatorsUpdated),
    (IndicatorsUpdated, StrategyEvaluated),
    (StrategyEvaluated, RiskAssessed),
    (RiskAssessed, OrderChanged),
    (RiskAssessed, OrderFilled),
)


@dataclass(frozen=True, slots=True)
class HopLatency:
    """Time from a message to the first one that it caused, ms. In a replay this includes waiting in the topic."""

    name: str
    count: int
    p50_ms: float
    p99_ms: float


async def hop_latencies(bus: EventBusPort, codec: Codec) -> list[HopLatency]:
    """Every hop of the pipeline, from the records that are in the topics now."""
    first_seen: dict[str, dict[str, int]] = {}
    causes: dict[str, dict[str, str]] = {}
    for event in dict.fromkeys(kind for hop in HOPS for kind in hop):
        topic = BY_EVENT[event].name
        seen, caused = first_seen.setdefault(topic, {}), causes.setdefault(topic, {})
        async for record in read_to_end(bus, topic):
            envelope = codec.decode_headers(record)
            if envelope.event_id not in seen:
                seen[envelope.event_id] = record.timestamp_ms
                caused[envelope.event_id] = envelope.causation_id
    hops = []
    for cause, effect in HOPS:
        before, after = BY_EVENT[cause].name, BY_EVENT[effect].name
        times = [
            float(time_ms - first_seen[before][causes[after][event_id]])
            for event_id, time_ms in first_seen[after].items()
            if causes[after][event_id] in first_seen[before]
        ]
        if len(times) > 1:
            cuts = quantiles(times, n=100)
            hops.append(HopLatency(f"{before} → {after}", len(times), cuts[49], cuts[98]))
    return hops
