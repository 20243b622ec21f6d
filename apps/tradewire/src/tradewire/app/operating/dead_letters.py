"""Dead letters from outside: what waits and why, and its ordered way back."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from operator import attrgetter

from tradewire.app.operating.deeds import Deed
from tradewire.app.operating.operator import Operator
from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.message import Event
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.messages import read_unchecked
from tradewire.runtime.dead_letters.letters import is_letter, letter_place, origin, stage_of, written_ms
from tradewire.runtime.dead_letters.releases import Failure, ReleaseAnswer, read_answer, write_request

POLL_SECONDS = 0.2


class ReplayRefusedError(TradewireError):
    """There is nothing to replay, or it makes no sense to."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. ``waits``: it was neither handled since nor given up; ``failure``: why its replay failed."""

    service: str
    record: Record
    waits: bool
    failure: Failure | None = None

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
    def written_ms(self) -> int:
        """When it was written first."""
        return written_ms(self.record)

    @property
    def stage(self) -> str:
        """Where it failed: decode, validate, handle, publish or parked."""
        return self.failure.stage if self.failure is not None else stage_of(self.record) or "?"

    @property
    def reason(self) -> str:
        """Why it could not be handled, as of the last time that it was tried."""
        if self.failure is not None:
            return self.failure.message
        return self.lineage().get("dlq.error.message", "no reason was written")

    @property
    def parks(self) -> bool:
        """Do later records of its key wait behind it? Not behind a saved state, which its own writer reads back."""
        spec = TOPICS.get(self.topic)
        return self.waits and spec is not None and spec.group == "A" and self.service not in spec.producers

    def lineage(self) -> dict[str, str]:
        """All headers as text."""
        return {name: value.decode(errors="replace") for name, value in self.record.headers}

    async def decoded(self, codec: Codec) -> Event | str:
        """The message, or why it can't be read."""
        if self.record.value is None:
            return "a tombstone"
        try:
            return await read_unchecked(codec, replace(self.record, topic=self.topic))
        except TradewireError as error:
            return str(error)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay came to. ``confirmed``: the service has answered; without that nothing is known of the rest.

    ``failed_letter``: the place of the letter that failed again.
    """

    service: str
    topic: str
    key: str
    replayed: int
    discarded: int
    failed_again: Failure | None
    failed_letter: str | None
    confirmed: bool


async def letters(bus: EventBusPort, services: Collection[str] = tuple(DEAD_LETTERS)) -> list[Letter]:
    """Every dead letter that is kept, in order per key. Raises RetryableError."""
    found: list[Letter] = []
    for service in services:
        records = [record async for record in read_to_end(bus, DEAD_LETTERS[service])]
        released: dict[tuple[str, bytes | None], int] = {}
        failures: dict[Place, dict[int, Failure]] = {}
        for record in records:
            source, answer = origin(record), read_answer(record)
            if source is not None and answer is not None:
                released[source] = max(released.get(source, -1), answer.released)
                if answer.failure is not None:
                    failures.setdefault(record.place, {})[answer.failure.letter] = answer.failure
        for record in without_copies(filter(is_letter, records)):
            source = origin(record)
            waits = source is not None and record.offset > released.get(source, -1)
            failure = failures.get(record.place, {}).get(record.offset)
            found.append(Letter(service, record, waits, failure))
    return found


def without_copies(found: Iterable[Record]) -> list[Record]:
    """Letters, of each record the newest: one that waits for long is written again before retention removes it."""
    newest = {(origin(one), letter_place(one) if letter_place(one)[1] >= 0 else one.offset): one for one in found}
    return sorted(newest.values(), key=attrgetter("partition", "offset"))


async def replay_key(
    operator: Operator,
    *,
    service: str,
    key: str,
    topic: str | None = None,
    discard: Collection[str] = (),
    within_s: float = 30.0,
) -> Replay:
    """Ask a service to handle the letters of a key, in order and before it reads on, and wait for its answer.

    The request stays: a service that is away carries it out when it is back.

    Parameters: topic: needed when the key waits in several; discard: letters (by place) that are given up;
    within_s: longest wait for the answer.
    Raises: ReplayRefusedError; RetryableError.
    """
    bus, clock = operator.bus, operator.clock
    waiting = await _waiting(bus, service, key, topic)
    if not waiting:
        raise ReplayRefusedError(await _why_nothing(bus, service, key))
    by_place = {letter.place: letter for letter in waiting}
    if unknown := set(discard) - by_place.keys():
        raise ReplayRefusedError(
            f"no letter {', '.join(sorted(unknown))} waits under {key!r}; waiting: {', '.join(by_place)}"
        )
    newest = waiting[-1].record
    source = waiting[-1].topic
    request = write_request(newest, {by_place[place].record.offset for place in discard}, operator.author)
    (ack,) = await bus.publish([request])
    await operator.note(_asked(service, source, key, discard), f"{newest.topic}|{newest.partition}|{ack.offset}")
    answer = await _answered(bus, clock, newest, ack.offset, clock.monotonic_s() + within_s)
    if answer is None:
        return Replay(service, source, key, 0, 0, None, None, confirmed=False)
    failed = answer.failure
    place = f"{newest.partition}/{failed.letter}" if failed is not None else None
    return Replay(service, source, key, answer.handled, len(answer.given_up), failed, place, confirmed=True)


def _asked(service: str, topic: str, key: str, discard: Collection[str]) -> Deed:
    given_up = ", ".join(sorted(discard))
    what = f"had {service} handle the letters of {key} from {topic}" + (f", without {given_up}" if given_up else "")
    return Deed("replay_asked", what, {"service": service, "topic": topic, "key": key, "given_up": given_up})


async def _waiting(bus: EventBusPort, service: str, key: str, topic: str | None) -> list[Letter]:
    found = [letter for letter in await letters(bus, (service,)) if letter.waits and letter.key == key]
    topics = sorted({letter.topic for letter in found})
    if topic is None and len(topics) > 1:
        raise ReplayRefusedError(f"key {key!r} waits in {', '.join(topics)}; choose one with --topic")
    return [letter for letter in found if topic is None or letter.topic == topic]


async def _why_nothing(bus: EventBusPort, service: str, key: str) -> str:
    waiting = sorted({letter.key for letter in await letters(bus, (service,)) if letter.waits})
    return f"nothing waits under {key!r} for {service}; waiting keys: {', '.join(waiting) or 'none'}"


async def _answered(
    bus: EventBusPort, clock: ClockPort, newest: Record, request: int, deadline_s: float
) -> ReleaseAnswer | None:
    """The service's answer to a request, or to a later one of the same key; None when none came in time."""
    tail = await bus.tail({newest.place: request + 1})
    try:
        while (left_s := deadline_s - clock.monotonic_s()) > 0:
            for record in await tail.poll(max_records=100, timeout_s=min(POLL_SECONDS, left_s)):
                answer = read_answer(record)
                if answer is not None and origin(record) == origin(newest) and answer.request >= request:
                    return answer
    finally:
        await tail.close()
    return None
