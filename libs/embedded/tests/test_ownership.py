"""A command deletes only what the platform made itself, under its own mark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import FolderError, Stack, StackPaths
from tradewire.embedded.ownership import MARK, OWN_FOLDERS, Use, claim, use_of, wipe


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of somebody else, with the names that the platform uses."""
    folder = tmp_path / "thesis"
    for name in (".git", *OWN_FOLDERS):
        (folder / name).mkdir(parents=True)
        (folder / name / "kept").write_text(name)
    return folder


@pytest.mark.parametrize(
    "words",
    [["run"], ["up", "--market", "replay"], ["up", "--market", "replay", "--foreground"], ["down"]],
    ids=" ".join,
)
def test_command_when_folder_is_foreign_then_refused_and_untouched(
    words: list[str], foreign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(foreign)

    code = main([*words, "--root", str(foreign)])

    said = capsys.readouterr()
    assert (code, "nothing runs in" in said.out) == (Exit.DONE, True) if words == ["down"] else code == Exit.FAILED
    assert "tradewire did not make" in said.err or words == ["down"]
    assert contents(foreign) == before


def test_down_when_files_have_the_platforms_names_then_they_stay(tmp_path: Path) -> None:
    for name in ("stack.json", "platform.json", "stack.lock"):
        (tmp_path / name).write_text("mine")

    assert main(["down", "--root", str(tmp_path)]) == Exit.DONE
    assert set(contents(tmp_path).values()) == {"mine"}


def test_stack_when_folder_is_foreign_then_refused_and_untouched(foreign: Path, tmp_path: Path) -> None:
    before = contents(foreign)

    with pytest.raises(FolderError, match="holds what tradewire did not make"):
        Stack(StackPaths.under(foreign, jars=tmp_path / "jars")).start()

    assert contents(foreign) == before


def test_run_when_folder_is_kept_by_up_then_refused_and_untouched(tmp_path: Path) -> None:
    claim(tmp_path, Use.UP)
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "ledger").write_text("money")

    assert main(["run", "--root", str(tmp_path)]) == Exit.FAILED
    assert (tmp_path / "postgres" / "ledger").read_text() == "money"
    with pytest.raises(FolderError, match="not the folder of a run"):
        wipe(tmp_path)


def test_wipe_when_marked_for_runs_then_deletes_the_platforms_folders_and_nothing_else(tmp_path: Path) -> None:
    claim(tmp_path, Use.RUN)
    for name in ("notes", *OWN_FOLDERS):
        (tmp_path / name).mkdir()

    wipe(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [MARK, "notes"]


def test_wipe_when_a_folder_is_a_link_then_refused_and_its_target_stays(tmp_path: Path) -> None:
    target, root = tmp_path / "photos", tmp_path / "root"
    target.mkdir()
    (target / "one").write_text("picture")
    claim(root, Use.RUN)
    (root / "logs").symlink_to(target)

    with pytest.raises(FolderError, match="is a link"):
        wipe(root)
    assert contents(target) == {"one": "picture"}


def test_claim_when_claimed_twice_then_the_use_stays(tmp_path: Path) -> None:
    claim(tmp_path, Use.RUN)
    claim(tmp_path)

    assert use_of(tmp_path) is Use.RUN


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"use": "else"}'])
def test_claim_when_the_mark_is_unreadable_then_the_folder_is_foreign(tmp_path: Path, text: str) -> None:
    (tmp_path / MARK).write_text(text)

    with pytest.raises(FolderError, match="did not make"):
        claim(tmp_path, Use.RUN)


def test_claim_when_the_folder_cannot_be_made_then_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(FolderError, match="can't write the stack's data to"):
        claim(tmp_path / "file" / "root", Use.RUN)


def test_json_when_a_word_behind_it_is_no_json_file_then_nothing_is_written_over(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("mine")

    assert main(["backtest", "strategies/x.yaml", "--data", "d.csv", "--json", str(history)]) == Exit.USAGE
    assert history.read_text() == "mine"


def test_resample_when_it_would_write_over_its_input_then_refused(tmp_path: Path) -> None:
    history = tmp_path / "coinbase-BTCUSD-1h.csv"
    history.write_text("mine")

    assert main(["data", "resample", str(history), "--to", "4h", "--out", str(history)]) == Exit.USAGE
    assert history.read_text() == "mine"


def test_interrupt_in_the_first_moments_then_no_traceback() -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "tradewire.app.cli", "lag"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as starting:
        assert starting.stderr is not None
        said = next(line for line in starting.stderr if "typer" in line)  # in the middle of its imports
        starting.send_signal(2)
        said += starting.stderr.read()
    assert starting.returncode in (-2, 130)
    assert "Traceback" not in said


def test_system_errors_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")

    code = main(["run", "--root", str(tmp_path / "file" / "root"), "--json"])

    assert code == Exit.FAILED
    assert json.loads(capsys.readouterr().out)["exit_code"] == Exit.FAILED
