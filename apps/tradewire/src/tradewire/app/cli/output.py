"""How commands speak: results on stdout, progress and errors on stderr, exit codes that scripts can use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any, NoReturn, TypeVar

import typer
from rich.console import Console

from tradewire.app.stack import StackError
from tradewire.ports.errors import RetryableError, TradewireError
from tradewire.trading.language import StrategyErrors

T = TypeVar("T")

EXIT_CODES = "Exit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 servers not reachable, 130 interrupted."
out = Console()
err = Console(stderr=True)


class Exit(IntEnum):
    """What a command's end means."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


def fail(message: str, code: Exit = Exit.REFUSED) -> NoReturn:
    """End with an error in words."""
    err.print(f"[bold red]error[/] {message}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(document, indent=2, default=str))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine; expected failures end in words, not tracebacks."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        err.print("interrupted; everything was stopped")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except StrategyErrors as errors:
        fail("\n".join(strategy_fault(fault) for fault in errors.errors))
    except RetryableError as error:
        fail(f"{error}\nIs the platform running? `tradewire status` tells.", Exit.UNREACHABLE)
    except (StackError, TradewireError) as error:
        fail(str(error))


def strategy_fault(fault: Any) -> str:
    """One finding of the language, with its place and what was probably meant."""
    hint = f" (did you mean {fault.suggestion!r}?)" if fault.suggestion else ""
    return f"line {fault.line}, column {fault.column}: {fault.message}{hint}"
