"""An option and a setting of the same meaning may agree; where they differ, they are refused by both names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import typer

from tradewire.app.cli import main
from tradewire.app.cli.commands import app
from tradewire.app.cli.output import Exit, UsageError
from tradewire.app.operating.sample import sample_folder
from tradewire.embedded.user_settings import SettingsConflictError
from tradewire.runtime.environment import OTHER_NAMES
from tradewire.runtime.settings import RuntimeSettings

SETTINGS = OTHER_NAMES | {f"TRADEWIRE_{name.upper()}" for name in RuntimeSettings.model_fields}
BY_MARKET = {"--market", "--data", "--venue", "--symbols", "--interval", "--bars-per-second", "--tz", "--dsn"}
"""Options of `up` whose setting depends on the venue or the service: test_market_options.py holds them."""
OWN_OF_A_COMMAND = {
    "--registry": "of `setup` and `run`: whether one is fetched and run, not which",
    "--port": "where the command itself listens, not a service",
    "--balance": "of the venue's wallet, not of the paper account",
    "--revision": "which revision is decided about, not the one that runs",
    "--tz": "of the files of one research command, which reads no settings of services",
    "--instruments": "research",
    "--leverage": "research",
    "--margin-mode": "research",
    "--volume-share": "research",
    "--data": "which files a command reads, not the folder of the tests' recorded sessions",
    "--account": "which account is meant, not whose keys tell the brackets",
    "--strategy": "which strategy is meant, not where strategies are kept",
    "--adapter": "research",
    "--exchange": "whose archive is fetched, not whose stream is followed",
    "--base-url": "of that archive",
    "--interval": "of files, which need not be those of the platform",
}
"""Options that share a word with a setting and mean something else."""
Option = tuple[tuple[str, ...], Any, Any]
"""A command's words, the command, and an option of it, as typer's own copy of click has them."""


def options(command: Any, path: tuple[str, ...] = ()) -> Iterator[Option]:
    """Every option of every command."""
    yield from ((path, command, parameter) for parameter in command.params if parameter.opts[0].startswith("--"))
    for name, part in getattr(command, "commands", {}).items():
        yield from options(part, (*path, name))


OPTIONS = list(options(typer.main.get_command(app)))
OF_SETTINGS = [option for option in OPTIONS if option[2].envvar is not None]


def name_of(option: Option) -> str:
    path, _, parameter = option
    return " ".join((*path, parameter.opts[0]))


def parse(option: Option, value: str) -> None:
    """Read a command line without running the command; what else it needs is not there."""
    path, command, parameter = option
    with suppress(UsageError):
        command.make_context(path[-1], [parameter.opts[0], value])


@pytest.mark.parametrize("option", OF_SETTINGS, ids=name_of)
def test_option_when_its_setting_says_other_then_refused_by_both_names_and_equal_passes(
    option: Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    (_, _, parameter) = option
    setting = str(parameter.envvar)
    monkeypatch.setenv(setting, "redis://:hidden@db/0")
    with pytest.raises(SettingsConflictError, match=f"{parameter.opts[0]}.* contradicts {setting}") as caught:
        parse(option, "redis://:other@db/1")
    if setting.endswith(("_URL", "_DSN")):
        assert not any(word in str(caught.value) for word in ("hidden", "other"))
    parse(option, "redis://:hidden@db/0")
    monkeypatch.delenv(setting)
    parse(option, "redis://:other@db/1")


@pytest.mark.parametrize("option", OPTIONS, ids=name_of)
def test_option_when_a_setting_has_its_name_then_it_is_its_setting(option: Option) -> None:
    path, _, parameter = option
    word = parameter.opts[0].removeprefix("--").replace("-", "_").upper()
    ends = {f"{word}{end}" for end in ("", "_URL", "_FILE", "_DSN")}
    same = {setting for setting in SETTINGS if any(f"_{end}" in setting and setting.endswith(end) for end in ends)}
    of_up = path == ("up",) and parameter.opts[0] in BY_MARKET
    if same and not of_up and parameter.envvar is None:
        assert parameter.opts[0] in OWN_OF_A_COMMAND, f"{name_of(option)}: is it {', '.join(sorted(same))}?"


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        (["run", "--bus", "redis://127.0.0.1:1/0"], "TRADEWIRE_BUS_URL"),
        (["up", "--bus", "redis://127.0.0.1:1/0"], "TRADEWIRE_BUS_URL"),
        (["run", "--otlp", "http://127.0.0.1:1"], "TRADEWIRE_OTLP_URL"),
        (["up", "--otlp", "http://127.0.0.1:1"], "TRADEWIRE_OTLP_URL"),
        (["up", "--registry", "http://127.0.0.1:1"], "TRADEWIRE_REGISTRY_URL"),
        (["run", "--no-registry"], "TRADEWIRE_REGISTRY_URL"),
        (["venue", "--tz", "Asia/Tokyo"], "TRADEWIRE_MARKET_TZ"),
    ],
    ids=" ".join,
)
def test_command_when_an_option_contradicts_a_setting_then_it_ends_with_both_names(
    words: list[str], setting: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sample_folder())
    monkeypatch.setenv(setting, "UTC" if setting.endswith("_TZ") else "http://127.0.0.1:2")
    assert main(words) == Exit.REFUSED
    error = " ".join(capsys.readouterr().err.split())
    assert words[1] in error
    assert setting in error
