"""The stack in the foreground: `python -m tradewire.embedded --root DIR [--no-registry] [--redis]`.

Prints its endpoints as one line of JSON when everything serves, without the database's password, which is in
DIR/postgres/password; progress goes to standard error. Ends all servers at SIGINT, SIGTERM or the end of standard
input. A server that crashes is started again, RESTARTS_MAX times at most.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from tradewire.embedded.errors import StackError
from tradewire.embedded.jars import fetch
from tradewire.embedded.paths import DEFAULT_ROOT, StackPaths
from tradewire.embedded.progress import Step
from tradewire.embedded.stack import Stack
from tradewire.embedded.user_settings import shown

RESTARTS_MAX = 5
_TICK_S = 0.5


def main() -> int:
    """Run until told to stop; returns 0, or 1 after an error, which is printed."""
    options = _options()
    signal.signal(signal.SIGTERM, _interrupt)
    threading.Thread(target=_end_with_input, daemon=True).start()
    paths = StackPaths.under(options.root, jars=options.jars)
    stack = Stack(paths, registry=options.registry, redis=options.redis)
    try:
        fetch(paths, registry=options.registry, progress=_show)
        stack.start(_show)
        addresses = asdict(stack.endpoints)
        print(json.dumps({name: url and shown(url) for name, url in addresses.items()}), flush=True)
        _serve(stack)
    except StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        stack.stop(_show)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tradewire.embedded", description=__doc__)
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT, help="folder for data, logs and state")
    parser.add_argument("--jars", type=Path, help="folder for downloaded servers, shared by all stacks")
    parser.add_argument("--registry", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--redis", action="store_true")
    return parser.parse_args()


def _serve(stack: Stack) -> None:
    """Watch the servers until told to stop."""
    restarts = 0
    while True:
        threading.Event().wait(_TICK_S)  # between two looks
        for part in stack.dead():
            restarts += 1
            if restarts > RESTARTS_MAX:
                raise StackError(f"{part} ended again after {RESTARTS_MAX} restarts; see the logs")
            stack.restart(part, _show)


def _end_with_input() -> None:
    """Interrupt the main thread, whatever it is doing, when standard input ends."""
    while True:
        select.select([sys.stdin], [], [])
        if not os.read(sys.stdin.fileno(), 4096):
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _show(step: Step) -> None:
    share = "" if step.done_ratio is None else f" {step.done_ratio:4.0%}"
    took = "" if step.elapsed_s is None else f" {step.elapsed_s:.1f} s"
    print(f"{step.part}: {step.phase}{share}{took} {step.detail}".rstrip(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
