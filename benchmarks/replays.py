"""Six processes over Kafka: throughput, lock-step, memory and latency, seen from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.floor import PING, PONG
from benchmarks.measure import Usage, child, percentile, usage
from tradewire.app.operating.monolith import Scenario
from tradewire.app.operating.platform import Platform, RunOptions, begin, platform, replay
from tradewire.app.operating.watch import RunResult
from tradewire.ports.bus import Record
from tradewire.ports.events import AccountStateChanged, CandleClosed, OrderChanged, OrderStatus
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.bus.kafka import KafkaBus
from tradewire.runtime.bus.kafka_client import KafkaSettings
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec

Say = Callable[[str], None]
LOOK_SECONDS = 2.0
CANDLES = BY_EVENT[CandleClosed].name
ORDERS = BY_EVENT[OrderChanged].name
STATES = BY_EVENT[AccountStateChanged].name


@dataclass(frozen=True, slots=True)
class Sample:
    """Bars done at a time (s), and what each process had used by then."""

    time_s: float
    bars: int
    processes: dict[str, Usage]


@dataclass
class Replay:
    """A replay and what it cost; ``messages`` counts the records on all topics at its end."""

    result: RunResult
    candles: int
    messages: int
    samples: list[Sample] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    trip_ms: float = 0.0

    def bars_per_second(self) -> float:
        """Candles ÷ wall time between the first and last account state written."""
        return self.candles / self.seconds

    seconds: float = 0.0

    def cpu_us_per_message(self) -> dict[str, float]:
        """CPU of each process over the replay ÷ messages."""
        first, last = self.samples[0], self.samples[-1]
        names = last.processes
        return {name: (names[name].cpu_s - first.processes[name].cpu_s) / self.messages * 1e6 for name in names}


async def replayed(
    folder: Path,
    scenario: Scenario,
    *,
    say: Say,
    bars_per_second: float | None = None,
    trips: int = 0,
    environment: Mapping[str, str] | None = None,
) -> Replay:
    """Run a scenario on servers of its own; with ``trips`` also measure the floor's round trip on its broker."""
    environment = {"TRADEWIRE_LOG_LEVEL": "WARNING", **(environment or {})}
    if bars_per_second is not None:
        environment["TRADEWIRE_BARS_PER_SECOND"] = str(bars_per_second)
    options = RunOptions(root=folder / "servers", registry=False, environment=environment)
    clock, samples = SystemClock(), list[Sample]()
    async with platform(scenario, options) as running:
        accounts = await begin(running, scenario)
        say(f"  replaying {scenario.name}")

        def look(result: RunResult) -> None:
            now_s = clock.monotonic_s()
            if not samples or now_s - samples[-1].time_s >= LOOK_SECONDS:
                samples.append(Sample(now_s, result.bars, _used(running)))

        result = await replay(running, accounts, progress=look)
        samples.append(Sample(clock.monotonic_s(), result.bars, _used(running)))
        for service in running.services.values():
            await asyncio.to_thread(service.stop)
        done = await _summed(running, result, samples)
        if trips:
            done.trip_ms = await round_trip_ms(running.stack.bootstrap_servers, trips)
        return done


def _used(running: Platform) -> dict[str, Usage]:
    pids = {name: service.pid for name, service in running.services.items()}
    return {name: usage(pid) for name, pid in pids.items() if pid is not None}


async def _summed(running: Platform, result: RunResult, samples: list[Sample]) -> Replay:
    """Count messages and join orders to the candles that caused them, by correlation id."""
    messages, candle_ms, state_ms, latencies = 0, dict[str, int](), list[int](), list[float]()
    for name in TOPICS:
        async for record in read_to_end(running.bus, name):
            messages += 1
            if name == CANDLES:
                candle_ms[_header(record, "event_id")] = record.timestamp_ms
            elif name == STATES:
                state_ms.append(record.timestamp_ms)
    async for record in read_to_end(running.bus, ORDERS):
        cause_ms = candle_ms.get(_header(record, "correlation_id"))
        if cause_ms is not None and _submitted(record, running.codec):
            latencies.append(record.timestamp_ms - cause_ms)
    seconds = (max(state_ms) - min(candle_ms.values())) / 1e3
    return Replay(result, len(candle_ms), messages, samples, latencies, seconds=seconds)


def _header(record: Record, name: str) -> str:
    return dict(record.headers).get(name, b"").decode()


def _submitted(record: Record, codec: Codec) -> bool:
    event = codec.decode(record.topic, record.value) if record.value is not None else None
    return isinstance(event, OrderChanged) and event.status is OrderStatus.SUBMITTED


async def round_trip_ms(servers: str, trips: int) -> float:
    """Median of the floor's two-hop round trip between two processes, ms."""
    bus = KafkaBus(servers, client_id="bench-trip", settings=KafkaSettings(topic_wait_s=60.0))
    await bus.start()
    try:
        await bus.create_topics({PING: 1, PONG: 1}, {})
    finally:
        await bus.close()
    given = ("--servers", servers, "--count", trips, "--output", STATES)
    pong = asyncio.create_task(child("benchmarks.floor", "pong", *given))
    ping = await child("benchmarks.floor", "ping", *given)
    await pong
    return ping["median_ms"]


@dataclass(frozen=True, slots=True)
class Latency:
    """From the candle's record to the order's, by the producers' clocks (one machine), ms."""

    symbols: int
    moments_per_second: float
    orders: int
    p50_ms: float
    p99_ms: float
    p999_ms: float

    @classmethod
    def of(cls, symbols: int, pace: float, values: list[float]) -> Latency:
        """Percentiles of the orders' latencies; the first tenth is warm-up."""
        kept = values[len(values) // 10 :]
        p50, p99, p999 = (percentile(kept, share) for share in (0.5, 0.99, 0.999))
        return cls(symbols, pace, len(kept), p50, p99, p999)


def step_ms(run: Replay) -> float:
    """Wall ms per bar over the middle of a replay, from the samples."""
    first, last = run.samples[len(run.samples) // 5], run.samples[-1]
    return (last.time_s - first.time_s) / max(1, last.bars - first.bars) * 1e3


def resident(run: Replay) -> dict[str, tuple[float, float, float]]:
    """Resident MiB of each process after a quarter and a half of the bars, and at the end."""
    total = run.samples[-1].bars
    marks = [next(s for s in run.samples if s.bars >= share * total) for share in (0.25, 0.5, 1.0)]
    names = run.samples[-1].processes
    return {name: tuple(mark.processes[name].rss_mib for mark in marks) for name in names}  # type: ignore[misc]
