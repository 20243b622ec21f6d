"""CPU per event of each service's hop, and the same hop's floor, on one broker in one run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.floor import PING, PONG, SINK
from benchmarks.measure import child, medians
from tradewire.app.operating.monolith import Scenario, memory_topics, run_monolith
from tradewire.embedded import Stack
from tradewire.ports.bus import EventBusPort, Outgoing
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorStateSaved,
    IndicatorsUpdated,
    RiskAssessed,
    RiskStateSaved,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.bus import kafka_topics as topic_admin
from tradewire.runtime.bus.kafka import KafkaBus
from tradewire.runtime.bus.kafka_client import KafkaSettings
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end

Say = Callable[[str], None]
STATES = {BY_EVENT[kind].name for kind in (IndicatorStateSaved, RiskStateSaved)}
COPIED_PER_PUBLISH = 1000
_serial = itertools.count()


def topic(kind: type[Event]) -> str:
    """The topic of an event."""
    return BY_EVENT[kind].name


@dataclass(frozen=True, slots=True)
class Hop:
    """What a service reads and writes per bar."""

    service: str
    inputs: tuple[type[Event], ...]
    output: type[Event]
    durable: bool = False

    @property
    def label(self) -> str:
        """Name in the table."""
        return f"{self.service}, ledger in PostgreSQL" if self.durable else self.service


HOPS = (
    Hop("ingest", (), CandleClosed),
    Hop("indicator", (CandleClosed,), IndicatorsUpdated),
    Hop("strategy", (IndicatorsUpdated,), StrategyEvaluated),
    Hop("risk", (StrategyEvaluated, AccountStateChanged), RiskAssessed),
    Hop("execution", (CandleClosed, RiskAssessed), AccountStateChanged),
    Hop("execution", (CandleClosed, RiskAssessed), AccountStateChanged, durable=True),
)


@dataclass(frozen=True, slots=True)
class HopCost:
    """Medians, µs per event read (ingest: per event written)."""

    label: str
    cpu_us: float
    floor_cpu_us: float
    wall_us: float
    floor_wall_us: float

    @property
    def ratio(self) -> float:
        """CPU of the service's hop ÷ CPU of the floor's."""
        return self.cpu_us / self.floor_cpu_us


async def fill(servers: str, scenario: Scenario) -> dict[str, int]:
    """Write every record of a run in memory to Kafka, all but saved states; returns records per topic."""
    memory = MemoryBus(memory_topics())
    await run_monolith(scenario, bus=memory)
    await topic_admin.apply(servers, await topic_admin.plan(servers, partitions={}, replication=1))
    kafka = KafkaBus(servers, client_id="bench-fill", settings=KafkaSettings(topic_wait_s=60.0))
    await kafka.start()
    try:
        await kafka.create_topics({SINK: 1, PING: 1, PONG: 1}, {})
        return {name: await _copy(memory, kafka, name) for name in TOPICS if name not in STATES}
    finally:
        await kafka.close()


async def _copy(source: EventBusPort, target: EventBusPort, name: str) -> int:
    copied, waiting = 0, []
    async for record in read_to_end(source, name):
        waiting.append(Outgoing(name, record.key, record.value, record.headers, record.partition))
        if len(waiting) == COPIED_PER_PUBLISH:
            copied += len(await target.publish(waiting))
            waiting = []
    return copied + (len(await target.publish(waiting)) if waiting else 0)


async def hop_costs(stack: Stack, scenario: Scenario, *, repeats: int, say: Say) -> list[HopCost]:
    """Measure every hop and its floor alternately."""
    servers = stack.bootstrap_servers
    say("filling topics")
    counts = await fill(servers, scenario)
    costs = []
    for hop in HOPS:
        say(f"hop {hop.label}")
        pairs = [
            (await _product(stack, hop, counts, scenario), await _floor(servers, hop, counts, scenario))
            for _ in range(repeats)
        ]
        ours, floor = medians(pair[0] for pair in pairs), medians(pair[1] for pair in pairs)
        costs.append(HopCost(hop.label, ours["cpu_us"], floor["cpu_us"], ours["wall_us"], floor["wall_us"]))
        say(f"  {ours['cpu_us']:.0f} µs of CPU, floor {floor['cpu_us']:.0f} µs, ratio {costs[-1].ratio:.2f}")
    return costs


def _expected(hop: Hop, counts: dict[str, int]) -> int:
    return sum(counts[topic(kind)] for kind in hop.inputs) or counts[topic(hop.output)]


async def _product(stack: Stack, hop: Hop, counts: dict[str, int], scenario: Scenario) -> dict[str, float]:
    number = next(_serial)
    arguments: list[object] = ["--servers", stack.bootstrap_servers, "--count", _expected(hop, counts)]
    arguments += ["--group", f"bench-{hop.service}-{number}"]
    if hop.service == "ingest":
        arguments += ["--file", scenario.data / scenario.files[0]]
    if hop.durable:
        arguments += ["--dsn", stack.postgres_dsn(f"bench{number}")]
    return await child("benchmarks.hop", hop.service, *arguments)


async def _floor(servers: str, hop: Hop, counts: dict[str, int], scenario: Scenario) -> dict[str, float]:
    output = topic(hop.output)
    if not hop.inputs:
        path: Path = scenario.data / scenario.files[0]
        count = counts[output]
        return await child(
            "benchmarks.floor", "feed", "--servers", servers, "--output", output, "--count", count, "--file", path
        )
    arguments: list[object] = ["--servers", servers, "--inputs", ",".join(map(topic, hop.inputs)), "--output", output]
    arguments += ["--group", f"floor-{next(_serial)}", "--count", _expected(hop, counts), "--outputs", counts[output]]
    return await child("benchmarks.floor", "hop", *arguments)
