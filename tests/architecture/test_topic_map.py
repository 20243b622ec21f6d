"""contracts/topics.yaml tells who writes and who reads: the services, built as they are, must do just that."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.architecture.layout import ROOT, SERVICES

from tradewire.app.inspecting.lag import GROUP_TOPICS
from tradewire.ports.events import ControlStatusChanged
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.observe.instance_reports import TOPIC as REPORTS
from tradewire.runtime.service import Service
from tradewire.runtime.stores.changelog import ChangelogStore


def _topics() -> dict[str, dict[str, Any]]:
    topics: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "contracts/topics.yaml").read_text())["topics"]
    return topics


def _granted(service: str, side: str) -> set[str]:
    return {name for name, row in _topics().items() if service in row[side]}


@pytest.fixture(scope="module", params=SERVICES)
def service(request: pytest.FixtureRequest) -> Service:
    """A service as its settings' defaults make it."""
    settings = importlib.import_module(f"tradewire.{request.param}.settings").Settings
    built: Service = importlib.import_module(f"tradewire.{request.param}.wiring").build(
        settings(market_path=Path(ROOT / "data/sample"))
    )
    return built


def _state_topic(service: Service) -> set[str]:
    """The changelog that a service writes, and reads when it starts."""
    return {service.store._spec.name} if isinstance(service.store, ChangelogStore) else set()


def test_a_service_reads_what_the_map_grants_it(service: Service) -> None:
    reads = {item.topic for item in service.inputs} | _state_topic(service)
    granted = _granted(service.name, "consumers")
    assert reads - granted == set(), "read without a grant"
    assert granted - reads == set(), "granted and never read"


def test_a_service_reads_back_what_the_map_grants_it(service: Service) -> None:
    granted = {name for name, row in _topics().items() if service.name in row.get("reads_back", ())}
    by_store = {BY_EVENT[event].name for event in getattr(service.store, "reads_back", ())}
    to_resume = {BY_EVENT[service.outputs[0]].name} if service.source is not None else set()
    to_obey = {BY_EVENT[ControlStatusChanged].name} if service.levels is not None else set()
    assert by_store | to_resume | to_obey | {REPORTS} == granted


def test_a_service_writes_what_the_map_grants_it(service: Service) -> None:
    writes = {BY_EVENT[event].name for event in service.outputs} | _state_topic(service) | {REPORTS}
    granted = _granted(service.name, "producers")
    assert writes - granted == set(), "written without a grant"
    assert granted - writes == set(), "granted and never written"


def test_a_service_reads_outside_its_group_what_the_map_says(service: Service) -> None:
    fanout = {name for name, row in _topics().items() if service.name in row.get("fanout", ())}
    assert {item.topic for item in service.inputs if item.fanout} == fanout


def test_lag_is_asked_of_the_topics_that_a_service_reads_as_a_group(service: Service) -> None:
    group = [item.topic for item in service.inputs if not item.fanout and not TOPICS[item.topic].broadcast]
    assert set(GROUP_TOPICS.get(service.name, ())) == set(group)


def test_every_topic_has_one_writer_but_what_each_service_tells_of_itself() -> None:
    shared = {name for name, row in _topics().items() if len(row["producers"]) != 1}
    assert shared == {"telemetry.event.v1", "ops.control-status.v1", REPORTS}
