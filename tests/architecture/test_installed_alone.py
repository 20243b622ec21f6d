"""A service installed alone runs: wheels of it and the libraries below it, in an environment without its siblings."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from tests.architecture.layout import ROOT, Distribution

LIBRARIES = ("ports", "runtime", "trading")
TRIED = ("risk", "ingest")
"""One with a database, one with a venue."""
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
    """A folder with the wheels of the libraries and of the services tried."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in (*(f"libs/{name}" for name in LIBRARIES), *(f"services/{name}" for name in TRIED)):
        _wheel(Distribution(ROOT / name), folder)
    return folder


@pytest.fixture(scope="module", params=TRIED)
def alone(request: pytest.FixtureRequest, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """(service, interpreter): what is ours comes from wheels, what isn't from this test's own environment."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False)
    python = environment / "bin/python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
        + ["--quiet", "--disable-pip-version-check", "--find-links", str(wheels)]
        + [f"tradewire-{name}" for name in (*LIBRARIES, request.param)],
        capture_output=True,
        check=True,
    )
    (site,) = environment.glob("lib/python*/site-packages")
    # A path line adds the folder's packages but not the .pth files in it, by which our sources are installed there.
    (site / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n")
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
    assert set(json.loads(printed)) == {*LIBRARIES, service}


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
        [str(python), "-m", f"tradewire.{service}"],
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
