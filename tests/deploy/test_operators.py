"""Objects of operators are held to the operators' definitions, and a field that these do not know is found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.k8s import operators

DEFINITION = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "keda.sh",
        "names": {"kind": "ScaledObject"},
        "versions": [
            {
                "name": "v1alpha1",
                "schema": {
                    "openAPIV3Schema": {
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "maxReplicaCount": {"type": "integer"},
                                    "triggers": {
                                        "type": "array",
                                        "items": {
                                            "properties": {
                                                "metadata": {
                                                    "type": "object",
                                                    "additionalProperties": {"type": "string"},
                                                }
                                            }
                                        },
                                    },
                                },
                            }
                        }
                    }
                },
            }
        ],
    },
}


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"maxReplicaCount": 12, "triggers": [{"metadata": {"topic": "market.candle.v1"}}]}, None),
        ({"maxReplicas": 12}, "ScaledObject/indicator: spec: .*'maxReplicas'"),
        ({"maxReplicaCount": "12"}, "ScaledObject/indicator: spec.maxReplicaCount: '12' is not of type 'integer'"),
        ({"triggers": [{"meta": {}}]}, "ScaledObject/indicator: spec.triggers.0: .*'meta'"),
        ({"triggers": [{"metadata": {"lag": 5}}]}, "ScaledObject/indicator: spec.triggers.0.metadata.lag: 5 is not"),
    ],
)
def test_object_when_it_does_not_fit_then_the_place_is_named(
    spec: dict[str, Any], wrong: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "definition.yaml"
    path.write_text(yaml.safe_dump(DEFINITION))
    known = operators.schemas(iter([path]))
    scaled = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "indicator"},
        "spec": spec,
    }

    found = list(operators.faults(iter([scaled]), known))

    if wrong is None:
        assert found == []
    else:
        (fault,) = found
        assert re.match(wrong, fault), fault


def test_definitions_when_go_is_missing_then_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="install Go"):
        operators.main()
