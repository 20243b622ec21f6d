"""Metrics of telemetry: faults of markets, freshness of the stages, time from message to message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from tradewire.ports.message import Event
from tradewire.telemetry.adapters.prometheus import PrometheusTelemetry
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.entries import entry_of
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
        self.adapter = PrometheusTelemetry(self.registry, newest=self.newest.items)
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


async def test_record_when_a_gap_comes_then_counted_by_kind_and_others_are_there_at_zero(
    bench: Bench, messages: Messages
) -> None:
    await bench.tell(messages.gap())
    assert bench.value("tradewire_market_faults_total", kind="missing") == 1.0
    assert bench.value("tradewire_market_faults_total", kind="conflict") == 0.0


async def test_record_when_an_entry_comes_again_then_counted_once(bench: Bench, messages: Messages) -> None:
    await bench.tell(messages.gap(), messages.gap(), event_id="one")
    assert bench.value("tradewire_market_faults_total", kind="missing") == 1.0


async def test_newest_event_when_topics_advance_then_newest_event_time_per_stage(bench: Bench) -> None:
    bench.newest.update({"market.candle.v1": 1_500_000, "market.gap.v1": 9})
    await bench.adapter.record([])
    assert bench.value("tradewire_newest_event_timestamp_seconds", stage="ingest") == 1.5


def test_close_when_opened_again_elsewhere_then_one_set_of_metrics(bench: Bench, messages: Messages) -> None:
    bench.adapter.close()
    other = PrometheusTelemetry(bench.registry, newest=lambda: ())
    other.open()
    other.close()
    assert list(bench.registry.collect()) == []


async def test_time_when_stages_end_then_a_histogram_by_stage(bench: Bench) -> None:
    for seconds in (0.002, 0.2):
        bench.adapter.time(Took(Stage.SEND_TO_ACK, seconds))
    assert bench.value("tradewire_order_latency_seconds_count", stage="send_to_ack") == 2.0
    assert bench.value("tradewire_order_latency_seconds_bucket", stage="send_to_ack", le="0.0025") == 1.0
