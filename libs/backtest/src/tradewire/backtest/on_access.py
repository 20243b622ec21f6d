"""Sequences whose items, and values that are made when one is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

Item = TypeVar("Item", covariant=True)
Value = TypeVar("Value")


class MadeOnAccess(Sequence[Item]):
    """A sequence of known length, equal to the tuple of its items, which are all made at the first access to one.

    For results whose numbers are held in columns: objects are made for those who look at them. Pickled as the tuple.
    """

    __slots__ = ("_items", "_length", "_make")

    def __init__(self, length: int, make: Callable[[], Iterable[Item]]) -> None:
        """``make`` gives ``length`` items, always the same."""
        self._length = length
        self._make: Callable[[], Iterable[Item]] | None = make
        self._items: tuple[Item, ...] = ()

    def _made(self) -> tuple[Item, ...]:
        if self._make is not None:
            self._items, self._make = tuple(self._make()), None  # what they are made of may be large: it is let go
            assert len(self._items) == self._length, "a length is told before its items are made"
        return self._items

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self._made()[index]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._made())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, MadeOnAccess):
            return self._made() == other._made()
        return self._made() == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._made())

    def __repr__(self) -> str:
        return repr(self._made())

    def __reduce__(self) -> tuple[type[tuple[object, ...]], tuple[tuple[Item, ...]]]:
        return tuple, (self._made(),)


class MadeOnce(Generic[Value]):
    """A value that is made at the first call, and given at every one. Pickled with the value."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], Value]) -> None:
        self._make: Callable[[], Value] | None = make
        self._made: tuple[Value] | None = None

    def __call__(self) -> Value:
        if self._make is not None:
            self._made, self._make = (self._make(),), None
        assert self._made is not None, "made or there from the start"
        return self._made[0]

    @classmethod
    def of(cls, value: Value) -> MadeOnce[Value]:
        """A value that is there."""
        return cls(lambda: value)

    def __reduce__(self) -> tuple[Callable[[Value], MadeOnce[Value]], tuple[Value]]:
        return type(self).of, (self(),)
