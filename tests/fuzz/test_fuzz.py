"""Hostile records to every topic of every service: none ends it, and none vanishes. By hand: ``make fuzz``."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import pytest
from tests.fuzz.changelogs import CHANGELOGS, fuzz_changelog
from tests.fuzz.runs import FAILED, built, fuzz, memory_bus, topics_of

from tradewire.ports.topics import SERVICES

RECORDS = 150
SEED = 11


def pairs() -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        return [(service, topic) for service in SERVICES for topic in topics_of(service, Path(folder))]


@pytest.mark.parametrize(("service", "topic"), pairs())
async def test_hostile_records_end_no_service_and_none_vanishes(
    service: str, topic: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    report = await fuzz(built(service, tmp_path, {"bus_url": "memory:"}), topic, RECORDS, bus=memory_bus(), seed=SEED)

    assert report.faults == []
    assert report.outcomes.total() == RECORDS
    assert report.outcomes["dead_lettered"] > 0
    assert report.outcomes[FAILED] == 0  # refused at the edge: no service begins again over what a contract can say


@pytest.mark.parametrize("service", CHANGELOGS)
async def test_hostile_states_end_no_service_and_stand_in_no_records_way(
    service: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    report = await fuzz_changelog(service, tmp_path, RECORDS, seed=SEED)

    assert report.faults == []
    assert report.outcomes["refused"] > 0
    assert report.outcomes["taken"] > 0
