"""docs/operations.md says of Kubernetes what the manifests are."""

from __future__ import annotations

import re

from tests.architecture.layout import ROOT
from tests.deploy.overlays import overlays, pod_of

from tradewire.ports.topics import TOPICS

TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_paths_that_it_names_exist() -> None:
    named = set(re.findall(r"\b(?:deploy|tests)/[\w/.-]*\w", TEXT))
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_secrets_that_it_asks_for_are_those_that_are_fetched() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \| `(\w+)` \| `(?:\w+://|NAME ROLE)", TEXT, re.MULTILINE)
    asked = {(entry, key) for entries, key in rows for entry in re.findall(r"`([\w-]+)`", entries)}
    fetched = {
        (entry["remoteRef"]["key"], entry["remoteRef"]["property"])
        for secret in overlays()[0].of("ExternalSecret")
        for entry in secret["spec"]["data"]
    }
    assert asked == fetched


def test_numbers_of_instances_are_those_of_the_manifests() -> None:
    overlay = overlays()[0]
    scaled = overlay.named("ScaledObject", "indicator")["spec"]
    assert f"| indicator | {scaled['minReplicaCount']} to {scaled['maxReplicaCount']}, by KEDA |" in TEXT
    assert "accounts have six partitions" in TEXT
    assert {spec.partitions for spec in TOPICS.values() if spec.group == "A"} == {6}
    for name in ("ingest", "telemetry", "telemetry-views"):
        assert f"| {name} | 1 |" in TEXT
        assert overlay.named("StatefulSet", name)["spec"]["replicas"] == 1


def test_times_of_an_end_are_those_of_the_pods() -> None:
    grace = {pod_of(workload)["terminationGracePeriodSeconds"] for workload in overlays()[0].workloads}
    assert grace == {30}
    assert re.search(r"leaves within\s+30 s", TEXT)
    assert {workload["spec"]["revisionHistoryLimit"] for workload in overlays()[0].workloads} == {5}


def test_roles_of_namespaces_are_those_of_the_network_policies() -> None:
    policies = str(overlays()[0].of("NetworkPolicy"))
    roles = set(re.findall(r"'tradewire-role': '(\w+)'", policies))
    named = set(re.findall(r"`(\w+)`", TEXT.partition("`tradewire-role=`")[2].partition("of the state API")[0]))
    assert roles == named
