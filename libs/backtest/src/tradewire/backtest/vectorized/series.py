"""Series kept between parameter sets, within a bound of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

_Value = TypeVar("_Value")

DEFAULT_CACHE_BYTES = 64 * 1024 * 1024
"""Room for some 2,700 series of 3,000 bars, or 8 of a million."""


class SeriesCache:
    """What was computed last and may be asked for again; the longest unused go first when the room is full."""

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._used_bytes = 0
        self._kept: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[_Value, int]]) -> _Value:
        """The value under ``key``, made (with its size in bytes) when it is not there. It must not be changed."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found[0]  # type: ignore[return-value]  # a key always holds what its maker made
        value, size_bytes = make()
        self._kept[key] = (value, size_bytes)
        self._used_bytes += size_bytes
        while self._used_bytes > self._room_bytes and len(self._kept) > 1:
            self._used_bytes -= self._kept.popitem(last=False)[1][1]
        return value
