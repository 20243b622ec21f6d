"""Dead letters from outside: what waits and why, and its ordered way back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tradewire.app.operating.deeds import Deed
from tradewire.app.operating.operator import Operator
from tradewire.ports.bus import EventBusPort, Record
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.dead_letters.kept import KeptLetters, Letter
from tradewire.runtime.dead_letters.letters import origin
from tradewire.runtime.dead_letters.releases import Failure, ReleaseAnswer, read_answer, write_request

POLL_SECONDS = 0.2


class ReplayRefusedError(TradewireError):
    """There is nothing to replay, or it makes no sense to."""


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
    return await KeptLetters(bus, services).read()


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
