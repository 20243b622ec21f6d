"""A wrong setting is told by the command that would start the processes, before it starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit

PROJECT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("READY_LAG_SECOND", "3", "is not a setting; did you mean TRADEWIRE_READY_LAG_SECONDS?"),
        ("BARS_PER_SECOND", "abc", "found 'abc'; allowed: a valid number"),
        ("JOIN_GRACE_SECONDS", "-1", "found '-1'; allowed: "),
        ("LOG_LEVEL", "LOUD", "found 'LOUD'; allowed: 'DEBUG'"),
        ("VIEW_WINDOWS_KEPT", "0", "found '0'; allowed: greater than or equal to 1"),
    ],
)
@pytest.mark.parametrize("command", ["up", "run", "venue", "web"])
def test_command_that_starts_something_refuses_a_wrong_setting_before_it_does(
    command: str,
    name: str,
    value: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv(f"TRADEWIRE_{name}", value)
    root = tmp_path / "platform"
    where = [] if command == "venue" else ["--root", str(root)]
    assert main([command, *where]) == Exit.USAGE
    error = capsys.readouterr().err
    assert f"TRADEWIRE_{name}" in error
    assert said in " ".join(error.split())
    assert not root.exists(), "nothing was begun"
