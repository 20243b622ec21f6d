"""Rules that every pod of every overlay keeps: hardened, probed, bounded, spread, and ended in time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from deploy.k8s.generate import HERE
from tests.architecture.layout import tracked
from tests.deploy.overlays import Overlay, container_of, overlays, pod_of, title

from tradewire.runtime.bus.kafka_client import KafkaSettings

Json = Any
LABELS = {"app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/version"}
of_every_workload = pytest.mark.parametrize(
    ("overlay", "workload"),
    [
        pytest.param(overlay, workload, id=f"{overlay.name}-{workload['metadata']['name']}")
        for overlay in overlays()
        for workload in overlay.workloads
    ],
)
of_every_overlay = pytest.mark.parametrize("overlay", overlays(), ids=lambda overlay: overlay.name)


@of_every_workload
def test_pod_is_restricted_by_the_pod_security_standard_and_more(overlay: Overlay, workload: Json) -> None:
    pod = pod_of(workload)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert min(pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")) > 10_000
    assert container_of(workload)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
    account = overlay.named("ServiceAccount", pod["serviceAccountName"])
    assert account["metadata"]["name"] == workload["metadata"]["name"], "a service account of its own"


@of_every_workload
def test_probes_ask_three_different_questions(overlay: Overlay, workload: Json) -> None:
    probes = {name: container_of(workload)[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
    paths = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert paths == {"startup": "/health/startup", "readiness": "/health/ready", "liveness": "/health/live"}


@of_every_workload
def test_image_has_a_fixed_version(overlay: Overlay, workload: Json) -> None:
    assert re.search(r":\d+\.\d+\.\d+$|@sha256:[0-9a-f]{64}$", container_of(workload)["image"])


@of_every_workload
def test_resources_are_bounded_and_memory_is_reserved_whole(overlay: Overlay, workload: Json) -> None:
    resources = container_of(workload)["resources"]
    assert resources["requests"].keys() == {"cpu", "memory", "ephemeral-storage"}
    assert resources["limits"].keys() == {"memory", "ephemeral-storage"}
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


@of_every_workload
def test_disruption_budget_lets_one_pod_go_and_never_blocks(overlay: Overlay, workload: Json) -> None:
    budget = overlay.named("PodDisruptionBudget", workload["metadata"]["name"])["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert budget["selector"] == workload["spec"]["selector"]


@of_every_workload
def test_pods_are_spread_over_zones_and_hosts_per_revision(overlay: Overlay, workload: Json) -> None:
    revision = {"Deployment": "pod-template-hash", "StatefulSet": "controller-revision-hash"}[workload["kind"]]
    spread = pod_of(workload)["topologySpreadConstraints"]
    assert [entry["topologyKey"] for entry in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    for entry in spread:
        assert entry["labelSelector"] == workload["spec"]["selector"]
        assert entry["matchLabelKeys"] == [revision]


@of_every_workload
def test_grace_covers_the_drain_and_ends_before_the_session_of_a_static_member(
    overlay: Overlay, workload: Json
) -> None:
    (drain,) = (e["value"] for e in container_of(workload)["env"] if e["name"] == "TRADEWIRE_DRAIN_SECONDS")
    kafka, grace_s = KafkaSettings(), pod_of(workload)["terminationGracePeriodSeconds"]
    assert float(drain) + 2 * kafka.close_s < grace_s < kafka.session_s, "drain, then consumer and producer are closed"


@of_every_workload
def test_objects_carry_the_labels_that_people_select_by(overlay: Overlay, workload: Json) -> None:
    for labels in (workload["metadata"]["labels"], workload["spec"]["template"]["metadata"]["labels"]):
        assert labels.keys() >= LABELS
        assert labels["app.kubernetes.io/name"] == workload["metadata"]["name"]
    assert workload["spec"]["revisionHistoryLimit"] > 0
    assert workload["spec"]["minReadySeconds"] > 0


@of_every_workload
def test_static_members_are_named_after_their_pods(overlay: Overlay, workload: Json) -> None:
    """A Deployment's pods never come back under a name, so its members are dynamic; views name no member either."""
    named = [entry for entry in container_of(workload)["env"] if entry["name"] == "TRADEWIRE_MEMBER"]
    static = workload["kind"] == "StatefulSet" and workload["metadata"]["name"] != "telemetry-views"
    assert [entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in named] == (["metadata.name"] if static else [])


@of_every_overlay
def test_namespace_enforces_restricted_pods_and_holds_everything(overlay: Overlay) -> None:
    (namespace,) = overlay.of("Namespace")
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["pod-security.kubernetes.io/warn"] == "restricted", "enforce alone says nothing of a Deployment"
    own = {found["metadata"].get("namespace") for found in overlay.objects} - {None}
    assert own == {namespace["metadata"]["name"]}
    cluster_wide = {found["kind"] for found in overlay.objects if "namespace" not in found["metadata"]}
    assert cluster_wide == {"Namespace", "PriorityClass"}


@of_every_overlay
def test_priorities_keep_execution_longest(overlay: Overlay) -> None:
    values = {found["metadata"]["name"]: found["value"] for found in overlay.of("PriorityClass")}
    ranked = sorted(values, key=values.__getitem__, reverse=True)
    assert ranked[:3] == ["tradewire-execution", "tradewire-risk", "tradewire-strategy"]
    assert {pod_of(found)["priorityClassName"] for found in overlay.workloads} == set(values)


@of_every_overlay
def test_no_secret_is_in_the_manifests_and_every_mounted_one_is_made(overlay: Overlay) -> None:
    assert overlay.of("Secret") == []
    made = {f"kafka-{found['metadata']['name']}" for found in overlay.of("KafkaUser")} | {"kafka-cluster-ca-cert"}
    made |= {found["spec"]["target"]["name"] for found in overlay.of("ExternalSecret")}
    for workload in overlay.workloads:
        (run,) = (volume for volume in pod_of(workload)["volumes"] if volume["name"] == "run")
        assert {source["secret"]["name"] for source in run["projected"]["sources"]} <= made, title(workload)
        assert "secretRef" not in str(container_of(workload)["envFrom"]), "secrets come as files"


def test_no_file_of_the_deployment_holds_a_password() -> None:
    signed_in = re.compile(r"://[^/\s:@]+:[^/\s@]+@")
    files = [HERE.parents[1] / name for name in tracked() if name.startswith("deploy/k8s/")]
    assert [path.name for path in files if signed_in.search(path.read_text(encoding="utf-8"))] == []
