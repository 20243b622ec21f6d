"""Broken surroundings: servers that go away, folders and ports that can't be had, Ctrl-C at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.e2e.faults import until
from tests.e2e.slices import ROOT, replay_with

from tradewire.app.operating.monolith import Scenario
from tradewire.app.operating.platform import RunOptions, begin, platform
from tradewire.app.operating.watch import RunResult
from tradewire.embedded import FolderError, PortTakenError, Stack, StackPaths
from tradewire.embedded.service_processes import until_ready

OUTAGES_S = (60.0, pytest.param(300.0, marks=(pytest.mark.drill, pytest.mark.timeout(2700))))
PHASES = (
    "",
    "creating topics",
    "starting ingest and strategy",
    "publishing strategies",
    "starting the other services",
    "replaying",
)
pytestmark = pytest.mark.timeout(1800)


async def through_outages(scenario: Scenario, root: Path, seconds: float) -> RunResult:
    """A run whose broker is away at a service's start and for a while later on, and its database meanwhile."""
    options = RunOptions(root=root, registry=False)
    async with platform(scenario, options) as running:
        stack, early = running.stack, running.services["indicator"]
        await asyncio.to_thread(stack.kill, "kafka")
        early.start()

        async def waits() -> bool:
            early.check()
            return any("not_reachable" in log.read_text() for log in early.log_folder.glob("*.log"))

        await until(waits)
        await asyncio.to_thread(stack.restart, "kafka")
        await until_ready([early])
        await asyncio.to_thread(early.stop)

        async def outages() -> None:
            await asyncio.to_thread(stack.kill, "postgres")
            await asyncio.to_thread(stack.kill, "kafka")
            await asyncio.sleep(seconds)  # the outage itself: what is tried is its length
            await asyncio.to_thread(stack.restart, "kafka")
            await asyncio.to_thread(stack.restart, "postgres")

        return await replay_with(running, await begin(running, scenario), 100, outages)


@pytest.mark.parametrize("seconds", OUTAGES_S)
def test_broker_and_database_away_change_nothing(
    scenario: Scenario, undisturbed: RunResult, run_root: Path, seconds: float
) -> None:
    assert asyncio.run(through_outages(scenario, run_root, seconds)).fingerprint == undisturbed.fingerprint


def test_folder_that_can_t_be_made_is_told_by_name(tmp_path: Path, scenario: Scenario) -> None:
    taken = tmp_path / "file"
    taken.write_text("in the way")

    async def run() -> None:
        async with platform(scenario, RunOptions(root=taken / "run")):
            raise AssertionError("it began")

    with pytest.raises((FolderError, OSError)) as refused:
        asyncio.run(run())
    assert str(taken) in str(refused.value)


def test_port_that_is_taken_is_told_by_number(run_root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            Stack(StackPaths.under(run_root), kafka=False, registry=False, ports={"postgres": port}).start()


def processes_of(root: Path) -> set[int]:
    """Processes whose arguments or environment name a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(root).encode() in text:
                found.add(int(entry.name))
    return found


def running(root: Path) -> subprocess.Popen[str]:
    """``tradewire run`` on a folder, leader of a foreground group as in a terminal."""
    options = ("--scenario", "three-daily", "--no-registry", "--root", str(root))
    command = [sys.executable, "-m", "tradewire.app.cli", "run", *options]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def interrupted_at(phase: str, root: Path) -> int:
    """Exit code of ``tradewire run`` after Ctrl-C, once it says ``phase``; at once when that is empty."""
    with running(root) as process:
        assert process.stderr is not None
        if phase:
            seen = next((line for line in process.stderr if phase in line), None)
            assert seen is not None, f"it never said {phase!r}"
        else:
            lock = StackPaths.under(root).lock_file
            while not lock.exists():
                time.sleep(0.05)  # between two looks at whether it has begun
        os.killpg(process.pid, signal.SIGINT)
        process.stderr.read()
        return process.wait(180)


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_in_any_phase_leaves_no_process_and_the_next_start_is_clean(run_roots: Path, phase: str) -> None:
    root = run_roots / "interrupted"  # of all phases: each starts on what the one before left
    assert interrupted_at(phase, root) == 128 + signal.SIGINT
    assert processes_of(root) == set()


@pytest.fixture
def small_disk(run_roots: Path) -> Iterator[Path]:
    """A file system of its own, large enough to begin on."""
    folder = Path(tempfile.mkdtemp(dir=run_roots))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700m,mode=755", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"a disk that fills up needs the right to mount one: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def stayed_full(filler: Path, process: subprocess.Popen[str]) -> int:
    """Exit code of a process on a disk that is filled up, and again when a server gives back what it got in part.

    One that goes on for five minutes is killed.
    """
    last_s = time.monotonic() + 300.0
    with filler.open("wb", buffering=0) as file:
        while process.poll() is None:
            if time.monotonic() > last_s:
                os.killpg(process.pid, signal.SIGKILL)
            try:
                file.write(bytes(2**20))
            except OSError:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
    return process.returncode


def test_disk_that_fills_up_is_told_and_with_room_the_next_start_is_clean(small_disk: Path) -> None:
    root, filler = small_disk / "run", small_disk / "filler"
    with running(root) as process:
        assert process.stderr is not None
        assert any("replaying" in line for line in process.stderr)
        assert stayed_full(filler, process) == 1, process.stderr.read()
        said = process.stderr.read()
    assert f"the disk of {root / 'logs'} is full: make room or choose another folder" in " ".join(said.split())
    assert processes_of(root) == set()

    filler.unlink()
    assert interrupted_at("replaying", root) == 128 + signal.SIGINT
