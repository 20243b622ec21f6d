"""Hostile states in the changelog of a real service: what became of each, and whether the service works on."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.fuzz.records import Records
from tests.fuzz.runs import KNOWN, Report, built, codec, memory_bus, run_until_read, said

from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record
from tradewire.ports.checks import CHECKS
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import IndicatorStateSaved, RiskStateSaved, Side, Signal, TelemetryStateSaved
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.dead_letters.letters import is_letter, letter_place, origin
from tradewire.runtime.service import Service
from tradewire.testkit import builders

CHANGELOGS: Mapping[str, type[Event]] = {
    "risk": RiskStateSaved,
    "indicator": IndicatorStateSaved,
    "telemetry": TelemetryStateSaved,
}
SETTINGS: Mapping[str, Mapping[str, Any]] = {"telemetry": {"restore_records_max": 2}}
"""Of telemetry, so that it saves its state after each fill."""
STEPS = 4
SIGNALS = (Signal.ENTER_LONG, Signal.HOLD, Signal.ENTER_SHORT, Signal.ENTER_LONG)
ODD: tuple[Any, ...] = (None, True, -1, 2**63, 1e308, "", "x", "NaN", "1e400", [], [[]], {}, {"x": 1}, [None, "a", 1])


def inputs(service: str, first: int) -> Iterator[Event]:
    """What the service answers, from a bar on."""
    for number in range(first, first + STEPS):
        if service == "indicator":
            yield builders.candle(number, 100 + number)
        elif service == "telemetry":
            yield builders.fill(number, Side.BUY if number % 3 else Side.SELL)
        else:
            yield builders.evaluation(number, SIGNALS[number % 4], strategy_id="other", account_id="beta")
            yield builders.account_state(number, account_id="beta")


async def fuzz_changelog(service: str, folder: Path, count: int, seed: int) -> Report:
    """Let a service begin behind ``count`` hostile states, after it has written some of its own, and work on."""
    bus, topic = memory_bus(), BY_EVENT[CHANGELOGS[service]].name
    report = Report(service, topic, count)

    def make() -> Service:
        return built(service, folder, {"bus_url": "memory:"} | dict(SETTINGS.get(service, {})))

    await bus.publish([said(event) for event in KNOWN])
    await run_until_read(make(), bus, await _publish(bus, inputs(service, 0)), report)
    own = [record async for record in read_to_end(bus, topic) if record.value is not None]
    hostile = [one async for one in _published(bus, States(topic, own, seed).take(count))]
    read = await _publish(bus, inputs(service, STEPS))
    await run_until_read(make(), bus, read, report)
    letters = [record async for record in read_to_end(bus, DEAD_LETTERS[service]) if is_letter(record)]
    refused = {letter_place(one) for one in letters if (origin(one) or ("", b""))[0] == topic}
    report.outcomes = Counter("refused" if (r.partition, r.offset) in refused else "taken" for r in hostile)
    believed = [
        r for r in hostile if not is_state(r) and (r.partition, r.offset) not in refused and r.value is not None
    ]
    if believed:
        report.faults.append(f"{len(believed)} of no state have no letter, the first at {believed[0].place}")
    others = [one for one in letters if (origin(one) or ("", b""))[0] != topic]
    if others:
        report.faults.append(f"{len(others)} inputs could not be handled behind them, the first of {origin(others[0])}")
    return report


def is_state(record: Record) -> bool:
    """Does a record hold what its contract allows, under a key and a claim that a writer can have had?"""
    try:
        event = codec().decode(record.topic, record.value or b"")
        CHECKS[type(event)](event)
        key, claim = BY_EVENT[type(event)].key_of(event), dict(record.headers).get("claim")
        allowed = key if claim is None else f"{key}@{int(claim)}"
        return (record.key or b"").decode() == allowed and (claim is None or int(claim) <= record.offset)
    except (ContractViolationError, ValueError):
        return False


class States:
    """Records for a changelog: those of the fuzz, and states of the service with one value of their JSON changed."""

    def __init__(self, topic: str, own: list[Record], seed: int) -> None:
        self._records, self._own, self._random = Records(topic, seed), own, random.Random(f"{topic}|{seed}|states")

    def take(self, count: int) -> Iterator[Outgoing]:
        """So many records."""
        for record in self._records.take(count):
            yield self._random.choice((self._claimed, self._mutated, self._mutated))(record)

    def _claimed(self, record: Outgoing) -> Outgoing:
        """Under some claim, like a state; some under one that nobody had."""
        claim = self._random.choice((b"0", b"1", b"2", b"3", b"-1", b"x", b"9" * 20, b"9" * 5_000, b"999999", b""))
        key = (record.key or b"") + b"@" + claim if self._random.random() < 0.8 else record.key
        return replace(record, key=key, headers=(*record.headers, ("claim", claim)), partition=self._partition())

    def _mutated(self, _: Outgoing) -> Outgoing:
        """A state of the service's own, changed in one place, under its own key."""
        record = self._random.choice(self._own)
        event = codec().decode(record.topic, record.value or b"")
        assert isinstance(event, RiskStateSaved | IndicatorStateSaved | TelemetryStateSaved), "the topic carries states"
        body = json.loads(event.state)
        place, name = self._random.choice(list(_places(body)))
        if self._random.random() < 0.2:
            del place[name]
        else:
            place[name] = self._random.choice(ODD)
        changed = event.model_copy(update={"state": json.dumps(body).encode()})
        value = codec().encode(changed)
        partition = record.partition if self._random.random() < 0.9 else self._partition()
        return Outgoing(record.topic, record.key, value, record.headers, partition)

    def _partition(self) -> int:
        return self._random.choice((0, 1))


def _places(body: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and index or name in it."""
    names = list(body) if isinstance(body, dict) else range(len(body)) if isinstance(body, list) else ()
    for name in names:
        yield body, name
        yield from _places(body[name])


async def _published(bus: EventBusPort, records: Iterator[Outgoing]) -> AsyncIterator[Record]:
    """The records as they will be read."""
    for record in records:
        (ack,) = await bus.publish([record])
        yield Record(ack.topic, ack.partition, ack.offset, record.key, record.value, record.headers, 0)


async def _publish(bus: EventBusPort, events: Iterator[Event]) -> dict[Place, int]:
    """Publish; where their topics end then, as far as they have records."""
    acks = await bus.publish([said(event) for event in events])
    places = {Place(ack.topic, ack.partition) for ack in acks}
    return dict(await bus.end_offsets(sorted(places)))
