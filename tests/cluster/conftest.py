"""One cluster for all tests, with the operators' definitions in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from deploy.k8s import definitions
from deploy.k8s.generate import ENVIRONMENTS
from tests.cluster.clusters import Cluster
from tests.cluster.clusters import cluster as reached


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster whose namespaces of the environments are these tests' own."""
    with reached(tmp_path_factory.mktemp("cluster")) as found:
        theirs = [
            name for name in ENVIRONMENTS if not found.kubectl("get", "namespace", f"tradewire-{name}").returncode
        ]
        assert not theirs, f"namespaces of {', '.join(theirs)} are there already: these tests would change what runs"
        yield found


@pytest.fixture(scope="session")
def operators(cluster: Cluster) -> Cluster:
    """The cluster once it knows what operators define. Definitions that it has stay as they are."""
    for path in definitions.files():
        applied = cluster.kubectl("apply", "--server-side", "--warnings-as-errors", "--filename", str(path))
        assert applied.returncode == 0, applied.stderr
        assert not applied.stderr
    cluster.done("wait", "--for=condition=Established", "customresourcedefinition", "--all", "--timeout=120s")
    return cluster
