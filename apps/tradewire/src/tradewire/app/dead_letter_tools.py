"""Dead letters from outside: what waits and why, and its ordered way back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.message import Event
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.codec import Codec
from tradewire.runtime.dead_letters import (
    PARKED,
    is_release,
    letter_place,
    origin,
    release,
    released_until,
    replay_of,
    replayed,
    stage_of,
)
from tradewire.runtime.readers import read_to_end

POLL_SECONDS = 0.2


class ReplayRefusedError(TradewireError):
    """There is nothing to replay, or it makes no sense to."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. ``waits``: it was not replayed yet."""

    service: str
    record: Record
    waits: bool

    @property
    def place(self) -> str:
        """Partition and offset in the dead-letter topic: its name for `show` and `replay --discard`."""
        return f"{self.record.partition}/{self.record.offset}"

    @property
    def topic(self) -> str:
        """Where it came from."""
        found = origin(self.record)
        return found[0] if found is not None else "?"

    @property
    def key(self) -> str:
        """Record key as text."""
        return (self.record.key or b"").decode(errors="replace")

    @property
    def stage(self) -> str:
        """Where it failed: decode, validate, handle, publish or parked."""
        return stage_of(self.record) or "?"

    @property
    def parks(self) -> bool:
        """Do later records of its key wait behind it?"""
        return self.waits and self.topic in TOPICS and TOPICS[self.topic].group == "A"

    def lineage(self) -> dict[str, str]:
        """All headers as text."""
        return {name: value.decode(errors="replace") for name, value in self.record.headers}

    def decoded(self, codec: Codec) -> Event | str:
        """The message, or why it can't be read."""
        if self.record.value is None:
            return "a tombstone"
        try:
            return codec.decode(self.topic, self.record.value)
        except TradewireError as error:
            return str(error)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay came to. ``confirmed``: the service has committed past the last record written again."""

    service: str
    topic: str
    key: str
    replayed: int
    discarded: int
    rounds: int
    failed_again: Letter | None
    confirmed: bool


async def letters(bus: EventBusPort, services: Collection[str] = tuple(DEAD_LETTERS)) -> list[Letter]:
    """Every dead letter that is kept, in order per key. Raises RetryableError."""
    found: list[Letter] = []
    for service in services:
        records = [record async for record in read_to_end(bus, DEAD_LETTERS[service])]
        released: dict[tuple[str, bytes | None], int] = {}
        for record in records:
            source = origin(record)
            if source is not None and is_release(record):
                released[source] = max(released.get(source, -1), released_until(record)[0])
        for record in records:
            if not is_release(record):
                source = origin(record)
                waits = source is not None and record.offset > released.get(source, -1)
                found.append(Letter(service, record, waits))
    return found


async def replay_key(
    bus: EventBusPort,
    clock: ClockPort,
    *,
    service: str,
    key: str,
    topic: str | None = None,
    discard: Collection[str] = (),
    within_s: float = 30.0,
) -> Replay:
    """Write a key's waiting letters to their topic again, in order, and free the key.

    Records that arrive meanwhile are parked by the service and replayed in the next round, so none overtakes another.
    When a letter fails again the replay stops and the key stays parked.

    Parameters: topic: needed when the key waits in several; discard: letters (by place) that are given up;
    within_s: longest wait in all for the service to have handled what was written; a round that was begun is ended.
    Raises: ReplayRefusedError; RetryableError.
    """
    total, gone, rounds, confirmed = 0, 0, 0, True
    batch = await _waiting(bus, service, key, topic)
    if not batch:
        raise ReplayRefusedError(await _why_nothing(bus, service, key))
    source = batch[0].topic
    if unknown := set(discard) - {letter.place for letter in batch}:
        waiting = ", ".join(letter.place for letter in batch)
        raise ReplayRefusedError(f"no letter {', '.join(sorted(unknown))} waits under {key!r}; waiting: {waiting}")
    failed: Letter | None = None
    deadline_s = clock.monotonic_s() + within_s
    while batch and failed is None and (rounds == 0 or clock.monotonic_s() < deadline_s):
        kept = [letter for letter in batch if letter.place not in discard]
        confirmed = await _write_again(bus, clock, batch, kept, deadline_s)
        total, gone, rounds = total + len(kept), gone + len(batch) - len(kept), rounds + 1
        batch = await _waiting(bus, service, key, source)
        failed = next((letter for letter in batch if replay_of(letter.record) and letter.stage != PARKED), None)
    return Replay(service, source, key, total, gone, rounds, failed, confirmed and not batch)


async def _waiting(bus: EventBusPort, service: str, key: str, topic: str | None) -> list[Letter]:
    found = [letter for letter in await letters(bus, (service,)) if letter.waits and letter.key == key]
    topics = sorted({letter.topic for letter in found})
    if topic is None and len(topics) > 1:
        raise ReplayRefusedError(f"key {key!r} waits in {', '.join(topics)}; choose one with --topic")
    return [letter for letter in found if topic is None or letter.topic == topic]


async def _why_nothing(bus: EventBusPort, service: str, key: str) -> str:
    waiting = sorted({letter.key for letter in await letters(bus, (service,)) if letter.waits})
    return f"nothing waits under {key!r} for {service}; waiting keys: {', '.join(waiting) or 'none'}"


async def _write_again(
    bus: EventBusPort, clock: ClockPort, batch: Sequence[Letter], kept: Sequence[Letter], deadline_s: float
) -> bool:
    """One round: records, marker, and a wait for the service; False when it did not get there in time."""
    name = f"{batch[0].service}-{clock.now_us()}"
    newest = batch[-1].record
    place = Place(batch[0].topic, letter_place(newest)[0])
    if kept:
        acks = await bus.publish([replayed(letter.record, name) for letter in kept])
        until = acks[-1].offset + 1
    else:
        until = (await bus.end_offsets([place]))[place]
    await bus.publish([release([letter.record for letter in batch], until_offset=until)])
    return await _handled(bus, clock, batch[0].service, place, until, deadline_s)


async def _handled(
    bus: EventBusPort, clock: ClockPort, group: str, place: Place, until: int, deadline_s: float
) -> bool:
    """Wait until the group has committed ``until`` on a partition."""
    dead = Place(DEAD_LETTERS[group], 0)
    while clock.monotonic_s() < deadline_s:
        committed = (await bus.committed(group, [place]))[place]
        if committed is not None and committed >= until:
            return True
        tail = await bus.tail(await bus.end_offsets([dead]))
        try:
            await tail.poll(max_records=1, timeout_s=POLL_SECONDS)
        finally:
            await tail.close()
    return False
