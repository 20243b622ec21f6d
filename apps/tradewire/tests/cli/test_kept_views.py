"""The windowed views beside a platform kept by ``up``: a process like the services'."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import psutil
import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import StackPaths, fetch
from tradewire.embedded.platform_state import ServiceState, read_platform
from tradewire.embedded.service_processes import VIEWS

PROJECT = Path(__file__).parents[4]
pytestmark = pytest.mark.timeout(600)


def views_of(root: Path) -> ServiceState:
    """The process of the views as the platform tells of it."""
    platform = read_platform(root)
    assert platform is not None
    return platform.services[VIEWS]


def shown(root: Path, name: str) -> list[Any]:
    """A view, once it answers with something; pytest's timeout bounds the wait."""
    while True:
        try:
            found = httpx.get(f"{views_of(root).url}/api/v1/views/{name}").json()
        except (httpx.HTTPError, ValueError):
            found = []
        if found:
            return list(found)
        Event().wait(0.1)  # between two looks


def status_of(root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `tradewire status` tells of the views."""
    capsys.readouterr()
    main(["status", "--root", str(root), "--json"])
    services: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["services"]
    (views,) = [service for service in services if service["name"] == VIEWS]
    return views


def test_views_run_beside_the_services_and_come_back_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path.resolve()
    fetch(StackPaths.under(root), registry=True)
    monkeypatch.chdir(PROJECT)
    try:
        assert main(["up", "--market", "replay", "--bars-per-second", "50", "--root", str(root)]) == Exit.DONE
        assert {view["account_id"] for view in shown(root, "accounts")} == {"main"}
        assert {"strategy_id", "fees", "realized_pnl"} <= shown(root, "legs")[0].keys()

        mark = views_of(root).mark
        assert mark is not None
        killed = psutil.Process(mark.pid)
        killed.kill()
        killed.wait()
        while views_of(root).starts == 1:
            Event().wait(0.05)
        assert shown(root, "accounts")

        while not (views := status_of(root, capsys))["handled"]:
            Event().wait(0.1)
        assert (views["restarts"], views["phase"], views["last_success_us"] > 0) == (1, "running", True)
        while status_of(root, capsys)["lag_records"] is None:
            Event().wait(0.1)  # the views report themselves every few seconds
    finally:
        main(["down", "--root", str(root)])
    assert read_platform(root) is None
    assert not killed.is_running()
