"""The sample, traded while pods are rolled, drained, killed and starved of memory: nothing lost, nothing doubled."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploy.cluster.control_plane import ControlPlane
from deploy.cluster.sample_objects import ADMINISTRATOR, SERVERS
from deploy.cluster.sample_platform import IMAGES, SamplePlatform
from tests.cluster.disturbances import TWO, Disturbances

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]
BARS_PER_SECOND = 40
FINGERPRINT = "b1219389b9156217235b23ba9752914c7f3b31f5c211ece8c6e7366149bead89"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ControlPlane]:
    """A cluster with a node of this test's own."""
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "image", "inspect", *IMAGES], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"the Docker engine, or one of its images, is not there: {', '.join(IMAGES)}")
    cluster = ControlPlane(tmp_path / "cluster")
    try:
        cluster.start(with_node=True)
        yield cluster
    finally:
        cluster.remove()


def test_platform_when_it_is_disturbed_under_load_then_nothing_is_lost_or_doubled(cluster: ControlPlane) -> None:
    platform = SamplePlatform(cluster)
    platform.install(bars_per_second=BARS_PER_SECOND)
    platform.register()
    platform.resume()
    disturbances = Disturbances(platform)
    for service in (*TWO, "ingest", "telemetry"):
        disturbances.roll(service)
    disturbances.exhaust("risk")
    disturbances.drain()
    for service in TWO:
        disturbances.kill(service)
    assert f"fingerprint: {FINGERPRINT}" in platform.watch()
    found = _reading(cluster, platform)
    for done in disturbances.done:
        pause_ms = done.pause_ms(found["written_at_ms"].get(done.service, ()))
        print(f"{done.what} {done.service}: {pause_ms} ms without output")
    assert (found["lost"], found["doubled"], found["findings"]) == (0, 0, [])


def _reading(cluster: ControlPlane, platform: SamplePlatform) -> Any:
    """What an auditor reads in topics and ledger."""
    secret = platform.kubectl.get("secret", "postgres", f"--namespace={SERVERS}")["data"]["password"]
    address = platform.kubectl.get("service", "postgres", f"--namespace={SERVERS}")["spec"]["clusterIP"]
    dsn = f"postgresql://tradewire:{base64.b64decode(secret).decode()}@{address}/tradewire"
    command = (*cluster.node.namespaces.network(), sys.executable, "-m", "tests.cluster.reading", ADMINISTRATOR, dsn)
    with platform.administrator():
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
