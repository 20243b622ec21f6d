"""An operator's word that a service passes over one record: the way on when a record ends it at each start."""

from __future__ import annotations

from dataclasses import dataclass

from tradewire.app.operating.dead_letters import POLL_SECONDS, ReplayRefusedError, letters
from tradewire.app.operating.deeds import Deed
from tradewire.app.operating.operator import Operator
from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.readers import read_between
from tradewire.runtime.dead_letters.letters import letter_place
from tradewire.runtime.dead_letters.releases import Skip, write_skip
from tradewire.runtime.dead_letters.skip_words import SkipAnswer, read_skip_answer


class SkipRefusedError(ReplayRefusedError):
    """There is no such record, the service does not read it, or it has a dead letter, which is given up otherwise."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was asked for, and what the service says becomes of it; None: it has not answered.

    ``letter``: where the word stands in the service's dead-letter topic.
    """

    skip: Skip
    service: str
    letter: str
    record: Record
    answer: SkipAnswer | None


async def skip_record(operator: Operator, skip: Skip, service: str, *, within_s: float) -> Skipped:
    """Write the word, and wait for the answer of the service, which alone knows whether it has handled the record.

    The word stays: a service that is away reads it at its next start, before its first record.

    Raises: SkipRefusedError; RetryableError.
    """
    if skip.topic not in TOPICS:
        raise SkipRefusedError(f"found topic {skip.topic!r}; allowed: {', '.join(TOPICS)}")
    spec = TOPICS[skip.topic]
    readers = sorted({*spec.consumers, *spec.producers} & DEAD_LETTERS.keys())
    if service not in readers:
        raise SkipRefusedError(f"{service} does not read {skip.topic}; allowed: {', '.join(readers)}")
    bus, place = operator.bus, f"{skip.topic}/{skip.partition}"
    record = await _record(bus, Place(skip.topic, skip.partition), skip.offset)
    await _hold_no_letter(bus, service, record)
    (ack,) = await bus.publish([write_skip(skip, DEAD_LETTERS[service])])
    details = {"service": service, "place": place, "offset": skip.offset, "reason": skip.reason}
    what = f"had {service} pass over {place} offset {skip.offset}: {skip.reason}"
    await operator.note(Deed("skip_asked", what, details), f"{service}|{place}|{skip.offset}|{ack.offset}")
    word = Place(DEAD_LETTERS[service], ack.partition)
    answer = await _answered(operator, word, ack.offset, operator.clock.monotonic_s() + within_s)
    return Skipped(skip, service, f"{ack.partition}/{ack.offset}", record, answer)


async def _answered(operator: Operator, word: Place, offset: int, deadline_s: float) -> SkipAnswer | None:
    """The first answer to a word; None when none came in time."""
    tail = await operator.bus.tail({word: offset + 1})
    try:
        while (left_s := deadline_s - operator.clock.monotonic_s()) > 0:
            for record in await tail.poll(max_records=100, timeout_s=min(POLL_SECONDS, left_s)):
                answer = read_skip_answer(record)
                if answer is not None and answer.word == offset:
                    return answer
    finally:
        await tail.close()
    return None


async def _hold_no_letter(bus: EventBusPort, service: str, record: Record) -> None:
    """Raises SkipRefusedError for a record that the service passes over already, while its key may wait behind it."""
    for letter in await letters(bus, (service,)):
        if letter.waits and (letter.topic, *letter_place(letter.record)) == (*record.place, record.offset):
            raise SkipRefusedError(
                f"{record.topic}/{record.partition} offset {record.offset} has a dead letter, {letter.place}: "
                f"give it up: tradewire dlq replay --service {service} --topic {record.topic} --key {letter.key} "
                f"--discard {letter.place}"
            )


async def _record(bus: EventBusPort, place: Place, offset: int) -> Record:
    """The record that is to be passed over."""
    count = await bus.partitions(place.topic)
    if not 0 <= place.partition < count:
        raise SkipRefusedError(f"{place.topic} has partitions 0 to {count - 1}; found {place.partition}")
    begin, end = (await bus.begin_offsets([place]))[place], (await bus.end_offsets([place]))[place]
    if not begin <= offset < end:
        kept = f"{begin} to {end - 1}" if end > begin else "none"
        raise SkipRefusedError(f"{place.topic}/{place.partition} holds offsets {kept}; found {offset}")
    async for record in read_between(bus, {place: offset}, {place: end}):
        if record.offset == offset:
            return record
        break
    raise SkipRefusedError(f"{place.topic}/{place.partition} holds nothing at offset {offset} any more: compacted")
