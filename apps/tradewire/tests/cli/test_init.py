"""A project to begin with, in an empty folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.sample import sample_folder


def test_init_when_the_folder_is_empty_then_writes_the_sample_and_a_platform_would_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--json"]) == Exit.DONE
    written = [Path(path) for path in json.loads(capsys.readouterr().out)["written"]]
    assert {path.parent for path in written} == {Path("data/sample"), Path("strategies")}
    assert all(path.read_bytes() == (sample_folder() / path).read_bytes() for path in written)
    assert main(["strategy", "validate", "strategies/ema-cross-btc.yaml"]) == Exit.DONE


def test_init_when_a_file_is_there_already_then_writes_nothing_and_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "strategies/trend-daily.yaml"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert main(["init", str(tmp_path), "--json"]) == Exit.REFUSED
    assert str(mine) in json.loads(capsys.readouterr().out)["error"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
