"""Topics as lists in memory: what a bus keeps, without a bus."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tradewire.ports.bus import Place
from tradewire.ports.message import Emit, Envelope, Event, derived_id
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of


@dataclass(frozen=True, slots=True)
class Message:
    """A record as it lies in a partition. ``event``: of a tombstone its key."""

    event: Event | str
    envelope: Envelope


class PlainLog:
    """All topics, each with the same number of partitions. Nothing is ever removed."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.records: dict[Place, list[Message]] = defaultdict(list)

    def append(self, emit: Emit) -> Message:
        """Publish as the runtime does: key to partition, ids from the cause."""
        spec = BY_EVENT[type(emit.event)]
        cause, kind = emit.cause, type(emit.event).__name__
        if emit.event_id is not None:
            event_id = emit.event_id
        else:
            assert cause is not None, f"{kind} has neither a cause nor an id"
            event_id = derived_id(cause.event_id, kind, emit.ordinal)
        fields = emit.event.__dict__
        place = Place(spec.name, partition_of(spec.key_of(emit.event).encode(), self.partitions))
        envelope = Envelope(
            event_id,
            causation_id=cause.event_id if cause is not None else "",
            event_time_us=fields.get("event_time_us", fields.get("close_time_us", 0)),
            topic=place.topic,
            partition=place.partition,
            offset=len(self.records[place]),
        )
        message = Message(emit.event, envelope)
        self.records[place].append(message)
        return message

    def delete(self, event: type[Event], key: str) -> None:
        """Publish a tombstone."""
        place = Place(BY_EVENT[event].name, partition_of(key.encode(), self.partitions))
        offset = len(self.records[place])
        envelope = Envelope(f"{place}-{offset}", topic=place.topic, partition=place.partition, offset=offset)
        self.records[place].append(Message(key, envelope))

    def again(self, place: Place, offset: int) -> None:
        """The record's producer was not sure and wrote it once more, at the end."""
        message = self.records[place][offset]
        envelope = replace(message.envelope, offset=len(self.records[place]))
        self.records[place].append(Message(message.event, envelope))

    def messages(self) -> Iterator[Message]:
        """Everything, partition by partition."""
        for place in sorted(self.records):
            yield from self.records[place]
