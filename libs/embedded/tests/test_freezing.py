"""A process that was frozen does nothing more from the moment that the call returns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path

import pytest

from tradewire.embedded.freezing import freeze, thaw

COUNTING = """
import mmap, sys, threading
with open(sys.argv[1], "r+b") as file:
    counts = mmap.mmap(file.fileno(), 8)
def count(place):
    while True:
        counts[place] = (counts[place] + 1) % 256
        if place == 1:
            counts[7] = 1
for place in range(4):
    threading.Thread(target=count, args=(place,)).start()
"""


@pytest.fixture
def counts(tmp_path: Path) -> Iterator[tuple[int, mmap]]:
    """A process whose threads count in shared memory: its pid, and the memory."""
    path = tmp_path / "counts"
    path.write_bytes(bytes(8))
    with path.open("r+b") as file:
        memory = mmap(file.fileno(), 8)
    process = subprocess.Popen([sys.executable, "-c", COUNTING, str(path)])
    while not memory[7]:
        assert process.poll() is None
    yield process.pid, memory
    process.kill()
    process.wait()


def test_freeze_when_threads_are_busy_then_nothing_moves_until_thawed(counts: tuple[int, mmap]) -> None:
    pid, memory = counts
    for _ in range(20):
        freeze(pid)
        before = bytes(memory)
        assert all(bytes(memory) == before for _ in range(2_000))
        thaw(pid)
        while bytes(memory) == before:
            pass


def test_freeze_when_there_is_no_process_then_said(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    with pytest.raises(ProcessLookupError):
        freeze(process.pid)
    thaw(process.pid)  # nothing to wake
