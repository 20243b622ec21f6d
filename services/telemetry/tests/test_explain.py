"""Why this order, or why none: from memory, and from the log store for what memory has let go of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from tradewire.ports.errors import RetryableError
from tradewire.ports.events import ActiveVersion, ConfigStatus, StrategyEvaluated, StrategyStatusChanged
from tradewire.ports.message import Event
from tradewire.ports.telemetry import LogPage, LogQuery
from tradewire.telemetry.adapters.api.explain import ExplainRoutes
from tradewire.telemetry.adapters.decisions import DecisionMessages
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.telemetry.domain.books import BookBounds, Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.entries import entry_of
from tradewire.telemetry.domain.seen import Seen

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

HOUR_US = 3_600_000_000
ASKED = {"strategy_id": "ema-cross-btc", "symbol": "BTCUSDT"}
STRATEGY = """
id: ema-cross-btc
venue: binance
account: paper-1
symbols: [BTCUSDT]
interval: 1h
indicators: {fast: "ema(close, 2)", slow: "ema(close, 3)"}
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
sizing: {fraction_of_equity: 0.3}
"""
FAST, SLOW = "ema(close,2)", "ema(close,3)"
INTENT = {
    "client_order_id": "o1",
    "leg": "ENTRY",
    "side": "BUY",
    "order_type": "MARKET",
    "qty": "1",
    "price": None,
    "stop_price": None,
    "trailing_distance": None,
    "time_in_force": "IOC",
    "reduce_only": False,
    "parent_id": None,
    "oco_group": None,
}


class AwayAtTimes(MemoryLogStore):
    """A log store that can be away."""

    away = False

    async def query(self, query: LogQuery) -> LogPage:
        if self.away:
            raise RetryableError("log store away")
        return await super().query(query)


class Explainer:
    """A desk of small books, its log store, and the route."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.log_store = messages, AwayAtTimes()
        self.desk = TelemetryDesk(Books(BookBounds(orders=4, fills=4, evaluations=3, assessments=3)))
        app = FastAPI()
        found = DecisionMessages(self.desk.books, self.log_store)
        app.include_router(ExplainRoutes(self.desk.books, self.desk.history, found).router)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    async def tell(self, event: Event, **envelope: Any) -> str:
        """Take an event as the service does, and return its id."""
        lineage = self.messages.envelope(event, **envelope)
        self.desk.on_fact(event, lineage)
        await self.log_store.record([entry_of(Seen(event, lineage), recorded_at_us=0)])
        return lineage.event_id

    async def strategy(self, effective_from_us: int = 0) -> None:
        """Version 3 is in force."""
        active = ActiveVersion(
            version=3,
            account_id="paper-1",
            venue="binance",
            symbols=("BTCUSDT",),
            interval="1h",
            demands=(FAST, SLOW),
            effective_from_us=effective_from_us,
            digest="d",
            document=STRATEGY,
        )
        fields: dict[str, Any] = {"strategy_id": "ema-cross-btc", "version": 3, "status": ConfigStatus.ACCEPTED}
        await self.tell(StrategyStatusChanged(**fields, reasons=(), active=(active,), answered_at_us=1))

    def bar(self, hour: int, fast: float, slow: float) -> None:
        """A closed bar and its indicator values."""
        close_us = hour * HOUR_US
        candle = self.messages.candle(open_time_us=close_us - HOUR_US, close_time_us=close_us, close=str(100 + hour))
        values = self.messages.indicators(close_us, {FAST: fast, SLOW: slow, "close": 100.0 + hour})
        for event in (candle, values):
            self.desk.on_market(event, self.messages.envelope(event))

    def evaluation(self, hour: int, signal: str, **other: Any) -> StrategyEvaluated:
        rules = {"entry_long": signal == "ENTER_LONG", "exit_long": signal == "EXIT_LONG"}
        return self.messages.evaluation(event_time_us=hour * HOUR_US, signal=signal, **rules | other)

    async def get(self, expected: int = 200, /, **asked: Any) -> Any:
        answer = await self.client.get("/explain", params=asked)
        assert answer.status_code == expected, answer.text
        return answer.json()


@pytest.fixture
async def explainer(messages: Messages) -> AsyncIterator[Explainer]:
    explainer = Explainer(messages)
    yield explainer
    await explainer.client.aclose()


async def traded(explainer: Explainer, hour: int = 2) -> None:
    """A crossing, an approval, and an order that is filled."""
    explainer.bar(hour - 1, 1.0, 2.0)
    explainer.bar(hour, 3.0, 2.0)
    at_us = hour * HOUR_US
    evaluation_id = await explainer.tell(explainer.evaluation(hour, "ENTER_LONG"))
    made = explainer.messages
    ids: dict[str, Any] = {"event_time_us": at_us, "evaluation_id": evaluation_id}
    await explainer.tell(made.assessment(**ids, decision="APPROVED", intents=(INTENT,), rules=()))
    await explainer.tell(made.order(**ids, sequence=1, client_order_id="o1", status="ACCEPTED", filled_qty="0"))
    await explainer.tell(made.order(**ids, sequence=2, client_order_id="o1", status="FILLED"))
    await explainer.tell(made.fill(**ids, sequence=1, client_order_id="o1"))


async def test_order_when_filled_then_the_whole_chain_with_the_rule_that_held(explainer: Explainer) -> None:
    await explainer.strategy()
    await traded(explainer)
    shown = await explainer.get(client_order_id="o1")
    assert shown["verdict"] == "ENTRY order, FILLED: the rules said ENTER_LONG"
    assert (shown["bar"]["close"], shown["time_us"], shown["unknown"]) == (102.0, 2 * HOUR_US, [])
    rule = shown["rules"][0]
    assert (rule["rule"], rule["truth"]) == ("entry_long", True)
    assert (rule["values"], rule["previous"]) == ({"fast": 3.0, "slow": 2.0}, {"fast": 1.0, "slow": 2.0})
    (order,) = shown["orders"]
    assert [change["status"] for change in order["changes"]] == ["ACCEPTED", "FILLED"]
    assert [fill["price"] for fill in order["fills"]] == ["3650.00000000"]
    assert await explainer.get(**ASKED, time_us=HOUR_US + 1) == shown | {
        "question": "ema-cross-btc on BTCUSDT at 3600000 ms",
        "verdict": "traded: the rules said ENTER_LONG and risk approved ENTRY FILLED",
    }


async def test_bar_when_no_rule_held_then_each_rule_with_what_it_saw(explainer: Explainer) -> None:
    await explainer.strategy()
    for hour in (1, 2):
        explainer.bar(hour, 3.0, 2.0)
        await explainer.tell(explainer.evaluation(hour, "HOLD"))
    shown = await explainer.get(**ASKED, time_us=2 * HOUR_US)
    assert shown["verdict"] == "no order: no rule asked for one"
    assert [(rule["rule"], rule["truth"]) for rule in shown["rules"]] == [("entry_long", False), ("exit_long", False)]


async def test_bar_when_risk_refused_then_the_rule_with_its_limit(explainer: Explainer) -> None:
    await explainer.strategy()
    evaluation_id = await explainer.tell(explainer.evaluation(2, "ENTER_LONG"))
    await explainer.tell(explainer.messages.assessment(event_time_us=2 * HOUR_US, evaluation_id=evaluation_id))
    shown = await explainer.get(**ASKED, time_us=2 * HOUR_US)
    assert "risk refused — max_order_notional: 3650 USDT, allowed 3000 USDT" in shown["verdict"]
    assert shown["rules"] is None
    assert [text.partition(";")[0] for text in shown["unknown"]] == [
        "the bar is not in memory",
        "the values of then are not in memory, so the rules could not be evaluated once more",
    ]


async def test_decision_when_memory_let_it_go_then_the_log_store_has_it(explainer: Explainer) -> None:
    await explainer.strategy()
    await traded(explainer)
    for hour in range(3, 9):
        await explainer.tell(explainer.evaluation(hour, "HOLD"))
        await explainer.tell(
            explainer.messages.assessment(event_time_us=hour * HOUR_US, evaluation_id="x", decision="NO_SIGNAL")
        )
    for sequence in range(3, 9):
        await explainer.tell(explainer.messages.order(sequence=sequence, client_order_id=f"o{sequence}"))
        await explainer.tell(explainer.messages.fill(sequence=sequence, client_order_id=f"o{sequence}"))
    assert "o1" not in explainer.desk.books.orders
    shown = await explainer.get(client_order_id="o1")
    assert (shown["verdict"], shown["unknown"]) == ("ENTRY order, FILLED: the rules said ENTER_LONG", [])
    assert (len(shown["orders"][0]["changes"]), len(shown["orders"][0]["fills"])) == (2, 1)
    explainer.log_store.away = True
    assert await explainer.get(503, client_order_id="o1") == {"detail": "the log store does not answer: log store away"}


async def test_bar_when_nothing_was_evaluated_then_why(explainer: Explainer) -> None:
    await explainer.strategy(effective_from_us=4 * HOUR_US)
    explainer.bar(2, 1.0, 2.0)
    shown = await explainer.get(**ASKED, time_us=2 * HOUR_US)
    assert shown["verdict"] == "ema-cross-btc was not in force yet: it decides from 14400000 ms on"
    gap = explainer.messages.gap(event_time_us=5 * HOUR_US, after_us=2 * HOUR_US, before_us=5 * HOUR_US)
    await explainer.tell(gap)
    shown = await explainer.get(**ASKED, time_us=3 * HOUR_US)
    assert shown["verdict"] == "no 1h bar of binance:BTCUSDT closed then, and ingest reported why"
    assert [fault["kind"] for fault in shown["gaps"]] == ["MISSING"]
    shown = await explainer.get(**ASKED, time_us=0)
    assert shown["verdict"] == "not known: neither that bar nor a decision about it is in memory"


async def test_explain_when_asked_wrongly_then_says_what_is_allowed(explainer: Explainer) -> None:
    await explainer.strategy()
    for asked in ({}, ASKED, ASKED | {"time_us": 1, "client_order_id": "o"}, {"strategy_id": "x", "time_us": 1}):
        detail = (await explainer.get(422, **asked))["detail"]
        assert detail == "allowed: client_order_id alone, or strategy_id, symbol and time_us together"
    assert "neither in memory nor in the log" in (await explainer.get(404, client_order_id="no"))["detail"]
    assert "it trades BTCUSDT" in (await explainer.get(404, **ASKED | {"symbol": "X"}, time_us=1))["detail"]
    assert "known: ema-cross-btc" in (await explainer.get(404, **ASKED | {"strategy_id": "x"}, time_us=1))["detail"]


async def test_order_when_no_strategy_asked_for_it_then_said(explainer: Explainer) -> None:
    made = explainer.messages
    await explainer.tell(made.order(client_order_id="f1", leg="FLATTEN", evaluation_id=None, event_time_us=5))
    shown = await explainer.get(client_order_id="f1")
    assert shown["verdict"] == "FLATTEN order, FILLED: no strategy's bar asked for it"
    assert (shown["evaluation"], shown["unknown"], shown["interval"]) == (None, [], None)
