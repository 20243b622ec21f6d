"""The watchdog's arithmetic, without a broker."""

from __future__ import annotations

from tradewire.ports.bus import Place, Record
from tradewire.runtime.bus.kafka_progress import PartitionProgress

PLACE, OTHER = Place("t", 0), Place("t", 1)
STEP_S = 10


def record(place: Place, offset: int) -> Record:
    return Record(place.topic, place.partition, offset, None, b"", (), 0)


def look(progress: PartitionProgress, start_s: int, stop_s: int, ends: dict[Place, int] | None = None) -> None:
    """Poll and ask the broker every 10 s, and be given nothing."""
    for now_s in range(start_s, stop_s, STEP_S):
        progress.on_polled([], now_s)
        progress.on_answered(ends or {PLACE: 10, OTHER: 0}, {PLACE: 0, OTHER: 0}, now_s)


def watched() -> PartitionProgress:
    """Two partitions assigned at 0 s, the first with 10 records, of which none was read until 100 s."""
    progress = PartitionProgress(stall_s=60, fresh_s=15)
    progress.on_assigned([PLACE, OTHER], 0)
    look(progress, 0, 101)
    return progress


def test_stalled_when_records_wait_and_polls_get_none_then_told() -> None:
    assert watched().stalled(set(), 100) == [PLACE]


def test_stalled_when_not_for_long_enough_then_silent() -> None:
    progress = watched()
    progress.on_polled([record(PLACE, 3)], 100)
    assert progress.stalled(set(), 100) == []


def test_stalled_when_all_is_read_then_silent() -> None:
    progress = watched()
    progress.on_polled([record(PLACE, 9)], 101)
    look(progress, 102, 200)
    assert progress.stalled(set(), 200) == []


def test_stalled_when_paused_by_us_then_silent() -> None:
    assert watched().stalled({PLACE}, 100) == []


def test_stalled_when_the_broker_no_longer_answers_then_silent_and_counted_anew_when_it_is_back() -> None:
    progress = watched()
    for now_s in range(110, 300, STEP_S):
        progress.on_polled([], now_s)
    assert progress.stalled(set(), 290) == []
    look(progress, 300, 351)
    assert progress.stalled(set(), 350) == []
    look(progress, 360, 371)
    assert progress.stalled(set(), 370) == [PLACE]


def test_stalled_when_nobody_polls_then_silent_and_counted_anew_when_somebody_does() -> None:
    progress = watched()
    for now_s in range(110, 300, STEP_S):
        progress.on_answered({PLACE: 10, OTHER: 0}, {}, now_s)
    assert progress.stalled(set(), 290) == []
    look(progress, 300, 351)
    assert progress.stalled(set(), 350) == []
    look(progress, 360, 371)
    assert progress.stalled(set(), 370) == [PLACE]


def test_stalled_when_reassigned_then_counted_anew() -> None:
    progress = watched()
    progress.on_assigned([PLACE], 100)
    look(progress, 110, 151, {PLACE: 10})
    assert progress.stalled(set(), 150) == []
    look(progress, 160, 171, {PLACE: 10})
    assert progress.stalled(set(), 170) == [PLACE]
