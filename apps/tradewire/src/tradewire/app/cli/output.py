"""How commands speak: results on stdout, progress and errors on stderr, exit codes that scripts can use."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from decimal import Context, Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape

from tradewire.app.cli.interrupts import run_until_told
from tradewire.ports.errors import ContractViolationError, RetryableError, TradewireError

T = TypeVar("T")
UsageError: Any = typer.BadParameter.__base__
"""A word that typer itself refuses; it has no public name there."""

EXIT_CODES = (
    "Exit codes: 0 done · 1 refused, not found, or the answer is no · 2 wrong usage · 3 platform not reachable · "
    "4 could not be done, for the reason given · 130 interrupted."
)
EXACT = Context(prec=60)
"""More digits than the wire's 38: normalising never rounds."""
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Exit(IntEnum):
    """What a command's end means."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    FAILED = 4
    INTERRUPTED = 130


class CommandError(TradewireError):
    """An expected failure; its text is for the person at the terminal."""

    def __init__(self, message: str, code: Exit = Exit.REFUSED) -> None:
        super().__init__(message)
        self.code = code


def fail(message: str, code: Exit = Exit.REFUSED) -> NoReturn:
    """End the command with an error in words."""
    raise CommandError(message, code)


def code_of(error: BaseException) -> Exit | None:
    """Exit code of an expected failure; None for a fault of the program, which keeps its traceback."""
    match error:
        case CommandError():
            return error.code
        case RetryableError():
            return Exit.UNREACHABLE
        case UsageError():
            return Exit.USAGE
        case _:
            return _code_of_part(error)


def _code_of_part(error: BaseException) -> Exit | None:
    """The same of a failure that one part of the platform raises; loaded only now: commands must start at once."""
    from tradewire.backtest.data import MarketDataError
    from tradewire.embedded import StackError
    from tradewire.trading.language import StrategyErrors

    match error:
        case StackError() | OSError():  # the system's refusals: no room, no permission, a folder in the way
            return Exit.FAILED
        case MarketDataError() if error.about_option:
            return Exit.USAGE
        case ContractViolationError() | TradewireError() | StrategyErrors():
            return Exit.REFUSED
        case _:
            return None


def show_error(error: BaseException, code: int, *, as_json: bool) -> None:
    """Say what went wrong: on stderr, and as the JSON document where one was asked for."""
    text = _words(error)
    if as_json:
        print_json({"error": text, "exit_code": code})
    if isinstance(error, RetryableError):
        text += "\n" + getattr(error, "hint", "Is the platform running? `tradewire status` tells.")
    err.print(f"[bold red]error[/] {escape(text)}", soft_wrap=True)


def _words(error: BaseException) -> str:
    """What an expected failure says."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return error.format_message() if isinstance(error, UsageError) else str(error)


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a command's coroutine; Ctrl-C and SIGTERM end it in order."""
    return run_until_told(work, told)


def told(count: int) -> None:
    """Answer Ctrl-C."""
    err.print("stopping; nothing stays behind" if count == 1 else "still stopping: it takes a few seconds")


def number(value: Decimal) -> str:
    """An exact amount without the zeros behind it."""
    return f"{value.normalize(EXACT):f}" if value else "0"


def plain(value: Any) -> Any:
    """A value as JSON has it. Decimals are text, so that no digit is lost."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return number(value)
        case Path():
            return str(value)
        case bytes():
            return value.hex()
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case Mapping():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(plain(document), indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """A remark beside the answer, on stderr."""
    err.print(text, markup=False, soft_wrap=True)


def say_warnings(path: Path, warnings: Iterable[object]) -> None:
    """What a strategy file is warned of, beside the answer."""
    for warning in warnings:
        say(f"{path}: warning: {warning}")


def tell(text: str = "", style: str | None = None) -> None:
    """A line of the answer, never wrapped and never read as markup."""
    out.print(text, style=style, markup=False, soft_wrap=True)
