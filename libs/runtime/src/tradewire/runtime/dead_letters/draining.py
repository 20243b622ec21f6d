"""A service drains its own dead letters when an operator asks for it, in order and before it reads on.

A request in the dead-letter topic (``releases``) names a key. Whoever owns the partition that the key was parked in
pauses it, handles the key's letters as if they had just been read, some per round, and writes an answer behind them.
Outputs, state and offsets come first, the answer last: after a crash anywhere in between the request still stands, the
key still waits, and all is done again. What is done twice makes the same ids and is dropped like anything read twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tradewire.ports.bus import EventBusPort, Outgoing, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.runtime.bus.readers import Reader, read_between
from tradewire.runtime.dead_letters.keeping import Keeping
from tradewire.runtime.dead_letters.letters import original
from tradewire.runtime.dead_letters.parking import Key, Origin, Wait
from tradewire.runtime.dead_letters.releases import Failure, ReleaseAnswer, Request, write_answer
from tradewire.runtime.dead_letters.skip_answers import SkipAnswers
from tradewire.runtime.loop.answering import Answering, Parts
from tradewire.runtime.loop.back_pressure import BackPressure
from tradewire.runtime.loop.checkpoints import Checkpoints
from tradewire.runtime.loop.failures import HandlerFailedError
from tradewire.runtime.loop.publisher import Draft
from tradewire.runtime.service import Service

log = logging.getLogger(__name__)


@dataclass
class _Drain:
    """How far one request has come. ``done``: origins of what was handled or passed over."""

    request: Request
    place: Place
    done: set[Origin] = field(default_factory=set)
    handled: int = 0
    given_up: list[int] = field(default_factory=list)
    failure: Failure | None = None

    def answer(self, wait: Wait) -> ReleaseAnswer:
        """What it comes to: all letters are released, or those before the first that was not handled."""
        left = [offset for offset, source in wait.letters.items() if source not in self.done]
        newest = max(wait.letters, default=wait.released)
        released = max(wait.released, min(left) - 1 if left else newest)
        return ReleaseAnswer(self.request.offset, released, self.handled, tuple(self.given_up), self.failure)


class Draining:
    """The releases that one worker carries out. ``places``: partitions not to be read meanwhile; ``busy``: the last
    step did something, so that the next should follow at once.
    """

    def __init__(
        self,
        service: Service,
        group_topics: Sequence[str],
        bus: EventBusPort,
        parts: Parts,
        answering: Answering,
        checkpoints: Checkpoints,
        back_pressure: BackPressure,
        letters_max: int,
    ) -> None:
        self._name, self._group_topics, self._bus = service.name, frozenset(group_topics), bus
        self._publisher, self._parking, self._audit, *_ = parts
        self._answering = answering
        self._checkpoints, self._back_pressure, self._letters_max = checkpoints, back_pressure, letters_max
        position = checkpoints.position
        self._skips = SkipAnswers(
            group_topics, bus, self._publisher, self._parking, position, self._start, service.holds
        )
        self._keeping = Keeping(group_topics, bus, self._publisher, self._parking, self._audit)
        self._drains: dict[Key, _Drain] = {}
        self.busy = False

    @property
    def places(self) -> set[Place]:
        """Partitions that are not read on while letters of theirs are handled."""
        return {drain.place for drain in self._drains.values() if drain.place.topic in self._group_topics}

    async def step(self, group: Reader | None) -> None:
        """Bring every release that is ours a little further. Raises FatalError."""
        self.busy = False
        requested = list(self._parking.requested())
        self._drains = {key: self._drains[key] for key, *_ in requested if key in self._drains}
        for key, wait, request in requested:
            place = Place(key[0], max(0, min(wait.first, default=0)))
            if not self._ours(place, group) or not await self._is_read(place, wait):
                continue
            drain = self._drains.get(key)
            if drain is None or drain.request != request:
                drain = self._drains[key] = _Drain(request, place)
            if not self._back_pressure.is_full(place):
                await self._advance(key, wait, drain, group)
        await self._skips.step(group)
        await self._keeping.step(group)

    def forget(self, places: Iterable[Place]) -> None:
        """Another member carries on with these, from the start."""
        gone = set(places)
        self._drains = {key: drain for key, drain in self._drains.items() if drain.place not in gone}

    def _ours(self, place: Place, group: Reader | None) -> bool:
        """Do we own the partition? What no group reads is everybody's; the first answer counts."""
        return place.topic not in self._group_topics or (group is not None and group.owns(place))

    async def _is_read(self, place: Place, wait: Wait) -> bool:
        """Was all before the newest letter's record answered? After a crash some of it is read again first."""
        if place.topic not in self._group_topics:
            return True
        newest = max((offset for partition, offset in wait.waiting if partition == place.partition), default=-1)
        position = self._checkpoints.position(place)
        if position is None:
            position = await self._publisher.until_done(lambda: self._start(place), "find where to read")
        return position > newest

    async def _start(self, place: Place) -> int:
        """Where reading of a partition begins. Raises RetryableError."""
        stored = await self._bus.committed(self._name, [place])
        return max(stored[place] or 0, (await self._bus.begin_offsets([place]))[place])

    async def _advance(self, key: Key, wait: Wait, drain: _Drain, group: Reader | None) -> None:
        """Handle some more letters; answer the request when none is left, or when one fails again."""
        left = [(source, offset) for source, offset in wait.plan() if source not in drain.done]
        if not left and wait.unread:
            return  # what was parked just now is read back first
        if left:
            await self._handle(key, wait, drain, left[: self._letters_max])
        if drain.failure is not None or (len(left) <= self._letters_max and not wait.unread):
            await self._answer(key, wait, drain, group)
        self.busy = True

    async def _handle(self, key: Key, wait: Wait, drain: _Drain, batch: Sequence[tuple[Origin, int]]) -> None:
        """Letters through their handler, up to the first that fails again; what follows from them is published."""
        assert wait.marker is not None, "letters were read"
        place = wait.marker.place
        letters = await self._publisher.until_done(lambda: self._read(place, batch), "read dead letters")
        given_up = wait.given_up | {wait.letters[n] for n in drain.request.given_up if n in wait.letters}
        drafts: list[Draft] = []
        self._checkpoints.unanswered = True
        for source, offset in batch:
            if source in given_up:
                drain.given_up.append(offset)
            else:
                try:
                    drafts += await self._again(key, letters.get(offset), offset)
                except ContractViolationError as error:
                    drain.failure = Failure.of(offset, error)
                    break
                except HandlerFailedError as failed:
                    failed.answer = [_nothing_released(wait, drain, Failure.of(offset, failed.violation))]
                    raise
                drain.handled += 1
            drain.done.add(source)
        await self._publisher.publish(drafts)
        self._checkpoints.unanswered = False
        self._checkpoints.note_letters(len(batch))

    async def _read(self, place: Place, batch: Sequence[tuple[Origin, int]]) -> dict[int, Record]:
        """Letters by offset. Raises RetryableError."""
        offsets = {offset for _, offset in batch}
        starts, ends = {place: min(offsets)}, {place: max(offsets) + 1}
        return {r.offset: r async for r in read_between(self._bus, starts, ends) if r.offset in offsets}

    async def _again(self, key: Key, letter: Record | None, offset: int) -> list[Draft]:
        """A letter's record through its handler. Raises ContractViolationError."""
        if letter is None:
            raise ContractViolationError(f"letter {offset} is no longer kept: it can only be given up", stage="handle")
        if key[0] not in self._group_topics:
            raise ContractViolationError(
                f"{key[0]} is not read by partition: its letters can only be given up", stage="handle"
            )
        return await self._answering.handle(original(letter))

    async def _answer(self, key: Key, wait: Wait, drain: _Drain, group: Reader | None) -> None:
        """State and offsets, then the answer; not when the partition has gone to another member meanwhile."""
        await self._checkpoints.settle(group)
        del self._drains[key]
        if not self._ours(drain.place, group):
            return
        assert wait.marker is not None, "the request was read"
        answer = drain.answer(wait)
        record = write_answer(wait.marker, answer)
        acks = await self._publisher.until_written(lambda: self._bus.publish([record]), "answer a release")
        self._parking.take(_as_read(record, acks[-1].partition, acks[-1].offset))
        self._answering.count_parked()
        failed = None if answer.failure is None else answer.failure.message
        self._audit.note(
            "letters_released",
            f"{answer.handled} letters handled, {len(answer.given_up)} given up"
            + (f"; then failed: {failed}" if failed else ""),
            cause=f"{key[0]}|{acks[-1].partition}|{acks[-1].offset}",
            topic=key[0],
            who=drain.request.author,
        )
        log.info(
            "released dead letters",
            extra={
                "event": "letters_released",
                "topic": key[0],
                "handled": answer.handled,
                "given_up": len(answer.given_up),
                "failed": failed,
            },
        )


def _nothing_released(wait: Wait, drain: _Drain, failure: Failure) -> Outgoing:
    """The answer when a letter failed and left the state unknown: what was done is done again at the next request."""
    assert wait.marker is not None, "the request was read"
    return write_answer(wait.marker, ReleaseAnswer(drain.request.offset, wait.released, 0, (), failure))


def _as_read(record: Outgoing, partition: int, offset: int) -> Record:
    """A record that we wrote, as it will be read back."""
    return Record(record.topic, partition, offset, record.key, record.value, record.headers, 0)
