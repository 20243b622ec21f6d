"""docker-compose.yml says what the services take, publishes on loopback alone, and keeps to what both Composes read."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
import yaml
from tests.architecture.layout import ROOT, SERVICES

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: part for name, part in PARTS.items() if part["image"].startswith("tradewire/")}


def test_it_keeps_to_what_version_1_29_and_version_2_read() -> None:
    assert {"name", "version"} & COMPOSE.keys() == set()


@pytest.mark.parametrize("name", PARTS)
def test_a_published_port_is_one_of_loopback(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in PARTS[name].get("ports", ()))


@pytest.mark.parametrize("name", PARTS)
def test_an_image_has_a_version_that_is_not_the_latest(name: str) -> None:
    image, _, version = PARTS[name]["image"].partition(":")
    assert image
    assert version not in ("", "latest")


@pytest.mark.parametrize("name", OURS)
def test_a_process_of_ours_has_a_root_that_nobody_writes_to_and_no_rights(name: str) -> None:
    part = OURS[name]
    assert (part["read_only"], part["tmpfs"], part["cap_drop"]) == (True, ["/tmp"], ["ALL"])
    assert part["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_image_and_settings_that_it_knows(service: str) -> None:
    part = PARTS[service]
    assert part["image"] == f"tradewire/{service}:${{TRADEWIRE_TAG:-local}}"
    fields = importlib.import_module(f"tradewire.{service}.settings").Settings.model_fields
    named = {name for name in part["environment"] if name.startswith("TRADEWIRE_")}
    assert named <= {f"TRADEWIRE_{name.upper()}" for name in fields}


def test_prometheus_scrapes_every_process_of_a_service() -> None:
    scraping = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (job,) = scraping["scrape_configs"]
    (targets,) = (config["targets"] for config in job["static_configs"])
    images = {f"tradewire/{service}:${{TRADEWIRE_TAG:-local}}" for service in SERVICES}
    assert set(targets) == {f"{name}:8080" for name, part in PARTS.items() if part["image"] in images}
