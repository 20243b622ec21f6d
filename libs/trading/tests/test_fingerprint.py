"""One hash over all fills and account states."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradewire.testkit.builders import account_state
from tradewire.trading.fingerprint import Fingerprint

STATES = [account_state(n, 10_000 + n, account) for n in range(6) for account in ("alpha", "beta")]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(seed=st.integers(0, 2**32))
def test_fingerprint_when_events_come_shuffled_and_twice_then_the_same(seed: int) -> None:
    plain, shuffled = Fingerprint(), Fingerprint()
    assert sum(plain.add(state) for state in STATES) == len(STATES)
    again = [*STATES, *STATES[::2]]
    random.Random(seed).shuffle(again)
    assert sum(shuffled.add(state.model_copy()) for state in again) == len(STATES)
    assert (shuffled.hexdigest(), shuffled.conflicts) == (plain.hexdigest(), [])


def test_fingerprint_when_one_digit_or_one_event_differs_then_another() -> None:
    found = set()
    for states in (STATES, STATES[:-1], [*STATES[:-1], STATES[-1].model_copy(update={"equity": Decimal("10005.01")})]):
        prints = Fingerprint()
        for state in states:
            prints.add(state)
        found.add(prints.hexdigest())
    assert len(found) == 3


def test_fingerprint_when_one_sequence_says_two_things_then_a_conflict() -> None:
    prints = Fingerprint()
    prints.add(account_state(4))
    assert not prints.add(account_state(4, equity=1))
    assert prints.conflicts == [("alpha", 5)]


def test_fingerprint_when_nothing_happened_then_the_hash_of_nothing() -> None:
    assert Fingerprint().hexdigest() == EMPTY


def test_fingerprint_when_two_spellings_of_a_number_then_the_same() -> None:
    plain, padded = Fingerprint(), Fingerprint()
    plain.add(account_state(1, equity=Decimal("10005.5")))
    padded.add(account_state(1, equity=Decimal("10005.50000000")))
    assert plain.hexdigest() == padded.hexdigest()


def test_fingerprint_when_amounts_leave_64_bits_then_still_a_fingerprint() -> None:
    large, larger = Fingerprint(), Fingerprint()
    large.add(account_state(1, equity=Decimal(10) ** 12))
    larger.add(account_state(1, equity=Decimal(10) ** 12 + 1))
    assert large.hexdigest() != larger.hexdigest()
