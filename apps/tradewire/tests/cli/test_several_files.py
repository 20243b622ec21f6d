"""Commands that check take several files: an answer for each, and the worst exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.sample import sample_folder

GOOD = {
    "data check": "data/sample/bitstamp-BTCUSD-1d.csv",
    "strategy validate": "strategies/ema-cross-btc.yaml",
}


@pytest.mark.parametrize("command", GOOD)
def test_several_files_when_checked_then_each_has_an_answer_and_the_worst_code_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    good, bad, missing = sample_folder() / GOOD[command], tmp_path / "bad", tmp_path / "none"
    bad.write_text("nothing: that is read\n")
    assert main([*command.split(), str(good), str(bad), str(good), "--json"]) == Exit.REFUSED
    found = json.loads(capsys.readouterr().out)
    assert [(one["file"], one["valid"]) for one in found] == [(str(good), True), (str(bad), False), (str(good), True)]
    assert main([*command.split(), str(missing), str(good)]) == Exit.USAGE
    shown = capsys.readouterr().out
    assert f"can't read {missing}" in shown
    assert "valid" in shown.split(str(good), 1)[1]
