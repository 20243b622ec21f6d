"""Points in time as people type and read them: UTC, microseconds inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tradewire.app.cli.output import Exit, fail
from tradewire.trading.times import moment_us

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def moment(text: str) -> int:
    """µs since the epoch of what was typed; a time without a zone is UTC. Raises CommandError."""
    try:
        return moment_us(text.strip())
    except ValueError as error:
        fail(f"found time {text!r}; allowed: {error}", Exit.USAGE)


def iso(time_us: int) -> str:
    """UTC to the second, with the fraction where there is one: 2019-01-05T10:00:00Z; what is no time, as its number."""
    try:
        return (EPOCH + time_us * MICROSECOND).isoformat().replace("+00:00", "Z")
    except OverflowError:  # outside of the years 1 to 9999: somebody counted in another unit
        return f"no time ({time_us} µs)"


def ago(time_us: int | None, now_us: int) -> str:
    """How long ago, in the largest unit that fits."""
    if time_us is None:
        return "never"
    return span((now_us - time_us) / 1e6) + " ago"


def span(seconds: float) -> str:
    """A duration in the largest unit that fits."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
