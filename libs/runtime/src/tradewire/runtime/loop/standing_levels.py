"""Kill-switch levels that the topic may not hold any more, from what services told that they obey.

``ops.control.v1`` is compacted: a record under the key of a scope displaces the one before it, also one that nobody can
read. Who was at work goes on obeying the level before it; who starts later finds that level here, on
``ops.control-status.v1`` (docs/adr/0048-displaced-records.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tradewire.ports.bus import EventBusPort, Place, Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import ControlChanged, ControlStatusChanged, LevelInForce
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.control_records import TOPIC as CONTROLS
from tradewire.runtime.codec.messages import read_record


def standing(told: Iterable[ControlStatusChanged], end: int) -> dict[str, LevelInForce]:
    """The level of each scope by whoever has read furthest; of several as far, the one asked for last.

    ``end``: of ``ops.control.v1``. What tells of records behind it is about another topic of that name.
    """
    possible = [status for status in told if status.control_offset < end]
    furthest = max((status.control_offset for status in possible), default=-1)
    levels = [level for status in possible if status.control_offset == furthest for level in status.levels]
    asked = sorted((level for level in levels if 0 <= level.control_offset <= furthest), key=lambda x: x.control_offset)
    return {level.scope: level for level in asked}


async def standing_levels(bus: EventBusPort, codec: Codec) -> Sequence[Record]:
    """Each level in force as the record that asked for it, with its offset, to be handled before those of the topic.

    One that the topic has a later record for is outdated by that. Raises RetryableError.
    """
    told: list[ControlStatusChanged] = []
    async for record in read_to_end(bus, BY_EVENT[ControlStatusChanged].name):
        try:
            status = None if record.value is None else await read_record(codec, record)
        except ContractViolationError:
            continue  # its readers keep it as a dead letter
        if isinstance(status, ControlStatusChanged):
            told.append(status)
    place = Place(CONTROLS, 0)
    levels = standing(told, (await bus.end_offsets([place]))[place])
    return [_record(codec, level) for level in levels.values()]


def asked_for(level: LevelInForce) -> ControlChanged:
    """The message that asked for a level."""
    return ControlChanged(**level.model_dump(exclude={"control_offset"}))


def _record(codec: Codec, level: LevelInForce) -> Record:
    """Without headers: its lineage is its place."""
    value = codec.encode(asked_for(level))
    return Record(CONTROLS, 0, level.control_offset, level.scope.encode(), value, (), 0)
