"""Moments as files and people write them: counts since the epoch, or dates and times by ISO 8601 and its everyday kin.

A count's size tells its unit. A time that names no zone is UTC, as Parquet has it, unless another zone is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT = re.compile(r"\d{1,20}(?:\.\d+)?", re.ASCII)
_COMPACT_DATE = re.compile(r"(?:19|20)\d{6}", re.ASCII)
_OTHER_DATE = re.compile(r"(\d{4})[./](\d{1,2})[./](\d{1,2})(.*)", re.ASCII)
_HALF_DAY = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d?)-([AP]M)", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d{1,6})?)?|\d{4}|\d{6}", re.ASCII)
_NAMED_UTC = re.compile(r" ?(?:UTC|GMT)$")


@dataclass(frozen=True, slots=True)
class TimeForm:
    """How a file writes times: as counts from ``low`` up to ``high`` of ``unit_us``; or, 0, as dates and times."""

    name: str
    low: int = 0
    high: int = 0
    unit_us: int = 0


ISO = TimeForm("a date or time by ISO 8601, e.g. 2019-10-17T09:00:00Z, 2019-10-17 09:00 or 2019-10-17")
TIME_COUNTS = (
    TimeForm("s since the epoch", 10**8, 10**11, 10**6),
    TimeForm("ms since the epoch", 10**11, 10**14, 10**3),
    TimeForm("µs since the epoch", 10**14, 10**17, 1),
    TimeForm("ns since the epoch", 10**17, 10**20, 0),
)
"""The ranges do not meet within the years 1974 to 5138, so the size of a count tells its unit. ns: ``unit_us`` is 0."""
ALLOWED = f"a time after 1974 in s, ms, µs or ns since the epoch, or {ISO.name}"


def count_form(count: Decimal | int) -> TimeForm | None:
    """The form of counts of this size; None for one that no time after 1974 has."""
    return next((form for form in TIME_COUNTS if form.low <= count < form.high), None)


def form_of(text: str) -> TimeForm:
    """How ``text`` writes its time. Raises ValueError that says what is allowed."""
    if not _COUNT.fullmatch(text) or _COMPACT_DATE.fullmatch(text):
        try:
            _read(text)
        except ValueError:
            raise ValueError(ALLOWED) from None
        return ISO
    form = count_form(Decimal(text))
    if form is None:
        raise ValueError(ALLOWED)
    return form


def time_us(text: str, form: TimeForm, zone: tzinfo = UTC) -> int:
    """µs since the epoch of a time in a form; ``zone``: of one that names none. Raises ValueError with the allowed."""
    if form is ISO:
        return iso_us(text, zone)
    if not _COUNT.fullmatch(text):
        raise ValueError(f"{form.name}, as in the rows before")
    count = int(text) if text.isdigit() else Decimal(text)
    if not form.low <= count < form.high:
        raise ValueError(f"{form.name}, as in the rows before")
    return int(count * form.unit_us) if form.unit_us else int(count // 1000)


def names_no_zone(text: str) -> bool:
    """Whether a date or time leaves open of which zone it is."""
    return _read(text).tzinfo is None


def is_clock(text: str) -> bool:
    """Whether this is a time of some day: 9:30, 09:30:00, 093000 or 0930."""
    return _CLOCK.fullmatch(text) is not None


def day_and_clock(day: str, clock: str) -> str:
    """The text of the moment that a date and a clock's time tell."""
    return f"{day} {'0' if clock[1:2] == ':' else ''}{clock}"


def iso_us(text: str, zone: tzinfo = UTC) -> int:
    """µs since the epoch of a date or time; ``zone``: of one that names none. Raises ValueError with the allowed."""
    moment = _read(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if moment.utcoffset() != moment.replace(fold=1).utcoffset():
            raise ValueError(f"a time that stands for one moment: the clocks of {zone} change there")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment_us(text: str) -> int:
    """µs since the epoch of a moment that a person typed, in any form. Raises ValueError that says what is allowed."""
    return time_us(text, form_of(text))


def zone_of(name: str) -> tzinfo:
    """The time zone of that name. Raises ValueError that says what is allowed."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"found {name!r}, allowed a name of the time zone database, e.g. UTC or Europe/Berlin"
        ) from None


def _read(text: str) -> datetime:
    """Raises ValueError with the allowed."""
    plain = _NAMED_UTC.sub("+00:00", text)
    if other := _OTHER_DATE.fullmatch(plain):
        plain = f"{other[1]}-{other[2]:0>2}-{other[3]:0>2}{other[4]}"
    try:
        if half := _HALF_DAY.fullmatch(plain):
            return datetime.strptime(" ".join(half.groups()), "%Y-%m-%d %I %p")  # noqa: DTZ007  # the caller's zone
        return datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(ISO.name) from None
