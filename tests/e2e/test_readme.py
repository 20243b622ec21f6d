"""README's words, typed as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.app.operating.monolith import run_monolith, sample_scenarios
from tradewire.testkit.rest_venue import RestVenue
from tradewire.testkit.running_venue import running_venue

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## A strategy in five minutes") : README.index("## Research on the same file")]
LAST_HOUR = 400
pytest_plugins = ["tradewire.embedded.fixtures"]
pytestmark = pytest.mark.timeout(900)


def typed(command: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """What a shell in ``folder`` would run."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **settings}
    return subprocess.run(
        shlex.split(command), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def done(command: str, folder: Path, **settings: str) -> str:
    """Its output, once it was done."""
    ran = typed(command, folder, **settings)
    assert ran.returncode == Exit.DONE, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def explained(command: str, folder: Path, **settings: str) -> str:
    """What an explanation says, once its bar has been answered; pytest's timeout bounds the wait."""
    while not re.search("no rule asked|the rules said|warming up", said := typed(command, folder, **settings).stdout):
        Event().wait(1.0)  # between two questions
    return said


@pytest.fixture
def project(open_folder: Path) -> Iterator[Path]:
    """The sample project, with whatever runs in it ended afterwards."""
    assert main(["init", str(open_folder)]) == Exit.DONE
    yield open_folder
    typed("tradewire down", open_folder)


def steps() -> list[str]:
    """The numbered commands of the section."""
    return re.findall(r"^\d\. `([^`]+)`", SECTION, flags=re.MULTILINE)


@pytest.mark.parametrize("network", ["with a network", "without a network"])
def test_a_strategy_in_five_minutes_goes_as_written(network: str, project: Path) -> None:
    (document,) = re.findall(r"```yaml\n(.*?)```", SECTION, flags=re.DOTALL)
    (project / document.splitlines()[0].removeprefix("# ")).write_text(document)
    venue = RestVenue(LAST_HOUR)
    settings = {"TRADEWIRE_CCXT_BASE_URL": venue.url if network == "with a network" else "http://127.0.0.1:1"}
    try:
        validate, up, publish, explain, down = steps()
        for command in (validate, up):
            done(command, project, **settings)
        assert "accepted" in done(publish, project, **settings).lower()
        assert "coinbase:BTCUSD" in explained(explain, project, **settings)
        done(down, project, **settings)
    finally:
        venue.close()


def test_up_with_a_venue_follows_its_streams(project: Path) -> None:
    (command,) = re.findall(r"`(tradewire up --venue [^`]+)`", SECTION)
    with running_venue(ROOT / "data/sample") as venue:
        settings = {"TRADEWIRE_BINANCE_REST_URL": venue.rest, "TRADEWIRE_BINANCE_WS_URL": venue.ws}
        last_ms = venue.venue.clock.now_us() // 60_000_000 * 60_000
        done(command, project, **settings)
        explain = f"tradewire explain rsi-reversion-btc-live BTCUSDT {last_ms}"
        assert "binance:BTCUSDT" in explained(explain, project, **settings)
        (project / "my-cross.yaml").write_text(re.findall(r"```yaml\n(.*?)```", SECTION, flags=re.DOTALL)[0])
        refused = typed("tradewire strategy publish my-cross.yaml", project, **settings)
        assert refused.returncode == Exit.REFUSED
        assert "no instrument coinbase:BTCUSD; known: binance:BTCUSDT" in refused.stdout + refused.stderr


def blocks() -> list[str]:
    """Blocks of commands: those whose fence names no language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    return [text for language, text in fenced if not language]


def test_targets_of_make_are_there() -> None:
    (targets,) = [block for block in blocks() if block.startswith("make ")]
    for line in targets.splitlines():
        command = line.partition("#")[0]
        subprocess.run(shlex.split(f"{command} --dry-run"), cwd=ROOT, capture_output=True, check=True)


def test_targets_for_containers_are_there() -> None:
    (block,) = re.findall(r"^```console\n(make images.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    for line in block.splitlines():
        command = shlex.split(line.partition("#")[0])
        if command[0] == "make":
            subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, check=True)
        else:
            assert (command, (ROOT / "docker-compose.yml").is_file()) == (["docker", "compose", "up"], True)


async def test_the_figures_of_make_run_are_those_of_a_replay() -> None:
    (block,) = [block for block in blocks() if block.startswith("$ make run")]
    result = await run_monolith(sample_scenarios(ROOT)["btc-hourly"])
    figures = dict(re.findall(r"^│ (evaluations|signals|orders|fills) +│ ([\d,]+)", block, flags=re.MULTILINE))
    assert figures == {name: f"{getattr(result, name):,}" for name in ("evaluations", "signals", "orders", "fills")}
    assert block.splitlines()[-1] == f"fingerprint: {result.fingerprint}"


def test_research_commands_print_every_line_that_is_written(tmp_path: Path) -> None:
    (block,) = [block for block in blocks() if block.startswith("$ tradewire backtest")]
    for part in ("data", "strategies"):
        (tmp_path / part).symlink_to(ROOT / part)
    commands = block.split("$ ")[1:]
    for text in commands:
        command, _, expected = text.partition("\n")
        printed = [line.rstrip() for line in done(command, tmp_path).splitlines()]
        assert [line for line in expected.splitlines() if line not in printed] == []
