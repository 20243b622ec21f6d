"""Maps of names to numbers, the bulk of a snapshot: names that are the same from bar to bar are not parsed again.

What lies between the numbers (sizes, names, union branches) is kept as a layout. A map that has a known layout is read
or written by one call of ``struct``; any other one entry at a time, and its layout is kept for the next.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from tradewire.runtime.codec.varints import SIZES, read_long, varint

LAYOUTS_MAX = 1024
"""Layouts kept per field; one more and all are learnt anew."""
Numbers = dict[str, float | None]
_DOUBLE = struct.Struct("<d")
_NULL, _NUMBER, _END = b"\x00", b"\x02", b"\x00"


@dataclass(frozen=True, slots=True)
class MapLayout:
    """All of a map's bytes but its numbers. ``names``: of all entries; ``numbered``: of those that are not null."""

    between: tuple[bytes, ...]
    names: tuple[str, ...]
    numbered: tuple[str, ...]
    form: struct.Struct

    @classmethod
    def of(cls, numbers: Mapping[str, float | None], *, nullable: bool) -> MapLayout:
        """The layout of one map."""
        between, waiting = [], bytearray(SIZES[len(numbers)] if numbers else b"")
        for name, number in numbers.items():
            text = name.encode()
            waiting += varint(len(text)) + text
            if number is None:
                waiting += _NULL
                continue
            waiting += _NUMBER if nullable else b""
            between.append(bytes(waiting))
            waiting.clear()
        between.append(bytes(waiting) + _END)
        form = struct.Struct("<" + "d".join(f"{len(part)}s" for part in between))
        numbered = tuple(name for name, number in numbers.items() if number is not None)
        return cls(tuple(between), tuple(numbers), numbered, form)


def map_reader(*, nullable: bool) -> Callable[[bytes, int], tuple[Numbers, int]]:
    """Reader of one field: the map at a place, and where the next thing starts. It raises for what is not finite."""
    layouts: dict[tuple[int, bytes], MapLayout] = {}

    def read(value: bytes, start: int) -> tuple[Numbers, int]:
        # Maps that begin alike, as far as no number may stand there, and have the same length behind them nearly
        # always are alike; one that is not is read by entry.
        key = (len(value) - start, value[start : start + 3])
        layout = layouts.get(key)
        if layout is not None and len(value) - start >= layout.form.size:
            parts = layout.form.unpack_from(value, start)
            if parts[::2] == layout.between:
                return _numbers(layout, parts[1::2]), start + layout.form.size
        numbers, end = _entries(value, start, nullable=nullable)
        if len(layouts) >= LAYOUTS_MAX:
            layouts.clear()
        layouts[key] = MapLayout.of(numbers, nullable=nullable)
        return numbers, end

    return read


def _numbers(layout: MapLayout, numbers: tuple[float, ...]) -> Numbers:
    total = sum(numbers)
    if total - total != 0.0:  # some number, or the sum alone, is infinite or none
        _check(numbers)
    if len(layout.names) == len(layout.numbered):
        return dict(zip(layout.names, numbers, strict=True))
    found: Numbers = dict.fromkeys(layout.names)
    found.update(zip(layout.numbered, numbers, strict=True))
    return found


def _check(numbers: tuple[float, ...]) -> None:
    if not all(map(isfinite, numbers)):
        raise ValueError(f"numbers that are not finite: {numbers}")


def _entries(value: bytes, start: int, *, nullable: bool) -> tuple[Numbers, int]:
    """The map at ``start``, entry by entry."""
    found: Numbers = {}
    count, place = read_long(value, start)
    while count:
        if count < 0:
            raise ValueError("a block with its size")  # legal, and written by nobody here
        for _ in range(count):
            size, place = read_long(value, place)
            if size < 0:
                raise ValueError(f"a name of {size} bytes")
            name = value[place : place + size].decode()
            place += size
            branch = 1
            if nullable:
                branch, place = read_long(value, place)
            found[name] = None
            if branch:
                if branch != 1:
                    raise ValueError(f"branch {branch} of null and double")
                (found[name],) = number = _DOUBLE.unpack_from(value, place)
                _check(number)
                place += _DOUBLE.size
        count, place = read_long(value, place)
    return found, place


def map_writer(*, nullable: bool) -> Callable[[Numbers], bytes]:
    """Writer of one field."""
    layouts: dict[tuple[object, ...], MapLayout] = {}

    def write(numbers: Numbers) -> bytes:
        given: list[float | None] = list(numbers.values())
        key: tuple[object, ...] = tuple(numbers)
        if None in given:  # while indicators warm up
            if not nullable:
                raise TypeError(f"null among {numbers}")
            key = (key, tuple([number is None for number in given]))
            given = [number for number in given if number is not None]
        layout = layouts.get(key)
        if layout is None:
            if len(layouts) >= LAYOUTS_MAX:
                layouts.clear()
            layout = layouts[key] = MapLayout.of(numbers, nullable=nullable)
        return _written(layout, given)

    return write


def _written(layout: MapLayout, numbers: list[float | None]) -> bytes:
    parts: list[bytes | float | None] = [None] * (2 * len(numbers) + 1)
    parts[::2], parts[1::2] = layout.between, numbers
    return layout.form.pack(*parts)
