"""Entry point of the console script: runs a command and turns its end into an exit code."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from tradewire.runtime.secret_files import take_files


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Faults of the program itself keep their traceback.

    Parameters: argv: words after the program's name; None: the process's own.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.CRITICAL)
    with _ended_by_interrupt():  # the imports take a second, and have nothing to clean up
        from tradewire.app.cli.interrupts import InterruptedRunError
        from tradewire.app.cli.on_demand import app_for
        from tradewire.app.cli.output import Exit, code_of, err, show_error

        app = app_for(words)
    try:
        take_files(os.environ)  # options, and the processes that a command starts, read the settings there
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


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Within it Ctrl-C ends the process at once and without a traceback, as the system does by default."""
    before = signal.getsignal(signal.SIGINT)
    with suppress(ValueError):  # signals belong to the main thread
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGINT, before)
