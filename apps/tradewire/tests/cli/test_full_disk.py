"""Commands on a disk that has no room: each names what it could not write, and leaves nothing half-written."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.sample import sample_folder

DATA = sample_folder() / "data/sample/coinbase-BTCUSD-1h.csv"
STRATEGY = sample_folder() / "strategies/ema-cross-btc.yaml"


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: the system refuses the rest of a write, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_init_when_the_disk_is_full_then_names_the_file_leaves_nothing_and_can_be_repeated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project"
    with room_for(100_000):
        assert main(["init", str(project)]) == Exit.FAILED
    said = capsys.readouterr().err
    assert str(project) in said
    assert str(sample_folder() / "data") not in said
    assert list(tmp_path.iterdir()) == []
    assert main(["init", str(project)]) == Exit.DONE


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("backtest", ["--out", "{}"]),
        ("backtest", ["--json", "{}/result.json"]),
        ("sweep", ["--params", "fast_len=10,20", "--out", "{}"]),
        ("resample", ["--to", "4h", "--out", "{}/x.csv"]),
        ("resample", ["--to", "4h", "--out", "{}/x.parquet"]),
    ],
)
def test_a_command_when_the_disk_is_full_then_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, options: list[str]
) -> None:
    words = [word.format(tmp_path) for word in options]
    asked = ["data", "resample", str(DATA)] if command == "resample" else [command, str(STRATEGY), "--data", str(DATA)]
    if command != "resample":  # what research compiles on a machine is kept in files, too
        assert main([*asked, "--json"]) == Exit.DONE
    with room_for(1_000):
        assert main([*asked, *words]) == Exit.FAILED
    assert str(tmp_path) in capsys.readouterr().err.splitlines()[-1]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]
