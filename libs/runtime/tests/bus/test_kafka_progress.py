"""The watchdog's arithmetic, without a broker."""

from __future__ import annotations

from tradewire.ports.bus import Place, Record
from tradewire.runtime.bus.kafka_progress import Progress

PLACE, OTHER = Place("t", 0), Place("t", 1)


def record(place: Place, offset: int) -> Record:
    return Record(place.topic, place.partition, offset, None, b"", (), 0)


def watched() -> Progress:
    """Two partitions assigned at 0 s, the first with 10 records, of which none was read; polled at 100 s."""
    progress = Progress(stall_s=60, fresh_s=15)
    progress.on_assigned([PLACE, OTHER], 0)
    progress.on_answered({PLACE: 10, OTHER: 0}, {PLACE: 0, OTHER: 0}, 100)
    progress.on_polled([], 100)
    return progress


def test_stalled_when_records_wait_and_polls_get_none_then_told() -> None:
    assert watched().stalled(set(), 100) == [PLACE]


def test_stalled_when_not_for_long_enough_then_silent() -> None:
    progress = watched()
    progress.on_polled([record(PLACE, 3)], 100)
    assert progress.stalled(set(), 100) == []


def test_stalled_when_all_is_read_then_silent() -> None:
    progress = watched()
    progress.on_polled([record(PLACE, 9)], 1)
    progress.on_polled([], 100)
    progress.on_answered({PLACE: 10, OTHER: 0}, {}, 100)
    assert progress.stalled(set(), 100) == []


def test_stalled_when_paused_by_us_then_silent() -> None:
    assert watched().stalled({PLACE}, 100) == []


def test_stalled_when_the_broker_no_longer_answers_then_silent() -> None:
    progress = watched()
    progress.on_polled([], 120)
    assert progress.stalled(set(), 120) == []


def test_stalled_when_nobody_polls_then_silent() -> None:
    progress = watched()
    progress.on_answered({PLACE: 10, OTHER: 0}, {}, 120)
    assert progress.stalled(set(), 120) == []


def test_stalled_when_reassigned_then_counted_anew() -> None:
    progress = watched()
    progress.on_assigned([PLACE], 99)
    progress.on_answered({PLACE: 10}, {PLACE: 4}, 100)
    assert progress.stalled(set(), 100) == []
    progress.on_polled([], 160)
    progress.on_answered({PLACE: 10}, {}, 160)
    assert progress.stalled(set(), 160) == [PLACE]
