"""Windows after kills at any record: none lost, none doubled, also when offsets are ahead of the disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tradewire.ports.bus import Outgoing, Place, Record
from tradewire.ports.events import AccountStateChanged, OrderFilled
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.observe.metrics import Metrics
from tradewire.telemetry.adapters.views.positions import begin_again_if_ahead
from tradewire.telemetry.adapters.views.rows import Rows
from tradewire.telemetry.adapters.views.worker import GROUP, TOPIC_NAMES, ViewWorker
from tradewire.telemetry.domain.windows import Windows
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

HOUR_US = 3_600_000_000
CODEC = Codec(SchemaIds.static())
Told = Sequence[tuple[bool, int, int]]


class Life(NamedTuple):
    """A life handles so many records. ``kept``: how many of them are committed, more than were handled with ``ahead``;
    ``copy``: the disk comes back as it was so many lives before.
    """

    handles: int
    kept: int
    ahead: bool
    copy: int


TOLD = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(1, 500)), min_size=1, max_size=25)
LIVES = st.lists(
    st.builds(Life, st.integers(0, 12), st.integers(0, 12), st.booleans(), st.integers(0, 2)), min_size=1, max_size=4
)


class Committing(MemoryBus):
    """A bus whose groups have committed what the test says."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(TOPIC_NAMES, 1))
        self.stored: dict[str, dict[Place, int]] = {}

    async def committed(self, group: str, places: Sequence[Place]) -> dict[Place, int | None]:
        return {place: self.stored.get(group, {}).get(place) for place in places}


async def told_to(bus: Committing, messages: Messages, told: Told) -> Windows:
    """Publish a story; what it comes to when nothing is killed."""
    expected = Windows(size_us=HOUR_US, kept=4)
    for sequence, (is_fill, hour, value) in enumerate(told, 1):
        when: dict[str, Any] = {"sequence": sequence, "event_time_us": hour * HOUR_US + sequence}
        event: AccountStateChanged | OrderFilled = (
            messages.fill(**when, realized_pnl=str(value)) if is_fill else messages.state(**when, equity=str(value))
        )
        expected.take(event)
        topic = BY_EVENT[type(event)].name
        await bus.publish([Outgoing(topic, b"paper-1", CODEC.encode(event)), Outgoing(topic, b"paper-1", b"nonsense")])
    return expected


async def lived(bus: Committing, folder: Path, life: Life | None) -> Windows:
    """Handle what the group has not committed, all of it without a ``life``; its windows. Leaves the files open."""
    rows, windows = Rows(folder), Windows(size_us=HOUR_US, kept=4)
    await begin_again_if_ahead(bus, rows)
    for key, row in rows.read():
        rows.write(windows.put(key, row))
    stored = bus.stored.setdefault(GROUP.format(generation=rows.generation), {})
    left: list[Record] = []
    for topic in TOPIC_NAMES:
        left += [r async for r in read_to_end(bus, topic) if r.offset >= stored.get(r.place, 0)]
    left = left if life is None else left[: life.handles]
    worker = ViewWorker("kafka://nowhere:1", CODEC, windows, rows, ManualClock(), Metrics(CollectorRegistry()))
    for number, record in enumerate(left):
        await worker._take(record)
        if life is None or number < life.kept:
            stored[record.place] = record.offset + 1
    if life is not None and life.ahead:
        stored |= {place: min(stored.get(place, 0) + 3, end) for place, end in (await ends(bus)).items()}
    _OPEN.append(rows)
    return windows


_OPEN: list[Rows] = []
"""Of lives that were killed: they are closed, elsewhere, when nobody needs their files any more."""


async def ends(bus: Committing) -> dict[Place, int]:
    return dict(await bus.end_offsets([Place(topic, 0) for topic in TOPIC_NAMES]))


def kept(windows: Windows) -> object:
    return (
        {name: rows for name, rows in windows.accounts.items() if rows},
        {name: legs for name, legs in windows.fills.items() if legs},
    )


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(told=TOLD, lives=LIVES)
async def test_windows_when_killed_at_any_record_then_as_if_never_killed(
    messages: Messages, told: Told, lives: list[Life]
) -> None:
    bus = Committing()
    expected = await told_to(bus, messages, told)
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root) / "0"]
        for number, life in enumerate(lives, 1):
            await lived(bus, folders[-1], life)
            # What a kill leaves: the files as they are, without an orderly end.
            shutil.copytree(folders[max(0, len(folders) - 1 - life.copy)], Path(root) / str(number))
            folders.append(Path(root) / str(number))
        found = await lived(bus, folders[-1], None)
        _OPEN.pop().close()
        again = Windows(size_us=HOUR_US, kept=4)
        rows = Rows(folders[-1])
        for key, row in rows.read():
            again.put(key, row)
        rows.close()
        while _OPEN:
            _OPEN.pop().close()
    assert kept(found) == kept(again) == kept(expected)


async def test_record_when_its_windows_cannot_be_written_then_it_is_not_acknowledged(
    messages: Messages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk: the process ends, and the record is read again."""
    rows, windows = Rows(tmp_path), Windows(size_us=HOUR_US, kept=4)
    worker = ViewWorker("kafka://nowhere:1", CODEC, windows, rows, ManualClock(), Metrics(CollectorRegistry()))
    stream = Stream(Record(TOPIC_NAMES[0], 0, 7, b"paper-1", CODEC.encode(messages.state()), (), 0))
    crashes: list[BaseException] = []

    async def crash(reason: BaseException) -> None:
        crashes.append(reason)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(worker.app, "crash", crash)
    monkeypatch.setattr(rows, "write", full)
    with pytest.raises(OSError, match="no space"):
        await anext(worker._windows_of(stream))
    assert (len(crashes), stream.acked, worker.progress.positions) == (1, [], {})
    monkeypatch.undo()
    async for _ in worker._windows_of(stream):
        pass
    assert (stream.acked, rows.positions()) == ([7], {Place(TOPIC_NAMES[0], 0): 8})
    rows.close()


class Stream:
    """What faust gives an agent, as far as the worker uses it."""

    def __init__(self, record: Record) -> None:
        self._record, self.acked = record, list[int]()

    def noack(self) -> Stream:
        return self

    async def events(self) -> Any:
        one = self._record
        yield Event(Message(one.topic, one.partition, one.offset, one.key, one.value, one.timestamp_ms / 1000))

    async def ack(self, event: Event) -> None:
        self.acked.append(event.message.offset)


class Message(NamedTuple):
    """A record as faust has it. ``timestamp``: in seconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: float


class Event(NamedTuple):
    """An event of faust's: its message."""

    message: Message
