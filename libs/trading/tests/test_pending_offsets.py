"""What a join holds is what a restart must read again."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.bus import Place
from tradewire.ports.message import Envelope
from tradewire.trading.pending_offsets import PendingOffsets


def record(offset: int, partition: int = 0) -> Envelope:
    """A record of one topic."""
    return replace(Envelope("id", topic="t", offset=offset), partition=partition)


def test_lowest_when_nothing_is_held_then_empty() -> None:
    assert PendingOffsets().lowest() == {}


def test_lowest_when_taken_in_any_order_then_the_oldest_per_partition() -> None:
    pending = PendingOffsets()
    for envelope in (record(7), record(3), record(5), record(1, 2)):
        pending.take(envelope)
    assert pending.lowest() == {Place("t", 0): 3, Place("t", 2): 1}
    pending.release(record(3))
    assert pending.lowest() == {Place("t", 0): 5, Place("t", 2): 1}


def test_release_when_held_twice_then_goes_with_the_second() -> None:
    pending = PendingOffsets()
    pending.take(record(4))
    pending.take(record(4))
    pending.release(record(4))
    assert pending.lowest() == {Place("t", 0): 4}
    pending.release(record(4))
    assert pending.lowest() == {}


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 80))
def test_held_when_taken_and_released_at_random_then_agrees_with_a_list(seed: int, steps: int) -> None:
    rng, pending = random.Random(seed), PendingOffsets()
    model: list[Envelope] = []
    for _ in range(steps):
        if model and rng.random() < 0.5:
            gone = model.pop(rng.randrange(len(model)))
            pending.release(gone)
        else:
            model.append(record(rng.randrange(10), rng.randrange(3)))
            pending.take(model[-1])
        for partition in range(3):
            offsets = [envelope.offset for envelope in model if envelope.partition == partition]
            assert pending.lowest().get(Place("t", partition)) == min(offsets, default=None)
            assert pending.counts().get(Place("t", partition), 0) == len(offsets)
