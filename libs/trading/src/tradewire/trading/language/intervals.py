"""Bar intervals: their names, lengths and buckets on the UTC time line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
YEAR_US = 365 * DAY_US
"""Crypto trades every day: 8,760 hourly bars a year."""

INTERVALS_US: Mapping[str, int] = MappingProxyType(
    {
        "1m": MINUTE_US,
        "3m": 3 * MINUTE_US,
        "5m": 5 * MINUTE_US,
        "15m": 15 * MINUTE_US,
        "30m": 30 * MINUTE_US,
        "1h": HOUR_US,
        "2h": 2 * HOUR_US,
        "4h": 4 * HOUR_US,
        "6h": 6 * HOUR_US,
        "8h": 8 * HOUR_US,
        "12h": 12 * HOUR_US,
        "1d": DAY_US,
        "3d": 3 * DAY_US,
        "1w": 7 * DAY_US,
    }
)
"""Length of each interval that a strategy may name, in µs."""

_WEEK_ORIGIN_US = 4 * DAY_US
"""1970-01-05, the first Monday after the epoch: venues' weekly candles open on Mondays."""


def interval_name(interval_us: int) -> str:
    """The interval's name, as `4h`. Raises ValueError when no interval has this length."""
    for name, length_us in INTERVALS_US.items():
        if length_us == interval_us:
            return name
    raise ValueError(f"no interval is {interval_us} µs long; allowed: {', '.join(INTERVALS_US)}")


def origin_us(interval_us: int) -> int:
    """Where the interval's grid starts: the epoch; for weeks, the Monday after it."""
    return _WEEK_ORIGIN_US if interval_us == INTERVALS_US["1w"] else 0


def bars_per_year(interval_us: int) -> float:
    """Bars in a year of 365 days: 8,760 for 1 h."""
    return YEAR_US / interval_us
