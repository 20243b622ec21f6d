"""Kubernetes objects as plain values, and as the YAML text of a generated file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

Manifest = dict[str, Any]
NAME_LABEL = "app.kubernetes.io/name"
PART_OF = {"app.kubernetes.io/part-of": "tradewire"}
HEADER = "# Generated from contracts/topics.yaml by `python -m deploy.k8s.generate`; do not edit.\n"


def manifest(api: str, kind: str, name: str, spec: Manifest, labels: Mapping[str, str] | None = None) -> Manifest:
    """One object. ``labels`` join the label that says it is part of tradewire."""
    metadata = {"name": name, "labels": {**PART_OF, **(labels or {})}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


def config_map(name: str, data: Mapping[str, str]) -> Manifest:
    """A ConfigMap of settings."""
    metadata = {"name": name, "labels": dict(PART_OF)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}


def named(service: str) -> dict[str, str]:
    """Labels that select the pods of a service."""
    return {NAME_LABEL: service}


def text(manifests: Iterable[Manifest]) -> str:
    """The objects as one file."""
    return HEADER + yaml.dump_all(manifests, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)


class _Plain(yaml.SafeDumper):
    """Writes repeated values out, for readers who do not know YAML's anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True
