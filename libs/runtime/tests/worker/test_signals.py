"""A process answers its probes from the beginning and ends when asked, whatever it is waiting for."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

WITHIN_SECONDS = 60.0
"""Far more than a graceful stop takes; a process that does not listen never ends."""
PROGRAM = """
import asyncio, sys
from tradewire.ports.events import CandleClosed
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime import process
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.service import Service, Store, on
from tradewire.runtime.settings import RuntimeSettings

words, sys.argv = sys.argv[1:], sys.argv[:1]

class Waiting(Store):
    async def open(self, context):
        if "open" in words:
            await asyncio.Event().wait()

    async def acquire(self, partitions):
        if "restore" in words:
            await asyncio.Event().wait()
        return ()

    async def checkpoint(self):
        if "checkpoint" in words:
            await asyncio.Event().wait()

    async def close(self):
        if "close" in words:
            await asyncio.Event().wait()

def build(settings):
    return Service(name="indicator", inputs=(on(CandleClosed, lambda event, envelope: ()),), store=Waiting())

if "memory" in words:
    process.connect = lambda *_, **__: MemoryBus(dict.fromkeys([*TOPICS, *DEAD_LETTERS.values()], 1))
process.main(RuntimeSettings, build)
"""


@contextmanager
def frozen() -> Iterator[int]:
    """Port of a server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server.getsockname()[1]


class Child:
    """The program as a process of its own."""

    def __init__(self, folder: Path, *words: str, **settings: str) -> None:
        self._port_file, self._log = folder / "port", folder / "log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIRE_")}
        environment |= {"TRADEWIRE_HTTP_PORT": "0", "TRADEWIRE_HTTP_PORT_FILE": str(self._port_file)}
        environment |= {"TRADEWIRE_DRAIN_SECONDS": "1"}
        environment |= {f"TRADEWIRE_{name.upper()}": value for name, value in settings.items()}
        with self._log.open("wb") as log:
            command = [sys.executable, "-c", PROGRAM, *words]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def get(self, path: str) -> httpx.Response:
        """An answer of its HTTP server, once it listens."""
        while not self._port_file.exists() or not self._port_file.read_text():
            assert self.process.poll() is None, self._log.read_text()
            Event().wait(0.02)  # between two looks; pytest's timeout bounds it
        return httpx.get(f"http://127.0.0.1:{self._port_file.read_text()}{path}", timeout=WITHIN_SECONDS)

    def until_waiting(self, phase: str, what: str) -> dict[str, Any]:
        """Its report, once it is in a phase and waits for something that it names."""
        while True:
            report = dict(self.get("/health").json()["services"]["indicator"])
            if report["phase"].startswith(phase) and what in str(report["waits_for"]):
                return report
            assert self.process.poll() is None, self._log.read_text()
            Event().wait(0.02)

    def end(self) -> int:
        """Exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WITHIN_SECONDS)


@contextmanager
def child(folder: Path, *words: str, **settings: str) -> Iterator[Child]:
    """A process; killed at the end in any case."""
    started = Child(folder, *words, **settings)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def ends_in_order(process: Child) -> None:
    """It is alive and not ready, and ends with 0 when asked."""
    assert process.get("/health/live").status_code == 200
    assert process.get("/health/ready").status_code == 503
    assert process.get("/metrics").status_code == 200
    assert process.end() == 0


def test_while_the_bus_is_away(tmp_path: Path) -> None:
    with child(tmp_path, bus_url="kafka://127.0.0.1:1") as process:
        report = process.until_waiting("connecting to the bus", "127.0.0.1:1")
        assert report["waits_for"][0]["reason"] == "starting"
        assert process.get("/health/startup").status_code == 503
        ends_in_order(process)


def test_while_the_bus_takes_connections_and_does_not_answer(tmp_path: Path) -> None:
    with frozen() as port, child(tmp_path, bus_url=f"kafka://127.0.0.1:{port}") as process:
        process.until_waiting("connecting to the bus", "the bus")
        ends_in_order(process)


def test_while_the_registry_does_not_answer(tmp_path: Path) -> None:
    with frozen() as port, child(tmp_path, "memory", registry_url=f"http://127.0.0.1:{port}") as process:
        process.until_waiting("connecting to the schema registry", "registry")
        ends_in_order(process)


@pytest.mark.parametrize(
    ("word", "phase"), [("open", "starting"), ("restore", "running"), ("checkpoint", "running"), ("close", "running")]
)
def test_while_its_store_does_not_answer(word: str, phase: str, tmp_path: Path) -> None:
    with child(tmp_path, "memory", word) as process:
        process.until_waiting(phase, "")
        assert process.get("/health/live").status_code == 200
        assert process.end() == 0


def test_wrong_setting_ends_it_with_one_sentence(tmp_path: Path) -> None:
    with child(tmp_path, trace_ratio="half") as process:
        assert process.process.wait(WITHIN_SECONDS) == 2
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert line == "TRADEWIRE_TRACE_RATIO: found 'half'; allowed: a valid number"
