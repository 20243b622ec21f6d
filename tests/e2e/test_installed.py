"""From wheels, in an empty folder: `init` writes a project and `up` trades it, without a checkout anywhere near."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.layout import Distribution, distributions

from tradewire.embedded import StackPaths, fetch
from tradewire.ports.topics import SERVICES

pytest_plugins = ["tradewire.embedded.fixtures"]
pytestmark = pytest.mark.timeout(1800)  # where the loops changed since `make setup`, they are compiled first


def shipped() -> list[Distribution]:
    """All distributions but the testkit."""
    return [distribution for distribution in distributions() if distribution.name != "tradewire-testkit"]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment whose packages of ours are wheels; the others are this test's own."""
    subprocess.run([sys.executable, "-m", "tradewire.backtest.ahead"], check=True)  # as `make setup` does
    wheels = tmp_path_factory.mktemp("wheels")
    for distribution in shipped():
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
        subprocess.run(build, cwd=distribution.folder, capture_output=True, check=True)
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(environment / "bin/python"), "install", "--no-deps", "--no-index"]
        + ["--quiet", "--disable-pip-version-check", "--find-links", str(wheels)]
        + [distribution.name for distribution in shipped()],
        capture_output=True,
        check=True,
    )
    (site,) = environment.glob("lib/python*/site-packages")
    # A path line adds the folder's packages but not the .pth files in it, by which our sources are installed there.
    (site / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin/tradewire"


def told(command: Path, folder: Path, *words: str) -> Any:
    """The JSON document of a command typed in a folder."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CACHE_HOME") if name in os.environ}
    ran = subprocess.run(
        [str(command), *words, "--json"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


COUNTING = """
import sys
from numba.core import event
from tradewire.app.cli import main

class Compiled(event.Listener):
    def on_start(self, started):
        print("compiled", started.data["dispatcher"].py_func.__qualname__)
    def on_end(self, ended):
        pass

with event.install_listener("numba:compile", Compiled()):
    for words in sys.argv[1:]:
        sys.argv = ["tradewire", *words.split()]
        try:
            main()
        except SystemExit as exited:
            assert not exited.code, words
"""


def test_installed_from_wheels_when_the_home_is_empty_then_first_backtests_and_a_sweep_compile_nothing(
    command: Path, tmp_path: Path
) -> None:
    told(command, tmp_path, "init")
    home = tmp_path / "home"
    home.mkdir()
    asked = "strategies/ema-cross-btc.yaml --data data/sample/coinbase-BTCUSD-1h.csv"
    runs = [f"backtest {asked} --engine {engine}" for engine in ("futures", "vectorized")]
    runs += [
        "backtest strategies/trend-daily.yaml --data data/sample --out run",
        f"sweep {asked} --params fast_len=10,20",
    ]
    ran = subprocess.run(
        [str(command.parent / "python"), "-c", COUNTING, *runs],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [line for line in ran.stdout.splitlines() if line.startswith("compiled")] == []
    assert "machine code" not in ran.stderr
    assert list(home.rglob("*.nb?")) == []


def test_installed_from_wheels_when_the_folder_is_empty_then_init_and_up_trade_the_sample(
    command: Path, open_folder: Path
) -> None:
    fetch(StackPaths.under(open_folder), registry=False)
    assert len(told(command, open_folder, "init")["written"]) == 10
    assert told(command, open_folder, "strategy", "validate", "strategies/ema-cross-btc.yaml")["valid"]
    try:
        status = told(command, open_folder, "up", "--lean")
        assert (status["phase"], status["market"]) == ("running", "replay of coinbase-BTCUSD-1h.csv at 5 bars/s")
        assert {service["name"]: service["health"] for service in status["services"]} == dict.fromkeys(SERVICES, "ok")
        in_force = told(command, open_folder, "strategy", "list")
        assert "ema-cross-btc" in json.dumps(in_force)
    finally:
        told(command, open_folder, "down")
