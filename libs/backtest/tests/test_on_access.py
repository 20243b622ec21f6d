"""A sequence made on access can't be told from the tuple of its items, but for when they are made."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

from tradewire.backtest.on_access import MadeOnAccess, MadeOnce


def squares(calls: list[int]) -> MadeOnAccess[int]:
    def make() -> Iterator[int]:
        calls.append(1)
        yield from (0, 1, 4, 9)

    return MadeOnAccess(4, make)


def test_items_are_made_once_and_not_for_the_length() -> None:
    calls: list[int] = []
    found = squares(calls)
    assert len(found) == 4
    assert found
    assert not calls
    assert [found[2], found[-1], *found] == [4, 9, 0, 1, 4, 9]
    assert found[1:3] == (1, 4)
    assert 9 in found
    assert found.index(4) == 2
    assert len(calls) == 1


def test_it_equals_the_tuple_of_its_items() -> None:
    found, items = squares([]), (0, 1, 4, 9)
    assert found == items
    assert items == found
    assert found == squares([])
    assert found != (0, 1, 4)
    assert found != [0, 1, 4, 9]
    assert hash(found) == hash(items)
    assert repr(found) == repr(items)
    assert pickle.loads(pickle.dumps(found)) == items


def test_a_value_is_made_once_and_pickled_with_it() -> None:
    made = iter((1, 2))
    value = MadeOnce(lambda: next(made))

    assert (value(), value()) == (1, 1)
    assert pickle.loads(pickle.dumps(value))() == 1
    assert MadeOnce.of("there")() == "there"
