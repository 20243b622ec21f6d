"""Rights, networks, scaling, monitors and alerts follow the topic map; settings of pods are ones that services take."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.architecture.layout import ROOT, SERVICES
from tests.deploy.overlays import Overlay, container_of, overlays, pod_of

from tradewire.app.inspecting.lag import GROUP_TOPICS
from tradewire.ports.topics import DEAD_LETTERS, TOPICS
from tradewire.runtime.bus.kafka_address import split_address
from tradewire.runtime.bus.kafka_topics import wanted_topics
from tradewire.runtime.environment import load

Json = Any
Right = tuple[str, str, str, str]
SECRETS_FOLDER = "/run/tradewire"
ADDRESS = {"dsn": "postgresql://u:p@db/tradewire", "registry-url": "https://u:p@registry/apis/ccompat/v7"}
of_every_overlay = pytest.mark.parametrize("overlay", overlays(), ids=lambda overlay: overlay.name)


def _rights(overlay: Overlay, user: str) -> set[Right]:
    """(kind of resource, its name, how the name counts, operation) of everything a user may do."""
    rules = overlay.named("KafkaUser", user)["spec"]["authorization"]["acls"]
    return {
        (rule["resource"]["type"], rule["resource"]["name"], rule["resource"]["patternType"], operation)
        for rule in rules
        for operation in rule["operations"]
    }


def _topics(rights: set[Right], operation: str) -> set[str]:
    return {name for kind, name, _, may in rights if kind == "topic" and may == operation}


@of_every_overlay
@pytest.mark.parametrize("service", SERVICES)
def test_user_of_a_service_may_do_what_the_map_says_and_nothing_else(overlay: Overlay, service: str) -> None:
    rights = _rights(overlay, service)
    dead_letters = {DEAD_LETTERS[service]}
    consumed = {name for name, spec in TOPICS.items() if service in spec.consumers}

    assert _topics(rights, "Write") == {n for n, spec in TOPICS.items() if service in spec.producers} | dead_letters
    assert _topics(rights, "Read") - consumed - dead_letters <= set(_reads_back(service))
    assert _topics(rights, "Read") >= consumed | dead_letters
    groups = {(name, pattern) for kind, name, pattern, _ in rights if kind == "group"}
    assert groups == {(service, "literal")} | ({("telemetry-views-", "prefix")} if service == "telemetry" else set())
    assert {(kind, pattern) for kind, _, pattern, _ in rights if kind != "group"} == {("topic", "literal")}
    assert {operation for *_, operation in rights} <= {"Read", "Write", "Describe"}


def _reads_back(service: str) -> Iterator[str]:
    """What a service reads outside any group, by the document that the architecture's tests hold equal to the code."""
    rows = re.findall(
        r"^  (\S+): +{.*reads_back: \[(.*?)\]", (ROOT / "contracts/topics.yaml").read_text(), re.MULTILINE
    )
    yield from (topic for topic, readers in rows if service in readers.split(", "))
    if service == "telemetry":
        yield from DEAD_LETTERS.values()  # it shows those of all


@of_every_overlay
def test_operators_write_only_what_commands_write_and_scaler_only_looks(overlay: Overlay) -> None:
    orders = {name for name, spec in TOPICS.items() if "cli" in spec.producers}
    assert _topics(_rights(overlay, "operator"), "Write") == orders | set(DEAD_LETTERS.values())
    assert {operation for *_, operation in _rights(overlay, "scaler")} == {"Describe"}


@of_every_overlay
def test_topics_are_those_that_the_command_would_make(overlay: Overlay) -> None:
    wanted = {topic.name: (topic.partitions, topic.replication, dict(topic.configs)) for topic in wanted_topics()}
    found = {
        topic["metadata"]["name"]: (
            topic["spec"]["partitions"],
            topic["spec"]["replicas"],
            {key: str(value) for key, value in topic["spec"]["config"].items()},
        )
        for topic in overlay.of("KafkaTopic")
    }
    assert found == wanted


@of_every_overlay
def test_only_the_indicator_is_scaled_by_lag_up_to_its_partitions(overlay: Overlay) -> None:
    (scaled,) = overlay.of("ScaledObject")
    name = scaled["spec"]["scaleTargetRef"]["name"]
    assert name == "indicator"
    assert scaled["spec"]["maxReplicaCount"] == max(TOPICS[topic].partitions for topic in GROUP_TOPICS[name])
    assert {trigger["metadata"]["topic"] for trigger in scaled["spec"]["triggers"]} == set(GROUP_TOPICS[name])
    assert {trigger["metadata"]["offsetResetPolicy"] for trigger in scaled["spec"]["triggers"]} == {"earliest"}
    assert "replicas" not in overlay.named("Deployment", name)["spec"], "an apply would undo what KEDA set"


@of_every_overlay
def test_every_pod_is_scraped_and_walled_in(overlay: Overlay) -> None:
    for workload in overlay.workloads:
        labels = workload["spec"]["template"]["metadata"]["labels"].items()
        for kind, selector in (("PodMonitor", "selector"), ("NetworkPolicy", "podSelector")):
            own = overlay.named(kind, workload["metadata"]["name"])["spec"][selector]["matchLabels"]
            assert own.items() <= labels
        deny = overlay.named("NetworkPolicy", "default-deny")["spec"]
        assert deny["podSelector"]["matchLabels"].items() <= labels
        assert "ingress" not in deny
        assert "egress" not in deny


@of_every_overlay
def test_only_ingest_reaches_the_internet(overlay: Overlay) -> None:
    outside = {
        policy["metadata"]["name"]
        for policy in overlay.of("NetworkPolicy")
        for rule in policy["spec"].get("egress", ())
        if any("ipBlock" in peer for peer in rule["to"])
    }
    assert outside == {"ingest"}


@of_every_overlay
def test_alerts_name_metrics_that_exist_a_namespace_and_a_runbook(overlay: Overlay) -> None:
    metrics = set(re.findall(r"`(tradewire_\w+)`", (ROOT / "docs/metrics.md").read_text()))
    (namespace,) = overlay.of("Namespace")
    (rules,) = overlay.of("PrometheusRule")
    every = [rule for group in rules["spec"]["groups"] for rule in group["rules"]]
    for rule in every:
        named = {re.sub(r"_(bucket|count)$", "", name) for name in re.findall(r"tradewire_\w+", rule["expr"])}
        assert named <= metrics
        assert f'namespace="{namespace["metadata"]["name"]}"' in rule["expr"]
    found = [rule for rule in every if "alert" in rule]
    for rule in found:
        assert (ROOT / rule["annotations"]["runbook_url"]).is_file()
        assert rule["labels"]["severity"] in ("page", "ticket")
    absent = {rule["labels"]["service"] for rule in found if rule["alert"] == "TradewireServiceAbsent"}
    assert absent == set(SERVICES)


@of_every_overlay
@pytest.mark.parametrize("name", [*SERVICES, "telemetry-views"])
def test_settings_of_a_pod_are_taken_by_its_service(
    overlay: Overlay, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workload,) = (found for found in overlay.workloads if found["metadata"]["name"] == name)
    for variable, value in _environment(overlay, workload, tmp_path).items():
        monkeypatch.setenv(variable, value)
    service = name.removesuffix("-views")
    settings = load(importlib.import_module(f"tradewire.{service}.settings").Settings)
    servers, security, _ = split_address(settings.bus_url)

    assert (servers, security.security_protocol) == ("kafka-kafka-bootstrap:9093", "SASL_SSL")
    assert overlay.named("KafkaUser", security.user)["metadata"]["name"] == service
    assert settings.registry_url == ADDRESS["registry-url"]
    assert settings.environment == overlay.name
    if name != "telemetry-views":
        assert getattr(settings, f"{service}_dsn", ADDRESS["dsn"]) == ADDRESS["dsn"]


def _environment(overlay: Overlay, workload: Json, folder: Path) -> Mapping[str, str]:
    """Environment of a pod, with its mounted files in a folder."""
    found: dict[str, str] = {}
    for source in container_of(workload)["envFrom"]:
        found |= overlay.named("ConfigMap", source["configMapRef"]["name"])["data"]
    found |= {entry["name"]: entry.get("value", "pod-0") for entry in container_of(workload)["env"]}
    (run,) = (volume for volume in pod_of(workload)["volumes"] if volume["name"] == "run")
    for item in (item for source in run["projected"]["sources"] for item in source["secret"]["items"]):
        (folder / item["path"]).write_text(ADDRESS.get(item["path"], "secret"))
    return {name: value.replace(SECRETS_FOLDER, str(folder)) for name, value in found.items()}
