"""When a partition is paused, resumed and paused again, and when the bound grows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from tradewire.ports.bus import Place
from tradewire.runtime.bus.readers import Reader
from tradewire.runtime.loop.back_pressure import BackPressure

PLACE = Place("t", 0)


class Noted:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Place]] = []

    def pause(self, places: Iterable[Place]) -> None:
        self.told += [("pause", place) for place in places]

    def resume(self, places: Iterable[Place]) -> None:
        self.told += [("resume", place) for place in places]


def told(*counts: int, idle: bool = False) -> list[str]:
    """What a reader is told while so many records are buffered, one after the other; the bound is 10."""
    reader, buffered = Noted(), {PLACE: 0}
    pressure = BackPressure(lambda: buffered, 10)
    for count in counts:
        buffered[PLACE] = count
        pressure.apply([cast(Reader, reader)], idle=idle)
    return [what for what, _ in reader.told]


def test_partition_is_paused_beyond_the_bound_and_resumed_when_half_empty_each_time_once() -> None:
    assert told(10, 11, 12, 6, 5, 4) == ["pause", "resume"]
    assert told(11, 5, 11, 11, 0, 0) == ["pause", "resume", "pause", "resume"]


def test_bound_doubles_when_nothing_else_moves() -> None:
    assert told(11, 11, 10, 11, idle=True) == ["pause", "resume"]


def test_partition_that_left_is_not_resumed() -> None:
    reader = Noted()
    buffered = {PLACE: 11}
    pressure = BackPressure(lambda: buffered, 10)
    pressure.apply([cast(Reader, reader)], idle=False)
    pressure.forget([PLACE])
    buffered.clear()
    pressure.apply([cast(Reader, reader)], idle=False)
    assert reader.told == [("pause", PLACE)]
