"""The rendered overlays of deploy/k8s as these tests see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from deploy.k8s.generate import ENVIRONMENTS, HERE

Json = Any
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Overlay:
    """One environment: every object that ``kubectl apply -k`` would send."""

    name: str
    objects: tuple[Json, ...]

    def of(self, *kinds: str) -> list[Json]:
        """Objects of these kinds."""
        return [found for found in self.objects if found["kind"] in kinds]

    def named(self, kind: str, name: str) -> Json:
        """The one object of a kind and name."""
        (found,) = (found for found in self.of(kind) if found["metadata"]["name"] == name)
        return found

    @property
    def workloads(self) -> list[Json]:
        """What runs pods."""
        return self.of(*WORKLOADS)


@cache
def overlays() -> tuple[Overlay, ...]:
    """Every environment, as committed: another test holds that equal to what kustomize makes of the sources."""
    return tuple(
        Overlay(name, tuple(objects((HERE / "rendered" / f"{name}.yaml").read_text(encoding="utf-8"))))
        for name in ENVIRONMENTS
    )


def objects(text: str) -> Iterator[Json]:
    """The objects of a YAML text."""
    return (found for found in yaml.safe_load_all(text) if found)


def pod_of(workload: Json) -> Json:
    """Spec of a workload's pods."""
    return workload["spec"]["template"]["spec"]


def container_of(workload: Json) -> Json:
    """The one container of a workload's pods."""
    (container,) = pod_of(workload)["containers"]
    return container


def title(found: Json) -> str:
    """Kind and name, for messages."""
    return f"{found['kind']}/{found['metadata']['name']}"
