"""Instruments from a YAML file on disk; what its text means is the trading library's."""

from __future__ import annotations

from pathlib import Path

from tradewire.ports.errors import FatalError
from tradewire.ports.events import InstrumentChanged, LeverageBracket
from tradewire.trading.instruments_file import parse_brackets, parse_instruments


def read_instruments(path: Path) -> list[InstrumentChanged]:
    """As ``parse_instruments``; raises FatalError also when the file can't be read."""
    return parse_instruments(_text(path), str(path))


def read_brackets(path: Path) -> tuple[LeverageBracket, ...]:
    """As ``parse_brackets``; raises FatalError also when the file can't be read."""
    return parse_brackets(_text(path), str(path))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FatalError(f"{path}: can't be read: {error}") from error
