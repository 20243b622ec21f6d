"""How a command ends: exit codes, the one JSON document, and errors that say what to do."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from tradewire.ports.errors import TradewireError


class ExitCode(IntEnum):
    """What a command's exit code means; the same for every command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    FAILED = 4
    INTERRUPTED = 130


EXIT_CODES = (
    "Exit codes: 0 done · 1 refused, or the answer is no · 2 wrong usage · 3 platform not reachable · "
    "4 could not be done (the message says why) · 130 interrupted."
)


class CommandError(TradewireError):
    """An expected failure of a command; ``code`` is the process's exit code."""

    code = ExitCode.FAILED


class RefusedError(CommandError):
    """The answer is no."""

    code = ExitCode.REFUSED


class UsageError(CommandError):
    """The command was asked in a way that makes no sense."""

    code = ExitCode.USAGE


class UnreachableError(CommandError):
    """No platform answers."""

    code = ExitCode.UNREACHABLE


def plain(value: object) -> Any:
    """A value as JSON has it: decimals as text, so that no digit is lost."""
    match value:
        case None | bool() | int() | float() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return value.value
        case Decimal():
            return f"{value:f}"
        case Path():
            return str(value)
        case bytes():
            return value.hex()
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


class Terminal:
    """Where a command writes: its answer on stdout, everything else on stderr."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.answer = Console(file=sys.stdout, highlight=False, soft_wrap=False)
        self.notes = Console(file=sys.stderr, highlight=False, soft_wrap=False)

    def document(self, value: object) -> None:
        """The answer as one JSON document."""
        sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def line(self, text: str, style: str | None = None) -> None:
        """One line of the answer, written as it is: never wrapped, never read as markup."""
        self.answer.print(text, style=style, markup=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """One line for the person at the terminal, beside the answer."""
        self.notes.print(text, markup=False, soft_wrap=True, style="dim")


def show_error(message: str, *, code: int, as_json: bool) -> None:
    """Report a failure: in red on stderr, and as the JSON document when one was asked for."""
    if as_json:
        Terminal(as_json=True).document({"error": message, "exit_code": code})
    Console(file=sys.stderr, highlight=False).print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)
