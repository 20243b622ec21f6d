"""One stack per folder, and a question about it changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tradewire.embedded import FolderError, StackBusyError, StackPaths, is_running
from tradewire.embedded.lock import FolderLock


@pytest.fixture
def paths(tmp_path: Path) -> StackPaths:
    return StackPaths.under(tmp_path)


def test_lock_when_held_by_another_process_then_refused_with_its_pid_and_free_after_its_death(
    paths: StackPaths,
) -> None:
    code = (
        "import sys; from pathlib import Path; from tradewire.embedded.lock import FolderLock\n"
        "root = Path(sys.argv[1]); lock = FolderLock(root / 'stack.lock', root=root); lock.acquire()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", code, str(paths.root)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        mine = FolderLock(paths.lock_file, root=paths.root)

        with pytest.raises(StackBusyError, match=f"already runs on {paths.root}: pid {holder.pid}") as refusal:
            mine.acquire()
        assert refusal.value.pid == holder.pid
        assert is_running(paths)

        holder.kill()
        holder.wait()
        mine.acquire()
        mine.release()


def test_lock_when_file_names_a_living_stranger_then_it_is_taken_over(paths: StackPaths) -> None:
    stranger = {"pid": 1, "started_s": 0.0, "command": "init"}
    paths.lock_file.write_text(json.dumps(stranger))
    lock = FolderLock(paths.lock_file, root=paths.root)

    lock.acquire()

    assert json.loads(paths.lock_file.read_text())["pid"] == os.getpid()
    lock.release()


def test_lock_when_it_is_asked_about_then_a_start_is_never_refused(tmp_path: Path) -> None:
    paths = StackPaths.under(tmp_path)
    ask = (
        "import sys; from pathlib import Path; from tradewire.embedded import StackPaths, is_running\n"
        "paths = StackPaths.under(Path(sys.argv[1])); print('asking', flush=True)\n"
        "while True: is_running(paths)"
    )
    with subprocess.Popen([sys.executable, "-c", ask, str(tmp_path)], stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"asking\n"
        for _ in range(500):
            lock = FolderLock(paths.lock_file, root=paths.root)
            lock.acquire()
            assert is_running(paths)
            lock.release()
        asking.kill()


def test_lock_when_the_holder_has_not_said_who_it_is_then_nobody_is_to_be_killed(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path / "stack.lock", root=tmp_path)
    lock.acquire()
    (tmp_path / "stack.lock").write_text("")

    with pytest.raises(StackBusyError, match="just starting or stopping") as refusal:
        FolderLock(tmp_path / "stack.lock", root=tmp_path).acquire()
    assert refusal.value.pid is None
    assert "kill" not in str(refusal.value)
    lock.release()


def test_lock_when_its_file_is_a_link_then_refused_and_the_target_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    (tmp_path / "stack.lock").symlink_to(tmp_path / "precious")

    with pytest.raises(FolderError, match="can't make the lock file"):
        FolderLock(tmp_path / "stack.lock", root=tmp_path).acquire()
    assert (tmp_path / "precious").read_text() == "text"
