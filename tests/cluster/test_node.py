"""A node runs pods, and nothing of it is left on the machine when it ends, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deploy.cluster.control_groups import HOLDERS
from deploy.cluster.control_plane import ControlPlane
from deploy.cluster.kubectl import Kubectl
from deploy.cluster.namespaces import KERNEL
from deploy.cluster.processes import Processes

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "held", "namespace": "default"},
    "spec": {"containers": [{"name": "held", "image": "local/pause:1", "imagePullPolicy": "Never"}]},
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A cluster's folder; what a failing test leaves in it is ended."""
    folder = tmp_path / "cluster"
    yield folder
    ControlPlane(folder).remove()


def test_node_when_a_pod_ran_and_it_was_removed_then_the_machine_is_as_before(folder: Path) -> None:
    before = _machine()
    cluster = _with_a_pod(folder)
    processes = _processes(folder)
    assert {"containerd", "kubelet", "coredns", "pause"} <= {process.name() for process in processes}
    cluster.remove()
    assert _alive(processes) == []
    assert _machine() == before
    assert not folder.exists()


def test_node_when_its_first_process_is_killed_then_every_other_ends_with_it(folder: Path) -> None:
    cluster = _with_a_pod(folder)
    processes = _processes(folder)
    cluster.node.namespaces.end()
    assert psutil.wait_procs(processes, timeout=60)[1] == []
    cluster.remove()
    assert not folder.exists()


def _with_a_pod(folder: Path) -> ControlPlane:
    """A cluster with a node on which a pod is ready."""
    cluster = ControlPlane(folder)
    cluster.start(with_node=True)
    kubectl = Kubectl(cluster.kubectl_command)
    kubectl.run("wait", "--for=create", "serviceaccount/default", "--timeout=120s")
    kubectl.apply([POD])
    kubectl.run("wait", "--for=condition=Ready", "pod/held", "--timeout=120s")
    return cluster


def _processes(folder: Path) -> list[psutil.Process]:
    """Every process of the cluster, those of pods among them."""
    started = Processes(folder)
    parents = [found for name in started.running() if (found := started.process(name)) is not None]
    return [*parents, *(child for parent in parents for child in parent.children(recursive=True))]


def _alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [found for found in processes if found.is_running() and found.status() != psutil.STATUS_ZOMBIE]


def _machine() -> dict[str, object]:
    """What a node could leave behind, apart from processes."""
    return {
        "interfaces": sorted({"node", "nowhere", "pods"} & psutil.net_if_addrs().keys()),
        "kernel": {name: Path("/proc/sys", name).read_text(encoding="ascii") for name in KERNEL},
        "groups": sorted(str(path) for path in HOLDERS.glob("*/tradewire-*")),
        "mounts": [line for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines() if "pytest" in line],
    }
