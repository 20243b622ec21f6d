"""States by key that nobody can change unseen: taking one out to work on it is what marks it for writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Tracked(Generic[K, V]):
    """A dictionary that remembers which of its values were handed out since it was last asked.

    A value is mutable, so whoever gets it may change it: there is no flag to set, and so none to forget. ``peek`` and
    ``known`` are for those that only look.
    """

    def __init__(self) -> None:
        self._states: dict[K, V] = {}
        self._touched: dict[K, None] = {}

    def __len__(self) -> int:
        return len(self._states)

    def __contains__(self, key: K) -> bool:
        return key in self._states

    def __getitem__(self, key: K) -> V:
        state = self._states[key]
        self._touched[key] = None
        return state

    def __setitem__(self, key: K, state: V) -> None:
        self._states[key] = state
        self._touched[key] = None

    def get(self, key: K) -> V | None:
        """The value to work on, if there is one."""
        return self[key] if key in self._states else None

    def values(self) -> Iterator[V]:
        """Every value to work on, as it is reached; keys may be added and taken out meanwhile."""
        for key in list(self._states):
            if key in self._states:
                yield self[key]

    def restore(self, key: K, state: V) -> None:
        """Put a value in as it was written."""
        self._states[key] = state
        self._touched.pop(key, None)

    def pop(self, key: K) -> V:
        """Take a value out for good."""
        self._touched.pop(key, None)
        return self._states.pop(key)

    def known(self, key: K) -> V | None:
        """A value to look at."""
        return self._states.get(key)

    def peek(self) -> Mapping[K, V]:
        """All values to look at."""
        return self._states

    def touched(self) -> list[tuple[K, V]]:
        """What was handed out since last asked, and so may have changed."""
        touched, self._touched = self._touched, {}
        return [(key, self._states[key]) for key in touched]
