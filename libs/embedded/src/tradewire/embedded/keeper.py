"""Keeps one server: starts it, and ends it when told to or when whoever started the keeper is gone.

A program of its own, run on the bare interpreter (`python -I -S keeper.py …`), so it uses the standard library alone.
Orders come as lines on standard input, news goes as lines to standard output:

    <- stop             end the server with its stop signal, and with SIGKILL when the grace time is over
    <- kill             SIGKILL at once
    <- (end of file)    as stop: the parent exited or was killed
    -> started PID
    -> exited CODE      negative: by that signal

The keeper exits only when the server and all that it left behind are gone. Should the keeper itself be killed, the
kernel kills the server (Linux; elsewhere the next start finds it through stack.json).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOG_BYTES_MAX = 16 * 1024 * 1024
_TICK_S = 1.0
_ON_LINUX = sys.platform == "linux"


def main() -> int:
    """Keep the server named on the command line until it has ended; returns 0."""
    options = _options()
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    with _open_log(options.log) as log:
        signals = _listen_to_signals()
        try:
            server = _start(options, log)
        except OSError as error:
            log.write(f"can't start {options.command[0]}: {error}\n".encode())
            _say("exited 127")
            return 0
        _say(f"started {server.pid}")
        code = _watch(server, options, signals)
        _reap_rest(options.grace_s)
        _say(f"exited {code}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--grace-s", type=float, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab", buffering=0)


def _listen_to_signals() -> int:
    """Turn SIGCHLD, SIGTERM and SIGINT into bytes on a pipe, which `select` can wait for."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return reading


def _start(options: argparse.Namespace, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  the command comes from the stack itself
        options.command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=options.folder,
        user=options.uid,
        group=options.gid,
        extra_groups=[] if options.gid is not None else None,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  this process has one thread
    )


def _die_with(keeper: int) -> Callable[[], None]:
    def ask_kernel() -> None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)

    return ask_kernel


def _prctl(option: int, value: int) -> None:
    if _ON_LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _watch(server: subprocess.Popen[bytes], options: argparse.Namespace, signals: int) -> int:
    parent = os.getppid()
    inputs = [sys.stdin.fileno(), signals]
    kill_at: float | None = None
    while (code := server.poll()) is None:
        ready, _, _ = select.select(inputs, [], [], _TICK_S)
        order = b""
        if signals in ready:
            ends = {signal.SIGTERM, signal.SIGINT}.intersection(os.read(signals, 64))
            order = b"stop" if ends else b""
        if sys.stdin.fileno() in ready:
            order = os.read(sys.stdin.fileno(), 64)
            if not order:
                inputs.remove(sys.stdin.fileno())
                order = b"stop"
        if b"kill" in order:
            server.kill()
        elif kill_at is None and (b"stop" in order or os.getppid() != parent):
            server.send_signal(options.signal)
            kill_at = time.monotonic() + options.grace_s
        elif kill_at is not None and time.monotonic() > kill_at:
            server.kill()
    return code


def _reap_rest(grace_s: float) -> None:
    """Wait for processes that the server left behind (PostgreSQL's backends), and end those that stay."""
    kill_at = time.monotonic() + grace_s
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            continue
        if time.monotonic() > kill_at and children.exists():
            for child in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
        time.sleep(0.02)


def _say(line: str) -> None:
    """Tell the parent; it may be gone."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
