"""Metrics: the names that dashboards use, exact sums, bounded series, no NaN."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tradewire.ports.message import Event
from tradewire.telemetry.adapters.prometheus import LABEL_VALUES_MAX, PrometheusTelemetry
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.entries import entry_of
from tradewire.telemetry.domain.figures import GAUGES, SERIES_PER_GAUGE_MAX, figures
from tradewire.telemetry.domain.latency import Stage, Took
from tradewire.telemetry.domain.seen import Seen

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


class Bench:
    """The adapter over books of its own."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.books, self.registry = messages, Books(), CollectorRegistry()
        self.newest: dict[str, int] = {}
        self.adapter = PrometheusTelemetry(self.registry, figures=lambda: figures(self.books), newest=self.newest.items)
        self.adapter.open()

    async def tell(self, *events: Event, **envelope: Any) -> None:
        for event in events:
            seen = Seen(event, self.messages.envelope(event, **envelope))
            self.books.take(seen.event, seen.envelope)
            await self.adapter.record([entry_of(seen, recorded_at_us=0)])

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def bench(messages: Messages) -> Bench:
    return Bench(messages)


async def test_scrape_when_an_account_traded_then_its_money_is_shown(bench: Bench, messages: Messages) -> None:
    await bench.tell(
        messages.limits(max_gross_exposure="7400"),
        messages.fill(sequence=1, realized_pnl="12.5", fee="0.5"),
        messages.fill(sequence=2, realized_pnl="-2.5", fee="0.5"),
        messages.state(sequence=3, equity="10000"),
    )
    strategy = {"account": "paper-1", "strategy": "ema-cross-btc"}
    assert bench.value("tradewire_realized_pnl_usdt", **strategy) == 10.0
    assert bench.value("tradewire_fees_paid_usdt_total", **strategy) == 1.0
    assert bench.value("tradewire_unrealized_pnl_usdt", account="paper-1") == 50.0
    assert bench.value("tradewire_gross_exposure_usdt", account="paper-1") == 3700.0
    assert bench.value("tradewire_net_exposure_usdt", account="paper-1", symbol="BTCUSDT") == 3700.0
    assert bench.value("tradewire_exposure_ratio", account="paper-1") == 0.5
    assert bench.value("tradewire_exposure_limit_ratio", account="paper-1") == 0.74


async def test_record_when_orders_and_decisions_come_then_counted_by_outcome(bench: Bench, messages: Messages) -> None:
    await bench.tell(messages.order(sequence=1, status="SUBMITTED"), messages.order(sequence=2, status="FILLED"))
    await bench.tell(messages.assessment(), messages.assessment(decision="NO_SIGNAL", rules=()), messages.gap())
    assert bench.value("tradewire_orders_total", outcome="submitted") == 1.0
    assert bench.value("tradewire_risk_decisions_total", decision="refused", rule="max_order_notional") == 1.0
    assert bench.value("tradewire_risk_decisions_total", decision="no_signal", rule="") == 1.0
    assert bench.value("tradewire_market_faults_total", kind="missing") == 1.0


async def test_record_when_an_entry_comes_again_then_counted_once(bench: Bench, messages: Messages) -> None:
    await bench.tell(messages.order(status="FILLED"), messages.order(status="FILLED"), event_id="one")
    assert bench.value("tradewire_orders_total", outcome="filled") == 1.0


async def test_heartbeat_when_topics_advance_then_newest_event_time_per_stage(bench: Bench) -> None:
    bench.newest.update({"market.candle.v1": 1_500_000, "market.gap.v1": 9})
    await bench.adapter.record([])
    assert bench.value("tradewire_pipeline_heartbeat_timestamp_seconds", stage="ingest") == 1.5


async def test_scrape_when_a_number_is_nan_then_refused(
    bench: Bench, messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = messages.state()
    broken = state.model_copy(update={"equity": Decimal("NaN")})
    await bench.tell(state)
    bench.books.accounts["paper-1"].state = broken
    with pytest.raises(ValueError, match=r"tradewire_equity_usdt.*nan; allowed: finite"):
        generate_latest(bench.registry)


async def test_series_when_accounts_and_rules_are_many_then_bounded(bench: Bench, messages: Messages) -> None:
    for number in range(SERIES_PER_GAUGE_MAX + 50):
        await bench.tell(messages.fill(account_id=f"a{number}"), messages.state(account_id=f"a{number}"))
    for number in range(LABEL_VALUES_MAX + 50):
        outcome = {"rule": f"r{number}", "passed": False, "value": "2", "limit": "1"}
        await bench.tell(messages.assessment(event_time_us=number, rules=(outcome,)))
    counts = {family.name: len(family.samples) for family in bench.registry.collect()}
    assert counts["tradewire_realized_pnl_usdt"] == SERIES_PER_GAUGE_MAX
    assert counts["tradewire_net_exposure_usdt"] == SERIES_PER_GAUGE_MAX
    assert counts["tradewire_risk_decisions"] == 2 * (LABEL_VALUES_MAX + 1)
    assert bench.value("tradewire_risk_decisions_total", decision="refused", rule="other") == 50.0


async def test_series_when_orders_are_many_then_their_number_does_not_grow(bench: Bench, messages: Messages) -> None:
    for sequence in range(1, 300):
        await bench.tell(
            messages.order(sequence=2 * sequence, client_order_id=f"o{sequence}"),
            messages.fill(sequence=2 * sequence + 1, venue_trade_id=str(sequence)),
        )
    assert sum(len(family.samples) for family in bench.registry.collect()) == 4


def test_close_when_opened_again_elsewhere_then_one_set_of_metrics(bench: Bench, messages: Messages) -> None:
    bench.adapter.close()
    other = PrometheusTelemetry(bench.registry, figures=lambda: (), newest=lambda: ())
    other.open()
    other.close()
    assert list(bench.registry.collect()) == []


def test_every_gauge_is_documented_with_its_labels() -> None:
    text = (Path(__file__).parents[3] / "docs/metrics.md").read_text()
    rows = re.findall(r"^- `(\w+)` \{([^}]*)\}: .+$", text, re.MULTILINE)
    assert {name: tuple(labels.split(", ")) for name, labels in rows} == {
        name: labels for name, (_, labels) in GAUGES.items()
    }


async def test_time_when_stages_end_then_a_histogram_by_stage(bench: Bench) -> None:
    for seconds in (0.002, 0.2):
        bench.adapter.time(Took(Stage.SEND_TO_ACK, seconds))
    assert bench.value("tradewire_order_latency_seconds_count", stage="send_to_ack") == 2.0
    assert bench.value("tradewire_order_latency_seconds_bucket", stage="send_to_ack", le="0.0025") == 1.0
