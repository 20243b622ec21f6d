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
_COMPACT = re.compile(r"((?:19|20)\d{6})(\d{4}|\d{6})?", re.ASCII)
"""A date, or a date and a clock's time, without anything between. Of counts only ms of 1976 have such digits."""
_NAMED_MONTH = re.compile(r"(?:(\d{1,2})-([a-z]{3})-(\d{4})|([a-z]{3}) (\d{1,2}), (\d{4}))(.*)", re.ASCII | re.I)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
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
END_YEAR = 2262
"""Times end before it: ns since the epoch do in 64 bits, and what reads later is another form of time."""
_END_S = int(datetime(END_YEAR, 1, 1, tzinfo=UTC).timestamp())
TIME_COUNTS = (
    TimeForm("s since the epoch", 10**8, _END_S, 10**6),
    TimeForm("ms since the epoch", 10**11, _END_S * 10**3, 10**3),
    TimeForm("µs since the epoch", 10**14, _END_S * 10**6, 1),
    TimeForm("ns since the epoch", 10**17, _END_S * 10**9, 0),
)
"""The ranges do not meet, so the size of a count tells its unit. ns: ``unit_us`` is 0."""
ALLOWED = f"a time after 1974 in s, ms, µs or ns since the epoch, before {END_YEAR}, or {ISO.name}"


def count_form(count: Decimal | int) -> TimeForm | None:
    """The form of counts of this size; None for one that no time from 1974 to 2261 has."""
    return next((form for form in TIME_COUNTS if form.low <= count < form.high), None)


def form_of(text: str) -> TimeForm:
    """How ``text`` writes its time. Raises ValueError that says what is allowed."""
    if not _COUNT.fullmatch(text) or is_compact(text):
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


def is_compact(text: str) -> bool:
    """Whether digits are a date, or a date and a time: 20190614, 201906141000 or 20190614100000."""
    found = _COMPACT.fullmatch(text)
    try:
        return found is not None and bool(datetime.fromisoformat(_spelled(found)))
    except ValueError:
        return False


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
    if compact := _COMPACT.fullmatch(plain):
        plain = _spelled(compact)
    elif other := _OTHER_DATE.fullmatch(plain):
        plain = f"{other[1]}-{other[2]:0>2}-{other[3]:0>2}{other[4]}"
    elif (named := _NAMED_MONTH.fullmatch(plain)) and (month := (named[2] or named[4]).lower()) in _MONTHS:
        year, day = named[3] or named[6], named[1] or named[5]
        plain = f"{year}-{_MONTHS.index(month) + 1:02}-{day:0>2}{named[7]}"
    try:
        if half := _HALF_DAY.fullmatch(plain):
            return datetime.strptime(" ".join(half.groups()), "%Y-%m-%d %I %p")  # noqa: DTZ007  # the caller's zone
        moment = datetime.fromisoformat(plain)
    except ValueError:
        raise ValueError(ISO.name) from None
    if moment.year >= END_YEAR:
        raise ValueError(f"{ISO.name}, before {END_YEAR}")
    return moment


def _spelled(compact: re.Match[str]) -> str:
    return compact[1] + (f"T{compact[2]}" if compact[2] else "")
