"""Bar intervals: their names, lengths and buckets on the UTC time line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tradewire.ports.intervals import INTERVALS_US as _LENGTHS_US
from tradewire.ports.intervals import ORIGINS_US

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
YEAR_US = 365 * DAY_US
"""Crypto trades every day: 8,760 hourly bars a year."""

INTERVALS_US: Mapping[str, int] = MappingProxyType(_LENGTHS_US)
"""Length of each interval that a strategy may name, in µs."""


def interval_name(interval_us: int) -> str:
    """The interval's name, as `4h`. Raises ValueError when no interval has this length."""
    for name, length_us in INTERVALS_US.items():
        if length_us == interval_us:
            return name
    raise ValueError(f"no interval is {interval_us} µs long; allowed: {', '.join(INTERVALS_US)}")


def origin_us(interval_us: int) -> int:
    """Where the interval's grid starts: the epoch; for weeks, the Monday after it."""
    return ORIGINS_US["1w"] if interval_us == INTERVALS_US["1w"] else 0


def bars_per_year(interval_us: int) -> float:
    """Bars in a year of 365 days: 8,760 for 1 h."""
    return YEAR_US / interval_us
