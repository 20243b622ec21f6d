"""Each image holds what its service declares and nothing else, and runs as a cluster wants it to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from requirements import lock
from testcontainers.core.docker_client import DockerClient
from tests.architecture.layout import ROOT, Distribution, distributions

from tradewire.runtime.clock import SystemClock

TAG = os.environ.get("TAG", "local")
IMAGES = (*lock.SERVICES, lock.COMMAND)
START_SECONDS = 120.0
NO_BROKER = {"TRADEWIRE_BUS_URL": "kafka://127.0.0.1:1", "TRADEWIRE_MARKET_PATH": "/data"}
DATA = {str(ROOT / "data/sample"): {"bind": "/data", "mode": "ro"}}
HARDENED: dict[str, Any] = {
    "read_only": True,
    "tmpfs": {"/tmp": ""},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}


@pytest.fixture(scope="module")
def docker() -> Any:
    """The engine's client."""
    return DockerClient().client


def _run(docker: Any, image: str, *command: str) -> str:
    """What a program of the image prints."""
    output: bytes = docker.containers.run(
        f"tradewire/{image}:{TAG}", entrypoint=command[0], command=list(command[1:]), remove=True, **HARDENED
    )
    return output.decode()


@contextmanager
def _running(docker: Any, image: str) -> Iterator[Any]:
    container = docker.containers.run(
        f"tradewire/{image}:{TAG}", detach=True, environment=NO_BROKER, volumes=DATA, **HARDENED
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)


def _source(image: str) -> Distribution:
    return next(d for d in distributions() if d.name == lock.distribution_of(image))


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_what_its_lock_names_and_our_own(docker: Any, image: str) -> None:
    code = "from importlib.metadata import distributions as d; print(*sorted({i.name for i in d()}), sep='\\n')"
    found = {re.sub(r"[-_.]+", "-", name).lower() for name in _run(docker, image, "python", "-c", code).split()}
    assert {name for name in found if not name.startswith("tradewire")} == lock.needed([lock.distribution_of(image)])
    siblings = {f"tradewire-{name}" for name in lock.SERVICES} - {lock.distribution_of(image)}
    assert image == lock.COMMAND or found & siblings == set()


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_what_it_is_and_runs_as_nobody_of_the_host(docker: Any, image: str) -> None:
    config = docker.images.get(f"tradewire/{image}:{TAG}").attrs["Config"]
    assert (config["User"], config["Entrypoint"], config["WorkingDir"]) == ("10001:10001", ["start"], "/tmp")
    assert config["Healthcheck"]["Test"] == ["CMD", "python", "-m", "tradewire.runtime.probe"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["version"] == _source(image).project["version"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["revision"])
    assert (labels["title"], labels["licenses"]) == (f"tradewire {image}", "Apache-2.0")


@pytest.mark.parametrize("service", lock.SERVICES)
def test_a_service_is_the_first_process_needs_no_writable_root_and_stops_when_told(docker: Any, service: str) -> None:
    ask = "from urllib.request import urlopen as u; u('http://127.0.0.1:8080/health/live', timeout=5)"
    clock = SystemClock()
    with _running(docker, service) as container:
        deadline_s = clock.monotonic_s() + START_SECONDS
        while container.exec_run(["python", "-c", ask]).exit_code != 0:
            container.reload()
            assert container.status == "running", container.logs().decode()
            assert clock.monotonic_s() < deadline_s, container.logs().decode()
        ((program, *_),) = container.top(ps_args="-o args")["Processes"]
        assert program == "/opt/tradewire/bin/python /opt/tradewire/bin/start"
        container.stop(timeout=30)
        assert container.wait()["StatusCode"] == 0, container.logs().decode()


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_tells_how_it_is_used(docker: Any, image: str) -> None:
    printed = _run(docker, image, "start", "--help")
    assert "TRADEWIRE_BUS_URL" in printed if image in lock.SERVICES else "Usage: tradewire" in printed


def test_the_first_backtest_in_the_command_compiles_nothing(docker: Any) -> None:
    code = """
from tradewire.backtest.ahead_runs import futures
from tradewire.backtest.compiled import when_compiling
with when_compiling(lambda: print("compiled")):
    futures()
print("done")
"""
    assert _run(docker, lock.COMMAND, "python", "-c", code) == "done\n"
