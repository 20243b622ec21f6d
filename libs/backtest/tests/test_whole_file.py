"""Files that appear whole or not at all, and what is written itself: pipes and descriptors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tradewire.backtest.whole_file import whole_file, write_whole


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd", "link"])
def test_a_pipe_is_written_itself(pipe: tuple[int, int], folder: str, tmp_path: Path) -> None:
    reader, writer = pipe
    path = Path(folder) / str(writer)
    if folder == "link":
        path = tmp_path / "x.json"
        path.symlink_to(f"/dev/fd/{writer}")
    write_whole(path, "{}")
    assert os.read(reader, 10) == b"{}"


def test_a_named_pipe_is_written_itself(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(path, "{}")
        assert os.read(reader, 10) == b"{}"
    finally:
        os.close(reader)


def test_a_descriptor_of_a_plain_file_keeps_its_file(tmp_path: Path) -> None:
    with (tmp_path / "out.json").open("w+") as shell:
        write_whole(Path(f"/dev/fd/{shell.fileno()}"), "{}")
        assert os.fstat(shell.fileno()).st_ino == (tmp_path / "out.json").stat().st_ino
    assert (tmp_path / "out.json").read_text() == "{}"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604, 0o755])
def test_a_file_that_is_replaced_passes_its_permissions_on(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "permit.yaml"
    path.write_text("old")
    path.chmod(mode)
    with whole_file(path) as part:
        assert part.stat().st_mode & 0o077 == 0
        part.write_text("new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", mode)


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_whole(tmp_path / "new", "x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_two_writers_of_one_path_each_write_a_file_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with ExitStack() as both:
        first, second = (both.enter_context(whole_file(path)) for _ in range(2))
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the last to end
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_link_names_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "x.json").symlink_to("there.json")
    write_whole(tmp_path / "x.json", "{}")
    assert (tmp_path / "x.json").is_symlink()
    assert (tmp_path / "there.json").read_text() == "{}"


def test_a_path_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=str(tmp_path / "file" / "x.json")):
        write_whole(tmp_path / "file" / "x.json", "{}")
