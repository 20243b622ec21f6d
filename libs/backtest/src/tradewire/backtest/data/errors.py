"""What is wrong with market data, said so that a person finds the place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tradewire.ports.errors import RetryableError, TradewireError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MarketDataError(TradewireError, ValueError):
    """A file, or with ``row`` (1-based, a header counted) a line of it, that research can't use.

    ``time_us`` is the row's open time (µs since the epoch, UTC) where it can be read.
    """

    def __init__(
        self,
        source: str,
        *,
        found: str,
        allowed: str,
        field: str = "content",
        row: int | None = None,
        time_us: int | None = None,
    ) -> None:
        where = [source]
        where += [f"row {row}"] if row is not None else []
        where += [iso_of(time_us)] if time_us is not None else []
        super().__init__(f"{', '.join(where)}: {field}: found {found}, allowed {allowed}")
        self.source, self.row, self.time_us = source, row, time_us
        self.field, self.found, self.allowed = field, found, allowed

    @property
    def about_option(self) -> bool:
        """Whether it is about the call, not about what a file holds."""
        return self.source.startswith("--") or self.field.startswith("--")


def iso_of(time_us: int) -> str:
    """The moment as ISO 8601 in UTC; beyond the calendar, its µs."""
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{time_us} µs"


class VenueAwayError(RetryableError):
    """A venue does not answer. ``hint``: what may help."""

    hint = "Is this machine on a network? `--base-url` names a mirror, `--archives` a folder of the venue's files."
