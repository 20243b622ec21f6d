"""A real Prometheus on the running platform: every metric that a rule needs is there, and an alert reaches a person."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.slices import kept_replay
from tests.monitoring.servers import Notifications, alertmanager, prometheus, receiver, until
from tests.monitoring.test_alerts import SCOPES, groups
from tests.monitoring.test_dashboards import FILES, expressions

from tradewire.app.cli import main
from tradewire.app.cli.output import Exit
from tradewire.embedded import StackPaths, read_state
from tradewire.embedded.platform_state import read_platform
from tradewire.embedded.service_processes import SERVICES
from tradewire.ports.bus import Outgoing
from tradewire.ports.events import CandleClosed
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus import connect

pytestmark = pytest.mark.timeout(900)
CANDLES = BY_EVENT[CandleClosed].name
LIVE_ONLY = re.compile(
    r"tradewire_(exchange_clock|market_(streams?|candles_backfilled|quotes_dropped)|rate_budget|binance)_"
)
"""Metrics of a venue that can be asked, which a recording is not."""


@pytest.fixture(scope="module")
def kept(run_roots: Path) -> Iterator[Path]:
    """``tradewire up`` on a slow replay."""
    with kept_replay(run_roots / "monitored", bars_per_second=5) as root:
        assert main(["limits", "set", "main", "max_leverage=10", "--root", str(root)]) == Exit.DONE
        yield root


@pytest.fixture(scope="module")
def monitored(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Notifications]]:
    """URL of the Prometheus that watches it, and what was sent to people."""
    state = read_platform(kept)
    assert state is not None
    targets = [str(service.url).removeprefix("http://") for service in state.services.values()]
    assert len(targets) >= len(SERVICES)
    folder = tmp_path_factory.mktemp("monitoring")
    with (
        receiver() as (webhook, arrived),
        alertmanager(folder, webhook) as alerts_to,
        prometheus(folder, targets, alerts_to) as url,
    ):
        until(lambda: count(url, "up == 1") == len(targets))
        yield url, arrived


def count(url: str, expression: str) -> int:
    """How many series an expression gives."""
    answer = httpx.get(f"{url}/api/v1/query", params={"query": f"count({expression})"}, timeout=60)
    found = answer.raise_for_status().json()["data"]["result"]
    return int(found[0]["value"][1]) if found else 0


def metrics_asked_for() -> set[str]:
    """Every metric of a rule or a dashboard, but for recorded ones."""
    texts = [rule["expr"] for group in groups(SCOPES[0]) for rule in group["rules"]]
    texts += [text for path in FILES for text in expressions(path)]
    names = {name for text in texts for name in re.findall(r"\b(?:tradewire|messaging)_\w+", text)}
    return names - {"messaging_destination_name", "messaging_consumer_group_name"}


def test_every_metric_that_a_rule_or_a_dashboard_needs_is_scraped(monitored: tuple[str, Notifications]) -> None:
    url, _ = monitored
    for metric in sorted(name for name in metrics_asked_for() if not LIVE_ONLY.match(name)):
        until(lambda metric=metric: count(url, metric) > 0)


def test_rules_are_evaluated_and_a_platform_that_is_well_pages_nobody(monitored: tuple[str, Notifications]) -> None:
    url, _ = monitored
    until(lambda: count(url, "tradewire:decision_latency_errors:ratio_rate5m") == 1)
    answer = httpx.get(f"{url}/api/v1/rules", timeout=60).raise_for_status().json()
    rules = [rule for group in answer["data"]["groups"] for rule in group["rules"]]
    assert [(rule["name"], rule["lastError"]) for rule in rules if rule["health"] != "ok"] == []
    assert count(url, 'ALERTS{alertstate="firing", severity="page"}') == 0


def test_record_that_can_not_be_handled_is_told_to_a_person(kept: Path, monitored: tuple[str, Notifications]) -> None:
    _, arrived = monitored
    asyncio.run(publish(kept, b"no Avro"))
    while True:
        (alert, *_) = arrived.get()["alerts"]
        if alert["labels"]["alertname"] == "TradewireDeadLetters":
            break
    assert alert["status"] == "firing"
    assert alert["labels"]["topic"] == CANDLES
    assert alert["annotations"]["runbook_url"] == "docs/runbooks/dead-letters.md"


async def publish(root: Path, value: bytes) -> None:
    """As a broken producer would."""
    state = read_state(StackPaths.under(root))
    assert state is not None
    bus = connect(state.endpoints.bus, client_id="stranger")
    await bus.start()
    try:
        await bus.publish([Outgoing(CANDLES, b"binance:BTCUSDT", value, ())])
    finally:
        await bus.close()
