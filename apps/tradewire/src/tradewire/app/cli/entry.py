"""Entry point of the console script: runs a command and turns its end into an exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import typer

from tradewire.app.cli import on_duty
from tradewire.app.cli.interrupts import InterruptedRunError
from tradewire.app.cli.output import Exit, code_of, err, show_error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Faults of the program itself keep their traceback.

    Parameters: argv: words after the program's name; None: the process's own.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.CRITICAL)
    try:
        app = on_duty.app if on_duty.is_asked_for(words) else _every_command()
        ended = app(words, prog_name="tradewire", standalone_mode="--json" not in words)  # else it prints usage itself
        return ended if isinstance(ended, int) else Exit.DONE
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else Exit.DONE
    except InterruptedRunError as interrupted:
        err.print("interrupted; everything was stopped")
        return interrupted.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        show_error(error, code, as_json="--json" in words)
        return code


def _every_command() -> typer.Typer:
    """The whole application. It loads research, too, for which a kill switch has no time."""
    from tradewire.app.cli.commands import app

    return app
