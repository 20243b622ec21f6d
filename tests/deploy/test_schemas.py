"""Every object of every overlay fits the schema of its kind, strictly: a misspelt field is an error."""

from __future__ import annotations

import copy
from typing import Any

import kubernetes_validate
import pytest
from tests.deploy.overlays import Overlay, overlays, title

KUBERNETES = "1.34"
OPERATORS_KINDS = {
    ("kafka.strimzi.io/v1", "Kafka"),
    ("kafka.strimzi.io/v1", "KafkaNodePool"),
    ("kafka.strimzi.io/v1", "KafkaTopic"),
    ("kafka.strimzi.io/v1", "KafkaUser"),
    ("keda.sh/v1alpha1", "ScaledObject"),
    ("keda.sh/v1alpha1", "TriggerAuthentication"),
    ("monitoring.coreos.com/v1", "PodMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
    ("external-secrets.io/v1", "ExternalSecret"),
}
"""Kinds that operators define: Kubernetes' own schemas say nothing of them."""


def _is_built_in(found: Any) -> bool:
    return (found["apiVersion"], found["kind"]) not in OPERATORS_KINDS


@pytest.mark.parametrize("overlay", overlays(), ids=lambda overlay: overlay.name)
def test_objects_when_validated_strictly_then_none_is_refused(overlay: Overlay) -> None:
    refused = {}
    for found in filter(_is_built_in, overlay.objects):
        try:
            kubernetes_validate.validate(found, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            refused[title(found)] = error.message
    assert refused == {}


@pytest.mark.parametrize("overlay", overlays(), ids=lambda overlay: overlay.name)
def test_kinds_of_operators_are_those_that_are_used(overlay: Overlay) -> None:
    used = {(found["apiVersion"], found["kind"]) for found in overlay.objects}
    assert used >= OPERATORS_KINDS, "take them off the list"


def test_misspelt_field_when_planted_then_it_is_refused() -> None:
    workload = copy.deepcopy(overlays()[0].workloads[0])
    workload["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(kubernetes_validate.ValidationError, match="terminationGracePeriod"):
        kubernetes_validate.validate(workload, KUBERNETES, strict=True)
