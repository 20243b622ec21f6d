"""Every dashboard is a ConfigMap that a Grafana in the cluster finds."""

from __future__ import annotations

import json

from deploy.k8s.generate import DASHBOARDS
from deploy.k8s.rendering import render
from tests.deploy.overlays import objects

CONFIG_MAP_BYTES = 1_048_576
"""What Kubernetes lets one hold."""


def test_dashboards_when_rendered_then_each_file_is_a_config_map_of_its_name() -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in DASHBOARDS.glob("*.json")}
    found = {made["metadata"]["name"]: made for made in objects(render(DASHBOARDS))}
    assert found.keys() == files.keys()
    for uid, made in found.items():
        assert made["metadata"]["labels"] == {"grafana_dashboard": "1"}
        assert json.loads(made["data"][f"{uid}.json"])["uid"] == uid
        assert len(files[uid].encode()) < CONFIG_MAP_BYTES
