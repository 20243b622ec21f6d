"""A wrong setting is told by the command that would start the processes, before it starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.testkit.running_venue import running_venue

PROJECT = Path(__file__).parents[4]


WRONG = ("BARS_PER_SECOND", "abc", "found 'abc'; allowed: a valid number")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("READY_LAG_SECOND", "3", "is not a setting; did you mean TRADEWIRE_READY_LAG_SECONDS?"),
        WRONG,
        ("JOIN_GRACE_SECONDS", "-1", "found '-1'; allowed: "),
        ("LOG_LEVEL", "LOUD", "found 'LOUD'; allowed: 'DEBUG'"),
        ("VIEW_WINDOWS_KEPT", "0", "found '0'; allowed: greater than or equal to 1"),
    ],
)
@pytest.mark.parametrize("command", ["up", "run"])
def test_command_that_starts_services_refuses_a_wrong_setting_before_it_does(
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
    assert main([command, "--root", str(root)]) == Exit.USAGE
    error = capsys.readouterr().err
    assert f"TRADEWIRE_{name}" in error
    assert said in " ".join(error.split())
    assert not root.exists(), "nothing was begun"


@pytest.mark.parametrize("command", ["venue", "web"])
def test_command_that_starts_no_service_refuses_names_that_nothing_has_and_no_value_of_a_service(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["venue", "--data", str(tmp_path / "none")] if command == "venue" else ["web", "--root", str(tmp_path)]
    for name, value in {WRONG[0]: WRONG[1], "VENUE": "binance", "MARKET_SOURCE": "binance"}.items():
        monkeypatch.setenv(f"TRADEWIRE_{name}", value)
    main(words)  # ends with what it finds: no such folder, no platform there
    assert "TRADEWIRE_" not in capsys.readouterr().err
    monkeypatch.setenv("TRADEWIRE_READY_LAG_SECOND", "3")
    assert main(words) == Exit.USAGE
    assert "TRADEWIRE_READY_LAG_SECOND is not a setting" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("words", [["up"], ["up", "--monolith"], ["run"]])
def test_command_refuses_what_a_service_would_refuse_of_the_databases_that_it_is_given(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(PROJECT)
    monkeypatch.setenv("TRADEWIRE_VENUE", "simulated")
    assert main([*words, "--root", str(tmp_path / "platform")]) == Exit.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "TRADEWIRE_VENUE: found 'simulated'; allowed: paper, where TRADEWIRE_EXECUTION_DSN is set" in said
    assert not (tmp_path / "platform").exists(), "nothing was begun"


@pytest.mark.parametrize("services", [(), ("ingest",)])
def test_up_judges_settings_together_with_those_that_its_options_make(
    services: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRADEWIRE_VENUE", "binance")
    (tmp_path / "keys").mkdir()
    with running_venue(PROJECT / "data/sample") as venue:
        words = ["up", *services, "--venue", venue.rest, "--root", str(tmp_path / "platform")]
        if not services:
            assert main(words) == Exit.USAGE
            assert "TRADEWIRE_BINANCE_KEYS: found none" in " ".join(capsys.readouterr().err.split())
            monkeypatch.setenv("TRADEWIRE_BINANCE_KEYS", str(tmp_path / "keys"))
        assert main([*words, "--bus", "kafka://127.0.0.1:1"]) == Exit.UNREACHABLE, "settings are in order"
    assert "TRADEWIRE_" not in capsys.readouterr().err
