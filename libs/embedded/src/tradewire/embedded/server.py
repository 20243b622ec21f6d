"""One server process under its keeper."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Protocol

from tradewire.embedded import keeper
from tradewire.embedded.errors import NotReadyError, ServerDiedError, StartCancelledError
from tradewire.embedded.patience import Patience, cpu_seconds
from tradewire.embedded.progress import Phase, Progress, Step
from tradewire.runtime.clock import SystemClock

TAIL_LINES = 20
_POLL_S = 0.1
_TAIL_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A system user that a server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Launch:
    """How a server is started and stopped. `grace_s` passes between its stop signal and SIGKILL.

    `quiet_s`: longest time for which it may start without using CPU or writing to its log; `Patience` says how long
    it may take in all.
    """

    argv: tuple[str, ...]
    folder: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 20.0
    quiet_s: float = 90.0
    account: SystemUser | None = None


class ServerPart(Protocol):
    """What the stack must know of a server."""

    name: str

    def prepare(self) -> None:
        """Make folders and settings, and format the data folder when it is new. Raises: StackError."""

    def launch(self) -> Launch:
        """The process to start."""

    def is_ready(self) -> bool:
        """Whether a client would be served now; asked again and again while the server starts."""

    def settle(self) -> None:
        """What is to be done once after each start, before anyone uses the server. Raises: StackError."""


class Server:
    """Starts, watches and ends one server. Not for use by several threads at once, but for `kill` and `alive`."""

    def __init__(self, part: ServerPart, *, root: Path) -> None:
        self.part = part
        self._root = root
        self._launch: Launch | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._keeper is not None and self._keeper.poll() is None

    @property
    def keeper_pid(self) -> int | None:
        """Process id of the keeper."""
        return None if self._keeper is None else self._keeper.pid

    def start(self) -> None:
        """Start the process; returns before it is ready.

        Raises: ServerDiedError when it could not even be started.
        """
        launch = self._launch = self.part.launch()
        launch.log.parent.mkdir(parents=True, exist_ok=True)
        self._keeper = subprocess.Popen(  # noqa: S603  our own interpreter and script
            _keeper_argv(launch, self._root),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **launch.environment},
            start_new_session=True,
        )
        assert self._keeper.stdout is not None, "standard output was asked for as a pipe"
        news = self._keeper.stdout.readline()
        if not news.startswith(b"started "):
            raise self._died(news)
        self.pid = int(news.split()[1])

    def wait_ready(self, *, cancelled: Event, progress: Progress) -> float:
        """Wait until the server serves; returns the seconds since the call.

        Raises: ServerDiedError, NotReadyError when nothing moves or all takes too long, StartCancelledError when
        `cancelled` is set.
        """
        assert self._launch is not None, "a server is started before it is waited for"
        clock = SystemClock()
        began_s = clock.monotonic_s()
        told_s, patience = 0, Patience(self._launch.quiet_s, clock)
        while True:
            if not self.alive:
                raise self._died()
            ready = self.part.is_ready()
            elapsed_s = clock.monotonic_s() - began_s
            if ready:
                return elapsed_s
            if patience.is_over((cpu_seconds(self.pid), _size(self._launch.log))):
                raise NotReadyError(
                    self.part.name, waited_s=elapsed_s, log=self._launch.log, tail=tail(self._launch.log)
                )
            if int(elapsed_s) > told_s:
                told_s = int(elapsed_s)
                progress(Step(self.part.name, Phase.START, "waiting for it to answer", elapsed_s=elapsed_s))
            if cancelled.wait(_POLL_S):
                raise StartCancelledError(f"the start of {self.part.name} was given up")

    def stop(self) -> None:
        """End the server by its stop signal and wait until nothing of it is left."""
        self._order(b"stop\n")
        self._wait()

    def kill(self) -> None:
        """SIGKILL the server, as a crash would, and wait until nothing of it is left."""
        self._order(b"kill\n")
        self._wait()

    def _order(self, order: bytes) -> None:
        if self.alive and self._keeper is not None and self._keeper.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.write(order)
                self._keeper.stdin.flush()

    def _wait(self) -> None:
        if self._keeper is None or self._launch is None:
            return
        try:
            self._keeper.wait(timeout=2 * self._launch.grace_s + 10.0)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self.pid = None

    def _died(self, news: bytes = b"") -> ServerDiedError:
        assert self._keeper is not None, "only a started server can die"
        assert self._keeper.stdout is not None, "standard output was asked for as a pipe"
        assert self._launch is not None, "only a started server can die"
        words = (news + self._keeper.stdout.read()).split()
        code = int(words[1]) if words[:1] == [b"exited"] else None
        self._wait()
        return ServerDiedError(self.part.name, code=code, log=self._launch.log, tail=tail(self._launch.log))


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def tail(log: Path, *, lines: int = TAIL_LINES) -> str:
    """The last lines of a log, for an error message; says so when there is none."""
    try:
        with log.open("rb") as content:
            content.seek(0, os.SEEK_END)
            content.seek(max(0, content.tell() - _TAIL_BYTES))
            text = content.read().decode(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:]) or "(the log is empty)"


def _keeper_argv(launch: Launch, root: Path) -> list[str]:
    argv = [sys.executable, "-I", "-S", keeper.__file__, "--root", str(root), "--log", str(launch.log)]
    argv += ["--folder", str(launch.folder), "--signal", str(int(launch.stop_signal))]
    argv += ["--grace-s", str(launch.grace_s)]
    if launch.account is not None:
        argv += ["--uid", str(launch.account.uid), "--gid", str(launch.account.gid)]
    return [*argv, "--", *launch.argv]
