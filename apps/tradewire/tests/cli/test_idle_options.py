"""An option either has an effect or is refused by name: in each mode of a command, and beside other options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from apps.tradewire.tests.cli.test_settings_and_options import options

from tradewire.app.cli import main
from tradewire.app.cli.commands import app
from tradewire.app.cli.output import Exit
from tradewire.app.operating.sample import sample_folder
from tradewire.ports.topics import SERVICES

OPTIONS = list(options(typer.main.get_command(app)))
STRATEGY = str(sample_folder() / "strategies/ema-cross-btc.yaml")
BUS = "kafka://127.0.0.1:1"
MAKE_THEIR_OWN = {("up",), ("run",)}
"""Commands whose ``--root`` is where they keep things, beside a bus of the user's own."""
NEEDED = {
    ("dlq", "skip"): ["risk.assessment.v1", "0", "0", "risk", "--reason", "drill"],
    ("dlq", "show"): ["0/0", "--service", "risk"],
    ("dlq", "replay"): ["--service", "risk", "--key", "main"],
    ("explain",): ["twe-x"],
    ("trace",): ["twe-x"],
    ("limits", "set"): ["main", "max_leverage=1"],
    ("strategy", "publish"): [STRATEGY],
    ("strategy", "show"): ["ema-cross-btc"],
    ("strategy", "retire"): ["ema-cross-btc"],
    ("sweep",): [STRATEGY, "--data", str(sample_folder() / "data/sample/coinbase-BTCUSD-1h.csv"), "--publish"],
    ("promote",): ["--from", "testnet", "--to", "paper", "--revision", "1", "--dsn", "postgresql://127.0.0.1:1/x"],
    ("promote", "status"): ["--dsn", "postgresql://127.0.0.1:1/x"],
    ("promote", "approve"): ["--stage", "paper", "--revision", "1", "--dsn", "postgresql://127.0.0.1:1/x"],
    ("promote", "watch"): ["--stage", "paper", "--dsn", "postgresql://127.0.0.1:1/x"],
    ("demote",): ["--stage", "paper", "--why", "drill", "--dsn", "postgresql://127.0.0.1:1/x"],
}
"""What a command asks for beside its options."""


def paths_with(*names: str) -> list[tuple[str, ...]]:
    """Commands that have all of these options."""
    having: dict[tuple[str, ...], set[str]] = {}
    for path, _, parameter in OPTIONS:
        having.setdefault(path, set()).add(parameter.opts[0])
    return sorted(path for path, found in having.items() if found >= set(names))


@pytest.mark.parametrize("path", [p for p in paths_with("--root", "--bus") if p not in MAKE_THEIR_OWN], ids=" ".join)
@pytest.mark.parametrize("setting", [False, True], ids=["typed", "set"])
def test_folder_and_bus_of_two_platforms_are_refused_by_both_names(
    path: tuple[str, ...],
    setting: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(sample_folder())
    words = [*path, *NEEDED.get(path, ()), "--root", str(tmp_path)]
    if setting:
        monkeypatch.setenv("TRADEWIRE_BUS_URL", BUS)
    assert main(words if setting else [*words, "--bus", BUS]) == Exit.USAGE
    error = " ".join(capsys.readouterr().err.split())
    assert "found --root" in error
    assert "(--bus or TRADEWIRE_BUS_URL), which is not that platform's" in error


@pytest.mark.parametrize("command", ["check", "diff", "register"])
def test_folder_and_registry_of_two_platforms_are_refused_by_both_names(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["contracts", command, "--root", str(tmp_path), "--registry-url", "http://127.0.0.1:1"]
    assert main(words) == Exit.USAGE
    assert "(--registry-url or TRADEWIRE_REGISTRY_URL)" in " ".join(capsys.readouterr().err.split())


def words_of(parameter: Any) -> list[str]:
    """An option as somebody may type it."""
    return [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], "1"]


ACT_IN_THE_MONOLITH = {"--scenario", "--monolith", "--bus", "--otlp", "--json", "--help"}


@pytest.mark.parametrize(
    "parameter",
    [one for path, _, one in OPTIONS if path == ("run",) and one.opts[0] not in ACT_IN_THE_MONOLITH],
    ids=lambda one: one.opts[0],
)
def test_option_of_run_that_the_monolith_does_not_use_is_refused_by_name(
    parameter: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sample_folder())
    assert main(["run", "--monolith", *words_of(parameter)]) == Exit.USAGE
    error = " ".join(capsys.readouterr().err.split())
    assert f"found {parameter.opts[0]}" in error
    assert "has no effect here" in error


OTHERS = [name for name in SERVICES if name not in ("ingest", "strategy")]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "--registry", "--bus", BUS], "--registry/--no-registry"),
        (["up", "--foreground", "--json"], "--json"),
        (["up", "--foreground", "--open"], "--open"),
        (["up", "--lean", "--open"], "--open"),
        (["up", "risk", "--data", "data/sample"], "--data"),
        (["up", *OTHERS, "--venue", "binance", "--interval", "1m"], "--venue, --interval"),
        (["up", "ingest", "--strategies", "strategies"], "--strategies"),
        (["up", "strategy", "--bars-per-second", "5"], "--bars-per-second"),
        (["status", "--registry-url", "http://127.0.0.1:1"], "--registry-url"),
        (["trace", "0" * 32, "--root", "somewhere"], "--root"),
        (["sweep", STRATEGY, "--data", "x.csv", "--trials", "9"], "--trials"),
        (["sweep", STRATEGY, "--data", "x.csv", "--anchored"], "--anchored"),
        (["sweep", STRATEGY, "--data", "x.csv", "--ray", "here", "--jobs", "2"], "--jobs"),
        (["sweep", STRATEGY, "--data", "x.csv", "--bus", BUS], "--bus"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_option_that_has_no_effect_beside_another_is_refused_by_name(
    words: list[str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sample_folder())
    assert main(words) == Exit.USAGE
    error = " ".join(capsys.readouterr().err.split())
    start = error.index("found ") + len("found ")
    assert error[start:].startswith(f"{named}, which has no effect here")
