"""A real service, thousands of hostile records on one of its topics, and what became of each of them."""

from __future__ import annotations

import asyncio
import importlib
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from prometheus_client import CollectorRegistry
from tests.fuzz.records import Records

from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import ControlChanged
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.codec.control_records import TOPIC as CONTROLS
from tradewire.runtime.codec.control_records import decode_control
from tradewire.runtime.dead_letters.letters import is_letter, letter_place, origin
from tradewire.runtime.loop.answering import Answering
from tradewire.runtime.loop.failures import HandlerFailedError, run_in_turn
from tradewire.runtime.loop.worker import Worker
from tradewire.runtime.observe.metrics import Metrics
from tradewire.runtime.observe.tracing import Tracing
from tradewire.runtime.service import Service
from tradewire.runtime.settings import RuntimeSettings
from tradewire.testkit import builders, strategies

PARTITIONS = 2
BATCH = 1_000
SAMPLE = Path(__file__).parents[2] / "data/sample"
FAILED = "failed"
"""What became of a record whose handler failed: the service began again without it."""


@dataclass
class Report:
    """What became of the records of one topic at one service. ``faults``: what must not be; empty when all is well."""

    service: str
    topic: str
    records: int
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shown = ", ".join(f"{count:,} {name}" for name, count in sorted(self.outcomes.items()))
        end = "; ".join(self.faults) or "no crash, no silent drop"
        return (
            f"{self.service:<10} {self.topic:<27} {self.records:>8,} records in {self.seconds:6.1f} s: {shown}; {end}"
        )


def built(service: str, folder: Path, common: Mapping[str, Any]) -> Service:
    """A service as its process makes it; ingest with a market of a few bars."""
    settings = importlib.import_module(f"tradewire.{service}.settings").Settings
    values = dict(common)
    if service == "ingest":
        values["market_path"] = _market(folder)
    made: Service = importlib.import_module(f"tradewire.{service}.wiring").build(settings(**values))
    return made


def topics_of(service: str, folder: Path) -> list[str]:
    """Topics that the service reads."""
    return [item.topic for item in built(service, folder, {"bus_url": "memory:"}).inputs]


def memory_bus() -> MemoryBus:
    """A bus with every topic."""
    partitions = {name: 1 if spec.broadcast else PARTITIONS for name, spec in TOPICS.items()}
    return MemoryBus(partitions | dict.fromkeys(DEAD_LETTERS.values(), PARTITIONS))


async def fuzz(service: Service, topic: str, count: int, *, bus: EventBusPort, seed: int) -> Report:
    """Let a service read ``count`` hostile records of a topic, behind what it needs to know first."""
    report, began_s = Report(service.name, topic, count), time.monotonic()
    await bus.publish([said(event) for event in KNOWN])
    places = [Place(topic, partition) for partition in range(await bus.partitions(topic))]
    begins = await bus.end_offsets(places)
    records = Records(topic, seed).take(count)
    while batch := [record for _, record in zip(range(BATCH), records, strict=False)]:
        await bus.publish(batch)
    ends = {place: end for place, end in (await bus.end_offsets(places)).items() if end > begins[place]}
    with _watched(topic) as became:
        await run_until_read(service, bus, ends, report)
    await _judge(report, bus, became, begins, ends)
    report.seconds = time.monotonic() - began_s
    return report


async def run_until_read(service: Service, bus: EventBusPort, ends: Mapping[Place, int], report: Report) -> None:
    """Run until all is read; a crash is a fault."""
    settings = RuntimeSettings(bus_url="memory:", backlog_records_max=10**9, retry_seconds_max=0.1, drain_seconds=60.0)
    parts: dict[str, Any] = {"clock": SystemClock(), "tracing": Tracing(service.name, "0"), "settings": settings}
    parts["metrics"] = Metrics(CollectorRegistry())
    workers, stop = [Worker(service, bus, codec(), version="0", **parts)], asyncio.Event()
    task = asyncio.create_task(run_in_turn(workers, 0, stop))
    while not task.done() and not _is_read(workers[0], ends):
        await asyncio.sleep(0.01)  # gives the loop away; what is asked is how far the worker has read
    stop.set()
    try:
        await task
    except BaseException as error:
        report.faults.append(f"ended by {type(error).__name__}: {str(error)[:300]}")


def _is_read(worker: Worker, ends: Mapping[Place, int]) -> bool:
    return all((worker._checkpoints.position(place) or 0) >= end for place, end in ends.items())


async def _judge(
    report: Report,
    bus: EventBusPort,
    became: Mapping[tuple[int, int], str],
    begins: Mapping[Place, int],
    ends: Mapping[Place, int],
) -> None:
    """Every record was handled, or has a letter that holds it."""
    letters = {
        letter_place(letter)
        async for letter in read_to_end(bus, DEAD_LETTERS[report.service])
        if is_letter(letter) and (source := origin(letter)) is not None and source[0] == report.topic
    }
    silent, refused = [], 0
    events = [record async for record in read_to_end(bus, report.topic)] if report.topic == CONTROLS else []
    must = {(record.partition, record.offset) for record in events if is_level(record)}
    for place, end in ends.items():
        for offset in range(begins[place], end):
            outcome = became.get((place.partition, offset), "never read")
            report.outcomes[outcome] += 1
            refused += outcome != "ok" and (place.partition, offset) in must
            if outcome != "ok" and (place.partition, offset) not in letters:
                silent.append(f"{place.partition}/{offset} {outcome}")
    if silent:
        report.faults.append(f"{len(silent)} silent drops, the first at {silent[0]}")
    if refused:
        report.faults.append(f"{refused} levels of the kill switch were not obeyed")


@cache
def codec() -> Codec:
    """Of the ids that need no registry."""
    return Codec(SchemaIds.static())


def is_level(record: Record) -> bool:
    """Does a record ask for a level that must be obeyed, whatever its texts, clock and headers hold?"""
    if record.value is None:
        return False
    try:
        event = decode_control(codec(), record.value)
    except ContractViolationError:
        return False
    assert isinstance(event, ControlChanged), "the topic carries controls"
    scope = event.scope
    known = scope == "global" or scope == "service:ingest" or re.fullmatch(r"(account|strategy):[^\0]{1,128}", scope)
    return bool(known) and record.key == scope.encode()


@contextmanager
def _watched(topic: str) -> Iterator[dict[tuple[int, int], str]]:
    """What becomes of each record of a topic, by partition and offset: the last thing that did."""
    became: dict[tuple[int, int], str] = {}
    answer_one = Answering._answer_one

    async def watch(answering: Answering, record: Record, drafts: Any) -> Any:
        place = (record.partition, record.offset)
        try:
            outcome, error_type = await answer_one(answering, record, drafts)
        except HandlerFailedError:
            became[place] = FAILED
            raise
        if record.topic == topic and outcome != "parked":  # read again, it has its letter already
            became[place] = outcome
        return outcome, error_type

    with patch.object(Answering, "_answer_one", watch):
        yield became


def said(event: Event) -> Outgoing:
    """A record of an event, as its producer might write it."""
    spec = BY_EVENT[type(event)]
    headers = (("event_id", f"known-{spec.key_of(event)}".encode()), ("event_time_us", b"0"))
    return Outgoing(spec.name, spec.key_of(event).encode(), codec().encode(event), headers)


def _market(folder: Path) -> Path:
    market = folder / "market"
    if not market.exists():
        market.mkdir(parents=True)
        shutil.copy(SAMPLE / "instruments.yaml", market)
        lines = (SAMPLE / "coinbase-BTCUSD-1h.csv").read_text().splitlines()[:4]
        (market / "coinbase-BTCUSD-1h.csv").write_text("\n".join(lines) + "\n")
    return market


KNOWN = (
    *(builders.instrument(symbol) for symbol in ("BTCUSDT", "ETHUSDT", "LTCUSDT")),
    strategies.status(strategies.active(strategies.document("trend", "alpha", "BTCUSDT", "ETHUSDT"))),
    strategies.status(strategies.active(strategies.document("other", "beta", "BTCUSDT"))),
    builders.limits("alpha"),
)
"""What a service needs to know before a record can get far into it."""
