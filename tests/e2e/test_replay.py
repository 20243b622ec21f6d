"""Whatever way a scenario is run, and whatever dies meanwhile, it comes to the same result."""

from __future__ import annotations

import asyncio
import dataclasses
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest
from tests.e2e.slices import ROOT

from tradewire.app.operating.monolith import Scenario, run_monolith, sample_scenarios
from tradewire.app.operating.platform import RunOptions, begin, platform, replay
from tradewire.app.operating.watch import RunResult
from tradewire.ports.events import OrderChanged, OrderFilled, OrderStatus
from tradewire.ports.message import Event
from tradewire.testkit.checker import AUDITED, LedgerRows, Said, audit, read_ledger, read_topics

SCENARIOS = sample_scenarios(ROOT)
pytestmark = pytest.mark.timeout(1800)


@lru_cache
def monolith(name: str) -> RunResult:
    """The scenario in one process, once a session."""
    return asyncio.run(run_monolith(SCENARIOS[name]))


async def on_kafka(scenario: Scenario, options: RunOptions) -> tuple[RunResult, list[Said], LedgerRows]:
    """The scenario over real servers, and what is left behind."""
    async with platform(scenario, options) as running:
        accounts = await begin(running, scenario)
        result = await replay(running, accounts)
        said = await read_topics(running.stack.bootstrap_servers)
        return result, said, await read_ledger(running.stack.postgres_dsn("execution"))


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_monolith_when_run_twice_has_one_fingerprint(name: str) -> None:
    again = asyncio.run(run_monolith(SCENARIOS[name]))
    assert again.fingerprint == monolith(name).fingerprint
    assert again.fills == monolith(name).fills > 100
    assert again.conflicts == 0


@pytest.mark.parametrize("partitions", [1, 12])
@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_six_processes_over_kafka_have_the_monolith_s_fingerprint(name: str, partitions: int, run_root: Path) -> None:
    options = RunOptions(root=run_root, partitions={"S": partitions, "A": partitions}, registry=partitions == 1)
    result, said, ledger = asyncio.run(on_kafka(SCENARIOS[name], options))
    assert result.fingerprint == monolith(name).fingerprint
    assert audit(said, ledger).findings == []


@pytest.fixture(scope="module")
def finished(run_roots: Path) -> tuple[list[Said], LedgerRows]:
    """Topics and ledger of one undisturbed run."""
    options = RunOptions(root=run_roots / "finished", registry=False)
    _, said, ledger = asyncio.run(on_kafka(SCENARIOS["three-daily"], options))
    assert audit(said, ledger).findings == []
    return said, ledger


def _first(said: list[Said], status: OrderStatus) -> Said:
    return next(s for s in said if isinstance(s.event, OrderChanged) and s.event.status is status)


def test_audit_finds_a_lost_order(finished: tuple[list[Said], LedgerRows]) -> None:
    said, ledger = finished
    victim = _first(said, OrderStatus.SUBMITTED).event
    assert isinstance(victim, OrderChanged)
    left = [
        s for s in said if not (isinstance(s.event, OrderChanged) and s.event.client_order_id == victim.client_order_id)
    ]
    found = audit(left, ledger)
    assert any("was approved and never sent" in finding for finding in found.findings)
    assert found.lost > 0


def test_audit_finds_a_doubled_order(finished: tuple[list[Said], LedgerRows]) -> None:
    said, ledger = finished
    victim = _first(said, OrderStatus.ACCEPTED)
    assert isinstance(victim.event, OrderChanged)
    twin = victim.event.model_copy(update={"venue_order_id": "another", "sequence": 10**6})
    found = audit([*said, dataclasses.replace(victim, event=twin, event_id="another")], ledger)
    assert found.duplicated > 0


def test_audit_finds_a_fill_that_was_changed(finished: tuple[list[Said], LedgerRows]) -> None:
    said, ledger = finished
    victim = next(s for s in said if isinstance(s.event, OrderFilled))
    assert isinstance(victim.event, OrderFilled)
    changed = victim.event.model_copy(update={"qty": victim.event.qty + Decimal("0.001")})
    found = audit([dataclasses.replace(s, event=changed) if s is victim else s for s in said], ledger)
    assert any(finding.startswith("books") for finding in found.findings)
    assert any(finding.startswith("inconsistent") for finding in found.findings)


@pytest.mark.parametrize("kind", AUDITED, ids=lambda kind: kind.__name__)
def test_audit_finds_any_one_missing_record(kind: type[Event], finished: tuple[list[Said], LedgerRows]) -> None:
    said, ledger = finished
    victim = next(s for s in said if type(s.event) is kind)
    assert audit([s for s in said if s is not victim], ledger).findings
