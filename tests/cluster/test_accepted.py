"""An API server takes every overlay without a warning, and refuses what is wrong in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
import yaml
from deploy.k8s.generate import DASHBOARDS, ENVIRONMENTS, HERE
from tests.cluster.clusters import Cluster
from tests.deploy.overlays import Json, Overlay, overlays, pod_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
APPLY = ("apply", "--server-side", "--warnings-as-errors")


@pytest.fixture(scope="module")
def applied(operators: Cluster) -> Iterator[Cluster]:
    """The cluster with every overlay applied."""
    try:
        for name in ENVIRONMENTS:
            answer = operators.kubectl(*APPLY, "--kustomize", str(HERE / "overlays" / name))
            assert answer.returncode == 0, answer.stderr
            assert answer.stderr == ""
            assert answer.stdout.count("serverside-applied") == len(_overlay(name).objects)
        yield operators
    finally:
        for name in ENVIRONMENTS:
            folder = str(HERE / "overlays" / name)
            operators.done("delete", "--ignore-not-found", "--timeout=180s", "--kustomize", folder)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_overlay_when_applied_then_the_server_holds_what_was_written(applied: Cluster, name: str) -> None:
    difference = applied.kubectl("diff", "--server-side", "--kustomize", str(HERE / "overlays" / name))
    assert difference.returncode == 0, difference.stdout + difference.stderr


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_pods_when_asked_for_then_pod_security_and_admission_take_them(applied: Cluster, name: str) -> None:
    for workload in _overlay(name).workloads:
        pod = _pod(workload)
        answer = applied.kubectl(*APPLY, "--dry-run=server", "--filename", "-", text=yaml.safe_dump(pod))
        assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("service", sorted(path.name for path in (HERE / "base").iterdir()))
def test_base_when_applied_alone_then_it_is_accepted(operators: Cluster, service: str) -> None:
    answer = operators.kubectl(*APPLY, "--dry-run=server", "--kustomize", str(HERE / "base" / service))
    assert answer.returncode == 0, answer.stderr


def test_dashboards_when_applied_then_they_are_accepted(operators: Cluster) -> None:
    answer = operators.kubectl(*APPLY, "--dry-run=server", "--kustomize", str(DASHBOARDS))
    assert answer.returncode == 0, answer.stderr


def _limit_below_request(found: Json) -> None:
    pod_of(found)["containers"][0]["resources"]["limits"]["memory"] = "1Mi"


def _misspelt(found: Json) -> None:
    pod_of(found)["terminationGracePeriod"] = 30


def _without_partitions(found: Json) -> None:
    found["spec"]["partitions"] = 0


def _unknown_trigger_field(found: Json) -> None:
    found["spec"]["triggers"][0]["lagThreshold"] = "5"


def _unknown_rule_field(found: Json) -> None:
    found["spec"]["groups"][0]["rules"][0]["when"] = "1m"


@pytest.mark.parametrize(
    ("kind", "name", "spoil", "said"),
    [
        ("StatefulSet", "risk", _limit_below_request, "must be less than or equal to memory limit"),
        ("StatefulSet", "risk", _misspelt, "terminationGracePeriod"),
        ("KafkaTopic", None, _without_partitions, "partitions"),
        ("ScaledObject", "indicator", _unknown_trigger_field, "lagThreshold"),
        ("PrometheusRule", "tradewire", _unknown_rule_field, "when"),
    ],
)
def test_object_when_it_is_wrong_then_it_is_refused(
    applied: Cluster, kind: str, name: str | None, spoil: Callable[[Json], None], said: str
) -> None:
    overlay = _overlay("paper")
    found = deepcopy(overlay.of(kind)[0] if name is None else overlay.named(kind, name))
    spoil(found)
    answer = applied.kubectl(*APPLY, "--dry-run=server", "--filename", "-", text=yaml.safe_dump(found))
    assert answer.returncode != 0
    assert said in answer.stderr


def test_pod_when_it_runs_as_root_then_the_namespace_refuses_it(applied: Cluster) -> None:
    pod = _pod(_overlay("paper").named("StatefulSet", "risk"))
    pod["spec"]["securityContext"]["runAsNonRoot"] = False
    answer = applied.kubectl(*APPLY, "--dry-run=server", "--filename", "-", text=yaml.safe_dump(pod))
    assert answer.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in answer.stderr


def _overlay(name: str) -> Overlay:
    (found,) = (overlay for overlay in overlays() if overlay.name == name)
    return found


def _pod(workload: Json) -> Json:
    """A pod as the workload's controller would ask for it."""
    template = deepcopy(workload["spec"]["template"])
    metadata = template["metadata"] | {"name": "asked-for", "namespace": workload["metadata"]["namespace"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
