"""The six services and the views as processes of this machine: started, watched, killed, stopped."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tradewire.embedded.freezing import freeze, thaw
from tradewire.embedded.paths import full_disk_hint
from tradewire.embedded.patience import Patience, cpu_seconds
from tradewire.embedded.process_mark import ProcessMark
from tradewire.ports import topics
from tradewire.ports.clock import ClockPort
from tradewire.ports.errors import TradewireError
from tradewire.runtime.clock import SystemClock

SERVICES = topics.SERVICES
VIEWS = "telemetry-views"
"""The windowed views: telemetry's second process, on faust."""
MONOLITH = "monolith"
"""All six services in one process."""
WEB = "web"
"""The dashboard: pages, and the state API beside them."""
MODULES = {name: f"tradewire.{name}" for name in SERVICES} | {
    VIEWS: "tradewire.telemetry.adapters.views",
    MONOLITH: "tradewire.app.operating.monolith_process",
    WEB: "tradewire.app.web",
}
"""What each process runs."""
STOP_SECONDS = 25.0
QUIET_SECONDS = 120.0
"""Longest time for which a service may start without a sign of work."""
CPU_STEP_SECONDS = 10
"""CPU that is a sign of work. A service that only waits and is asked how it is uses about 1 s in 120 s."""
STARTS_MAX = 3
"""How often a service that ends by itself may start while it is waited for."""
LOG_TAIL_LINES = 15
WHY_CHARACTERS_MAX = 500
LOG_FOLDER, OUTPUT = "TRADEWIRE_LOG_FOLDER", "output.txt"
PR_SET_PDEATHSIG = 1


class ServiceDiedError(TradewireError):
    """A service ended by itself."""


def _die_with_parent() -> None:
    """Linux: a service never outlives the command that started it, even one that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class ServiceProcess:
    """An instance of a service as a child process.

    It writes rotated files, one per module, to the folder ``<name>`` in ``logs``, or in TRADEWIRE_LOG_FOLDER.
    What it prints beside that, as Python does when it can't begin, goes to ``<logs>/<name>/output.txt``.

    The first instance is called as its service and is a static member of its group; further ones, ``risk-1`` and so
    on, are dynamic members, so that the group is rebalanced as they come and go.
    """

    def __init__(self, service: str, environment: Mapping[str, str], logs: Path, *, instance: int = 0) -> None:
        self.service, self._environment, self._logs = service, environment, logs
        self.name = f"{service}-{instance}" if instance else service
        self._membership = {} if instance else {"TRADEWIRE_MEMBER": f"{service}-0"}
        self._process: subprocess.Popen[bytes] | None = None
        self._port_file = logs / f"{self.name}.port"
        self.log_folder = Path(environment.get(LOG_FOLDER) or os.environ.get(LOG_FOLDER) or logs) / self.name
        self._output = logs / self.name / OUTPUT
        self.starts = 0
        self._port = 0

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self.running and self._process is not None else None

    @property
    def running(self) -> bool:
        """Has it been started and not ended?"""
        return self._process is not None and self._process.poll() is None

    @property
    def frozen(self) -> bool:
        """Does it run and do nothing, since a signal stopped it (SIGSTOP)?"""
        return self.pid is not None and ProcessMark.of(self.pid).is_stopped()

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs, and before its first start."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start it (again), on the port that it had before, if nobody else took that."""
        port = self._port_before()
        self._port_file.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "TRADEWIRE_HTTP_PORT": str(port),
            "TRADEWIRE_HTTP_PORT_FILE": str(self._port_file),
            **self._membership,
            **self._environment,
            LOG_FOLDER: str(self.log_folder),
        }
        self._output.parent.mkdir(parents=True, exist_ok=True)
        with self._output.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and module)
                [sys.executable, "-m", MODULES[self.service]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (no threads touch what it calls)
            )
        self.starts += 1

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP: it does nothing more, and its servers are not told; nothing happens once it has ended."""
        if self.pid is not None:
            freeze(self.pid)

    def thaw(self) -> None:
        """SIGCONT: a frozen one goes on where it was."""
        if self.pid is not None:
            thaw(self.pid)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if it does not end in time; a frozen one goes on first."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        self.thaw()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def moved(self, report: Mapping[str, Any] | None) -> object:
        """What changes while it starts: the CPU that it uses and, where it tells, its phase and what it waits for."""
        if report is None:
            return self.pid, cpu_seconds(self.pid)
        services: Any = report.get("services")
        parts = services.values() if isinstance(services, dict) else [report]
        told = [(part.get("phase"), [wait.get("reason") for wait in part.get("unready", ())]) for part in parts]
        return cpu_seconds(self.pid) // CPU_STEP_SECONDS, told

    def check(self) -> None:
        """Raise ServiceDiedError with its last words if it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            code = self._process.returncode
            raise ServiceDiedError(
                f"{self.name} ended with exit code {code}; {full_disk_hint(self._logs)}"
                f"the end of {self.log_folder}:\n{self.tail()}"
            )

    def tail(self) -> str:
        """The last lines of its logs by time, and of what it printed beside them."""
        lines = [line for path in self.log_folder.glob("*.log") for line in _end_of(path)]
        return "\n".join([*sorted(lines)[-LOG_TAIL_LINES:], *_end_of(self._output)])

    def why_ended(self) -> str:
        """How it ended, and why as its log says; empty while it runs."""
        code = self.exit_code
        if code is None:
            return ""
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        crashes = [line for path in self.log_folder.glob("*.log") for line in _end_of(path) if '"crashed"' in line]
        why = _message(max(crashes, default="")) or next(iter(_end_of(self._output)[-1:]), "")
        return f"ended with exit code {code}: {why[:WHY_CHARACTERS_MAX] or 'see its log'}"

    @property
    def url(self) -> str | None:
        """Base URL of its HTTP server, once it listens."""
        try:
            return f"http://127.0.0.1:{int(self._port_file.read_text())}"
        except (OSError, ValueError):
            return None

    def _port_before(self) -> int:
        """Port of the last life that listened; 0, any, when there was none or it is taken."""
        with suppress(OSError, ValueError):
            self._port = int(self._port_file.read_text())
        try:
            socket.create_server(("127.0.0.1", self._port)).close()
        except OSError:
            return 0
        return self._port

    async def health(self, client: httpx.AsyncClient) -> dict[str, object] | None:
        """Its /health, or None while it can't be asked."""
        url = self.url
        if url is None:
            return None
        try:
            answer = await client.get(f"{url}/health", timeout=2.0)
            return dict(answer.json())
        except (httpx.HTTPError, ValueError):
            return None


def _end_of(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:] if path.exists() else []


def _message(line: str) -> str:
    """What a line of a log says; empty for what is none."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return ""


class Starting:
    """A service that is waited for, and for how long yet."""

    def __init__(self, service: ServiceProcess, quiet_s: float, clock: ClockPort) -> None:
        self.service, self._starts_before = service, service.starts
        self._patience, self.ready, self.failed = Patience(quiet_s, clock), False, ""

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask it: is it ``ready``? ``failed`` says why it need not be waited for, else nothing."""
        report = await self.service.health(client)
        self.ready = report is not None and report.get("status") == "ok"
        starts = self.service.starts - self._starts_before
        over = self._patience.is_over(self.service.moved(report))
        if over:
            self.failed = self._patience.why + (": it is frozen (SIGSTOP)" if self.service.frozen else "")
        else:
            self.failed = f"ended {starts} times" if starts >= STARTS_MAX else ""


async def until_ready(services: Sequence[ServiceProcess], quiet_s: float = QUIET_SECONDS) -> None:
    """Wait until all are ready, as long as one works at it. Raises ServiceDiedError for one that ended or hangs."""
    clock = SystemClock()
    waiting = [Starting(service, quiet_s, clock) for service in services]
    async with httpx.AsyncClient() as client:
        while waiting:
            for each in waiting:
                each.service.check()
                await each.look(client)
            waiting = [each for each in waiting if not each.ready]
            if waiting and all(each.failed for each in waiting):
                slow = waiting[0]
                raise ServiceDiedError(f"{slow.service.name} is not ready, and {slow.failed}:\n{slow.service.tail()}")
            if waiting:
                await asyncio.sleep(0.1)  # between two questions; readiness itself is what is asked
