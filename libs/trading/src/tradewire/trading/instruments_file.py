"""Instruments as YAML text: how a recorded market may be traded. Shared by ingest and research."""

from __future__ import annotations

import yaml
from pydantic import ValidationError

from tradewire.ports.bounds import OutOfBoundsError, Violation, bracket_fault
from tradewire.ports.checks import CHECKS
from tradewire.ports.errors import FatalError
from tradewire.ports.events import InstrumentChanged, LeverageBracket


def parse_instruments(text: str, source: str, *, versions: bool = False) -> list[InstrumentChanged]:
    """The instruments of a file's text, in its order. Amounts are read as text, so never pass through a float.

    With ``versions`` an instrument may stand several times, each time in force from another ``valid_from_us``.
    Raises FatalError that names ``source``, instrument and field: the text is no YAML, a field is missing or wrong,
    an instrument (or version) stands twice, its brackets leave a hole or their maintenance amounts don't follow.
    """
    document = _document(text, source)
    entries = document.get("instruments")
    if not isinstance(entries, list) or not entries:
        raise FatalError(f"{source}: found no instruments, allowed a list of them under the key 'instruments'")
    instruments = [_instrument(entry, source) for entry in entries]
    seen: set[tuple[str, str, int]] = set()
    for instrument in instruments:
        key = instrument.venue, instrument.symbol, instrument.valid_from_us if versions else 0
        if key in seen:
            again = f" with valid_from_us {instrument.valid_from_us}" if versions else ""
            raise FatalError(f"{source}: {instrument.venue}:{instrument.symbol} stands twice{again}, allowed once")
        seen.add(key)
    return instruments


def parse_brackets(text: str, source: str) -> tuple[LeverageBracket, ...]:
    """The brackets that stand at the file's top, for venues that tell theirs to account holders only.

    Raises FatalError like ``parse_instruments``.
    """
    entries = _document(text, source).get("brackets")
    if not isinstance(entries, list):
        raise FatalError(f"{source}: found no brackets, allowed a list of them under the key 'brackets'")
    try:
        brackets = tuple(LeverageBracket.model_validate(entry) for entry in entries)
    except ValidationError as error:
        raise FatalError(f"{source}: brackets: {_first(error)}") from error
    fault = bracket_fault(brackets)
    if fault is not None:
        raise FatalError(f"{source}: {fault}")
    return brackets


def _document(text: str, source: str) -> dict[str, object]:
    try:
        # These loaders make nothing but text, lists and maps: numbers stay as they are written. The one in C takes a
        # tenth of the time, which thousands of instruments ask for.
        document = yaml.load(text, Loader=yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise FatalError(f"{source}: can't be read: {error}") from error
    return document if isinstance(document, dict) else {}


def _first(error: ValidationError) -> str:
    """Field, value and complaint of the first of a model's errors."""
    first = error.errors()[0]
    complaint = first["msg"].removeprefix("Value error, ")
    return f"{'.'.join(str(part) for part in first['loc'])}: found {first['input']!r}: {complaint}"


def _instrument(entry: object, source: str) -> InstrumentChanged:
    name = f"{entry.get('venue')}:{entry.get('symbol')}" if isinstance(entry, dict) else repr(entry)
    try:
        instrument = InstrumentChanged.model_validate(entry)
    except ValidationError as error:
        raise FatalError(f"{source}: {name}: {_first(error)}") from error
    for field in ("tick_size", "step_size", "min_qty"):
        if getattr(instrument, field) <= 0:
            raise FatalError(f"{source}: {name}: {field}: found {getattr(instrument, field)}, allowed > 0")
    try:
        CHECKS[InstrumentChanged](instrument)
    except OutOfBoundsError as error:
        raise FatalError(f"{source}: {name}: {Violation(error.field, error.found, error.allowed)}") from error
    return instrument
