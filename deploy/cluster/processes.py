"""Processes that outlive the command which started them, until another command ends them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from tradewire.embedded.process_mark import ProcessMark, end

GRACE_S = 20.0
BETWEEN_LOOKS_S = 0.2


class ClusterError(Exception):
    """The cluster can't be started or reached; the message says what to do."""


class Processes:
    """The processes of a folder. They are named in ``processes.json`` there, in the order of their start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "processes.json"

    def start(self, name: str, command: Sequence[str]) -> ProcessMark:
        """Start it in a session of its own, its output in ``NAME.log``."""
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (words of callers' modules)
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        mark = ProcessMark.of(process.pid)
        self._file.write_text(json.dumps(self._known() | {name: mark.as_json()}), encoding="utf-8")
        return mark

    def wait(self, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until it is ready. Raises ClusterError when it ended, or is not ready in time."""
        mark = ProcessMark.from_json(self._known()[name])
        deadline = time.monotonic() + seconds
        while not ready():
            if mark.process() is None:
                raise ClusterError(f"{name} ended:\n{self._last_lines(name)}")
            if time.monotonic() > deadline:
                raise ClusterError(f"{name} is not ready after {seconds:g} s:\n{self._last_lines(name)}")
            time.sleep(BETWEEN_LOOKS_S)

    def running(self) -> list[str]:
        """Names of those that run."""
        return [name for name, fields in self._known().items() if ProcessMark.from_json(fields).process() is not None]

    def process(self, name: str) -> psutil.Process | None:
        """The process of a name, if it runs."""
        fields = self._known().get(name)
        return None if fields is None else ProcessMark.from_json(fields).process()

    def end(self) -> None:
        """End those that run, the last first."""
        for fields in reversed(self._known().values()):
            process = ProcessMark.from_json(fields).process()
            if process is not None:
                end(process, grace_s=GRACE_S)
        self._file.unlink(missing_ok=True)

    def _known(self) -> dict[str, dict[str, Any]]:
        if not self._file.exists():
            return {}
        known: dict[str, dict[str, Any]] = json.loads(self._file.read_text(encoding="utf-8"))
        return known

    def _last_lines(self, name: str) -> str:
        lines = (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-20:])
