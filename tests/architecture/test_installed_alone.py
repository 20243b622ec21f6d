"""A service installed alone runs: with what its container image has, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from requirements import lock
from tests.architecture.layout import ROOT, SERVICES, Distribution

LIBRARIES = ("binance", "ports", "runtime", "trading")
RUN_SECONDS_MAX = 300


def _wheel(distribution: Distribution, folder: Path) -> None:
    """Build a distribution's wheel as a container image would."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=distribution.folder,
        capture_output=True,
        check=True,
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of the libraries and of the services."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in (*(f"libs/{name}" for name in LIBRARIES), *(f"services/{name}" for name in SERVICES)):
        _wheel(Distribution(ROOT / name), folder)
    return folder


def _link(name: str, site: Path) -> None:
    """Put a third-party distribution that is installed for this test into another environment."""
    installed = distribution(name)
    for file in installed.files or ():
        if file.parts[0] != ".." and "__pycache__" not in file.parts:
            place = site / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(str(installed.locate_file(file)))


@pytest.fixture(scope="module", params=SERVICES)
def alone(request: pytest.FixtureRequest, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """(service, interpreter): what is ours comes from wheels, the rest is what the image's lock names."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    python = environment / "bin/python"
    (site,) = environment.glob("lib/python*/site-packages")
    for name in sorted(lock.needed([lock.distribution_of(request.param)])):
        _link(name, site)
    # With dependencies: pip ends with an error where the lock does not fulfil what a wheel declares.
    installing = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--quiet"]
    installing += ["--disable-pip-version-check", "--find-links", str(wheels), lock.distribution_of(request.param)]
    installed = subprocess.run(installing, capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    return request.param, python


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def test_a_service_installed_alone_has_no_sibling(alone: tuple[str, Path], tmp_path: Path) -> None:
    service, python = alone
    code = (
        "import json, pkgutil, tradewire; print(json.dumps([m.name for m in pkgutil.iter_modules(tradewire.__path__)]))"
    )
    printed = subprocess.run([str(python), "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    libraries = {"ports", "runtime", "trading"}
    libraries |= {"binance"} if service in ("ingest", "execution") else set()
    assert set(json.loads(printed)) == {*libraries, service}


def test_a_service_installed_alone_starts_waits_for_the_broker_and_says_so(
    alone: tuple[str, Path], tmp_path: Path
) -> None:
    service, python = alone
    broker = f"127.0.0.1:{_closed_port()}"
    settings = {
        "TRADEWIRE_BUS_URL": f"kafka://{broker}",
        "TRADEWIRE_RETRY_SECONDS_MAX": "0.01",
        "TRADEWIRE_MARKET_PATH": str(ROOT / "data/sample"),
    }
    with subprocess.Popen(
        [str(python.with_name(f"tradewire-{service}"))],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            lines = (json.loads(line) for line in running.stdout)
            waiting = next(line for line in lines if line["event"] == "not_reachable")
            assert waiting["service.name"] == service
            assert broker in waiting["message"]
            running.terminate()
            assert running.wait(RUN_SECONDS_MAX) == 0
        finally:
            running.kill()
