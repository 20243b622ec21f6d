"""A platform kept by ``up`` on real servers, for the tests that speak to one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import StackPaths, fetch, read_state
from tradewire.embedded.platform_state import read_platform

PROJECT = Path(__file__).parents[4]


@dataclass(frozen=True)
class Kept:
    """A platform that runs."""

    root: Path

    def ask(self, *words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
        """Exit code and JSON document of a command."""
        capsys.readouterr()
        code = main([*words, "--root", str(self.root), "--json"])
        return code, json.loads(capsys.readouterr().out)

    def service(self, name: str, *, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
        """What ``status`` tells of a service."""
        _, status = self.ask("status", capsys=capsys)
        (found,) = [service for service in status["services"] if service["name"] == name]
        return dict(found)

    @property
    def bus_url(self) -> str:
        state = read_state(StackPaths.under(self.root))
        assert state is not None
        return f"kafka://{state.endpoints.bootstrap_servers}"


def processes_of(root: Path) -> list[psutil.Process]:
    """Processes whose command line or log folder is under ``root``."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [*process.cmdline(), process.environ().get("TRADEWIRE_HTTP_PORT_FILE", "")]
        except psutil.Error:
            continue
        if any(str(root) in word for word in words) and process.pid != os.getpid():
            found.append(process)
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """``tradewire up --lean`` on a replay."""
    root = tmp_path_factory.mktemp("up").resolve()
    fetch(StackPaths.under(root), registry=False)
    here = Path.cwd()
    os.chdir(PROJECT)
    try:
        words = ["--lean", "--market", "replay", "--bars-per-second", "20", "--root", str(root)]
        assert main(["up", *words]) == Exit.DONE
        yield Kept(root)
        assert main(["down", "--root", str(root)]) == Exit.DONE
        assert processes_of(root) == []
        assert read_platform(root) is None
        assert read_state(StackPaths.under(root)) is None
    finally:
        os.chdir(here)
        main(["down", "--root", str(root)])
