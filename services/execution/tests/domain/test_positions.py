"""How far candles were read, by account partition."""

from __future__ import annotations

from tradewire.execution.domain.positions import CandlePositions
from tradewire.ports.ledger import ReadPosition

ENDS = {0: 1_000, 1: 50}


def opened(**known: ReadPosition | None) -> CandlePositions:
    """Positions of the partitions 4 and 5, being read."""
    positions = CandlePositions()
    positions.own(4, known.get("four"))
    positions.own(5, known.get("five"))
    return positions


def test_open_when_nothing_was_written_then_from_the_end_not_from_the_beginning() -> None:
    positions = opened()
    assert positions.saved({}) == {}
    assert positions.open(ENDS, {}) == ENDS
    assert positions.saved({}) == {4: ReadPosition(ENDS, 0), 5: ReadPosition(ENDS, 0)}


def test_open_when_partitions_differ_then_from_the_lowest_and_none_loses_its_own() -> None:
    positions = opened(four=ReadPosition({0: 900, 1: 40}, 3), five=ReadPosition({0: 100, 1: 45}, 3))
    assert positions.open(ENDS, {}) == {0: 100, 1: 40}
    positions.passed(0, 100)
    assert [positions.saved({})[p].candles for p in (4, 5)] == [{0: 900, 1: 40}, {0: 101, 1: 45}]
    positions.passed(0, 950)
    assert [positions.saved({})[p].candles[0] for p in (4, 5)] == [951, 951]


def test_own_when_the_reader_is_far_ahead_then_its_place_is_not_taken_for_the_new_ones() -> None:
    positions = CandlePositions()
    positions.own(4, None)
    positions.open({0: 10}, {})
    positions.passed(0, 99)
    positions.own(5, ReadPosition({0: 20}, 0))
    assert positions.saved({}) == {4: ReadPosition({0: 100}, 0)}
    assert positions.open({0: 120}, {}) == {0: 20}
    assert positions.saved({})[5] == ReadPosition({0: 20}, 0)


def test_rewind_when_asked_for_then_nothing_is_written_of_it_until_it_is_read_from_there() -> None:
    positions = opened(four=ReadPosition({0: 900}, 3), five=ReadPosition({0: 800}, 3))
    positions.open({0: 1_000}, {})
    positions.rewind(5, 70)
    positions.rewind(5, 60)
    positions.rewind(5, 90)
    assert positions.rewinds == {5: 60}
    assert positions.saved({}).keys() == {4}
    assert positions.open({0: 1_000}, {5: {0: 600}}) == {0: 600}
    assert positions.rewinds == {}
    assert [positions.saved({})[p].candles for p in (4, 5)] == [{0: 900}, {0: 600}]


def test_rewind_when_it_would_lead_forward_then_the_position_stays() -> None:
    positions = opened(four=ReadPosition({0: 900}, 3), five=ReadPosition({0: 800}, 3))
    positions.rewind(5, 60)
    assert positions.open({0: 1_000}, {5: {0: 950}}) == {0: 800}


def test_saved_when_candles_wait_in_buffers_then_from_the_oldest_with_the_statuses_known() -> None:
    positions = opened()
    positions.open({0: 5}, {})
    positions.passed(0, 8)
    positions.applied(11)
    assert positions.saved({0: 7, 1: 3}) == {p: ReadPosition({0: 7}, 12) for p in (4, 5)}


def test_forget_when_another_member_owns_it_then_it_holds_nobody_back() -> None:
    positions = opened(four=ReadPosition({0: 900}, 3), five=ReadPosition({0: 100}, 3))
    positions.rewind(5, 10)
    positions.forget(5)
    assert list(positions.owned) == [4]
    assert positions.rewinds == {}
    assert positions.open({0: 1_000}, {}) == {0: 900}
