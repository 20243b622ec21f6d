"""A service as a table of handlers on topics that are lists, with its offsets and what it keeps over a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tradewire.ports.bus import Place
from tradewire.ports.errors import RefusedRecordError
from tradewire.ports.message import Emit
from tradewire.ports.topics import TOPICS
from tradewire.runtime.service import Input
from tradewire.testkit.plain_log import PlainLog
from tradewire.trading.unknown_versions import UnknownVersions


@dataclass(eq=False)
class Member:
    """A service with its offsets. ``fresh`` and ``recover`` make a restart, ``save`` and a commit a checkpoint."""

    log: PlainLog
    positions: dict[Place, int] = field(default_factory=dict)
    committed: dict[Place, int] = field(default_factory=dict)
    table: dict[str, Input] = field(default_factory=dict)
    letters: dict[tuple[Place, int], str] = field(default_factory=dict)
    """Records that it refused, and why: they are not handled again."""

    def start(self) -> None:
        """Begin with nothing in memory: broadcast topics to their end, then saved state, then committed offsets."""
        inputs = self.fresh()
        self.table = {row.topic: row for row in inputs}
        for row in inputs:
            if TOPICS[row.topic].broadcast:
                for place in self.places(row.topic):
                    self.positions[place] = 0
                    while self.waiting(place):
                        self.deliver(place)
        self.recover()
        for row in inputs:
            if not TOPICS[row.topic].broadcast:
                for place in self.places(row.topic):
                    self.positions[place] = self.committed.get(place, 0)

    def places(self, topic: str) -> list[Place]:
        """Partitions of a topic."""
        return [Place(topic, number) for number in range(self.log.partitions)]

    def ready(self) -> list[Place]:
        """Partitions with a record to read."""
        ready = [place for place in self.positions if self.waiting(place)]
        if not ready:
            self.settle()
            self.say(self.ticked())
        return ready or [place for place in self.positions if self.waiting(place)]

    def settle(self) -> None:
        """As the worker: in doubt, read broadcast topics to their end and tell."""
        doubtful = self.doubtful()
        if doubtful is None or not doubtful.doubts():
            return
        for place in [place for place in self.positions if TOPICS[place.topic].broadcast]:
            while self.waiting(place):
                self.handle(place)
        doubtful.settle()
        self.say(self.ticked())

    def say(self, emits: Iterable[Emit]) -> None:
        """Publish what the service says, once what must be durable before is."""
        emits = list(emits)
        self.persist()
        for emit in emits:
            self.log.append(emit)

    def doubtful(self) -> UnknownVersions[Any] | None:
        """What the service may be in doubt about."""
        return None

    def ticked(self) -> Iterable[Emit]:
        """What the service says at a tick."""
        return ()

    def waiting(self, place: Place) -> bool:
        """Is there a record to read?"""
        return self.positions[place] < len(self.log.records[place])

    def deliver(self, place: Place) -> None:
        """Handle the partition's next record and publish the answers."""
        if not TOPICS[place.topic].broadcast:
            self.settle()
        self.handle(place)

    def handle(self, place: Place) -> None:
        """The partition's next record, whatever is in doubt."""
        offset = self.positions[place]
        message = self.log.records[place][offset]
        self.positions[place] += 1
        row = self.table[place.topic]
        if isinstance(message.event, str):
            self.say(row.deleted(message.event, message.envelope) if row.deleted is not None else ())
        elif (place, offset) not in self.letters:
            try:
                self.say(row.handler(message.event, message.envelope))
            except RefusedRecordError as error:
                self.letters[place, offset] = str(error)

    def checkpoint(self, *, commit: bool) -> None:
        """Write state; then, unless a crash comes between, commit what it covers."""
        self.save()
        if commit:
            self.committed = {place: self.held().get(place, offset) for place, offset in self.positions.items()}

    def fresh(self) -> Iterable[Input]:
        """A desk without state; returns its table."""
        raise NotImplementedError

    def recover(self) -> None:
        """Take saved state back."""

    def persist(self) -> None:
        """Write what must be durable before answers go out."""

    def save(self) -> None:
        """Write state that covers everything published."""

    def held(self) -> dict[Place, int]:
        """Lowest offsets that are buffered and so not to be committed."""
        return {}
