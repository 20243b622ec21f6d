"""Order latency: both ends of a stage in any order, repeated deliveries, bounded memory."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from tradewire.ports.events import OrderStatus
from tradewire.ports.message import Envelope, Event
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.latency import Latencies, Stage, Took

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

SENT = (0, 3, 7, 12, 20, 45)
"""When the messages of one trade were sent, ms: candle, evaluation, assessment, submitted, accepted, filled."""
EXPECTED = {
    (Stage.TICK_TO_SIGNAL, 0.003),
    (Stage.SIGNAL_TO_DECISION, 0.004),
    (Stage.DECISION_TO_SEND, 0.005),
    (Stage.SEND_TO_ACK, 0.008),
    (Stage.ACK_TO_FILL, 0.025),
}


def trade(messages: Messages) -> list[tuple[Event, Envelope]]:
    """One candle that leads to a fill."""
    intent = {
        "client_order_id": "o1",
        "leg": "ENTRY",
        "side": "BUY",
        "order_type": "MARKET",
        "qty": "1",
        "time_in_force": "GTC",
        "reduce_only": False,
    }
    events = [
        messages.candle(),
        messages.evaluation(),
        messages.assessment(decision="APPROVED", evaluation_id="e1", intents=(intent,)),
        *(
            messages.order(client_order_id="o1", sequence=number, status=status)
            for number, status in enumerate((OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.FILLED), 1)
        ),
    ]
    return [
        (event, messages.envelope(event, event_id=f"e{number}", correlation_id="c", sent_at_us=1_000_000 + ms * 1000))
        for number, (event, ms) in enumerate(zip(events, SENT, strict=True))
    ]


def test_take_when_a_trade_is_read_in_any_order_then_each_stage_is_timed_once(messages: Messages) -> None:
    told = trade(messages)
    for order in permutations(told):
        latencies = Latencies()
        assert {each for event, envelope in order for each in latencies.take(event, envelope)} == EXPECTED


def test_desk_when_all_is_delivered_twice_then_orders_are_timed_once(messages: Messages) -> None:
    took: list[Took] = []
    desk = TelemetryDesk(Books(), timer=took.append)
    told = trade(messages)
    for event, envelope in told + told:
        (desk.on_market if envelope.topic.startswith("market") else desk.on_fact)(event, envelope)
    assert sorted(took) == sorted(EXPECTED)


def test_take_when_clocks_of_two_hosts_differ_then_no_time_below_zero(messages: Messages) -> None:
    latencies = Latencies()
    for status, at_us in ((OrderStatus.SUBMITTED, 2_000), (OrderStatus.ACCEPTED, 1_000)):
        order = messages.order(status=status)
        took = latencies.take(order, messages.envelope(order, sent_at_us=at_us))
    assert took == [Took(Stage.SEND_TO_ACK, 0.0)]


def test_take_when_the_time_of_sending_is_unknown_then_nothing(messages: Messages) -> None:
    latencies = Latencies()
    told = [(event, messages.envelope(event)) for event, _ in trade(messages)]
    assert [each for event, envelope in told for each in latencies.take(event, envelope)] == []


@pytest.mark.parametrize("status", [OrderStatus.SUBMITTED, OrderStatus.FILLED])
def test_take_when_orders_never_end_then_memory_is_bounded(messages: Messages, status: OrderStatus) -> None:
    latencies = Latencies(kept_max=10)
    for number in range(100):
        order = messages.order(client_order_id=f"o{number}", status=status)
        latencies.take(order, messages.envelope(order, sent_at_us=1))
    assert len(latencies._begun) <= 10
    assert len(latencies._waiting) <= 10
