"""What is known of parked keys stays right and quick to tell, however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.bus import Record
from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import StrategyEvaluated
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.dead_letters.letters import dead_letter
from tradewire.runtime.dead_letters.parking import KEYS_SHOWN_MAX, Parking, Verdict
from tradewire.runtime.dead_letters.releases import ReleaseAnswer, write_answer, write_request

TOPIC, LETTERS = BY_EVENT[StrategyEvaluated].name, DEAD_LETTERS["risk"]
KEYS = (b"alpha", b"beta", b"gamma")
STEPS = st.lists(st.tuples(st.sampled_from(["park", "read", "request", "answer"]), st.sampled_from(KEYS)), max_size=30)


def parking() -> Parking:
    return Parking("risk", (TOPIC,))


def record(offset: int, key: bytes) -> Record:
    return Record(TOPIC, 0, offset, key, b"bad", (), 0)


def letter(of: Record, offset: int) -> Record:
    """A letter as it is read."""
    made = dead_letter(of, service="risk", version="0", stage="decode", error=ContractViolationError("bad"))
    return Record(LETTERS, 0, offset, made.key, made.value, made.headers, 0)


def test_parked_keys_when_there_are_very_many_then_the_first_are_named_and_the_others_counted() -> None:
    found, count = parking(), 50_000
    for number in range(count):
        found.park(record(number, b"account-%d" % number + b"x" * 3_000))
    told = [wait.what for wait in found.waits()]
    assert len(found) == count
    assert (len(told), told[-1]) == (KEYS_SHOWN_MAX + 1, f"the release of the dead letters of {count - 20} keys more")
    assert all(len(what) < 500 for what in told)
    assert found.verdict(record(count, b"account-7" + b"x" * 3_000)) is Verdict.PARK


@given(steps=STEPS)
def test_parked_keys_when_letters_are_read_and_released_in_any_order_then_counted_as_they_wait(
    steps: list[tuple[str, bytes]],
) -> None:
    found, offset, last = parking(), 0, dict[bytes, Record]()
    for offset, (kind, key) in enumerate(steps):
        if kind == "park":
            found.park(record(offset, key))
        elif kind == "read":
            last[key] = letter(record(offset, key), offset)
            found.take(last[key])
        elif key in last:
            marker = last[key]
            answer = ReleaseAnswer(request=offset, released=offset, handled=1, given_up=(), failure=None)
            made = write_request(marker, set()) if kind == "request" else write_answer(marker, answer)
            found.take(Record(LETTERS, 0, offset, made.key, made.value, made.headers, 0))
        waits = {k for k, wait in found._waits.items() if wait.waiting}
        asked = {k for k, wait in found._waits.items() if wait.request is not None}
        assert len(found) == len(waits) == len(list(found.waits()))
        assert {k for k, *_ in found.requested()} == asked
