"""Marks at bars, and the history of what people set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from tradewire.ports.events import (
    ActiveVersion,
    ConfigStatus,
    ControlChanged,
    InstrumentChanged,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.telemetry.adapters.api.chart import ChartRoutes
from tradewire.telemetry.adapters.api.examples import EXAMPLES
from tradewire.telemetry.adapters.api.state import StateRoutes
from tradewire.telemetry.domain.bar_history import BarHistory
from tradewire.telemetry.domain.books import BookBounds, Books

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


class Board:
    """Books and the routes over them."""

    def __init__(self, messages: Messages, bounds: BookBounds | None = None) -> None:
        self.messages, self.books = messages, Books(bounds)
        app = FastAPI()
        for router in (ChartRoutes(BarHistory(), self.books).router, StateRoutes(self.books).router):
            app.include_router(router)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")

    def take(self, *events: Event) -> None:
        for event in events:
            self.books.take(event, self.messages.envelope(event))

    async def get(self, path: str = "/annotations", /, **asked: Any) -> Any:
        answer = await self.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def board(messages: Messages) -> AsyncIterator[Board]:
    board = Board(messages)
    yield board
    await board.client.aclose()


def status(effective_from_us: int, version: int = 3) -> StrategyStatusChanged:
    active = ActiveVersion(
        version=version,
        account_id="paper-1",
        venue="binance",
        symbols=("BTCUSDT", "ETHUSDT"),
        interval="1h",
        demands=(),
        effective_from_us=effective_from_us,
        digest="d",
        document="text",
    )
    return StrategyStatusChanged(
        strategy_id="ema-cross-btc",
        version=version,
        status=ConfigStatus.ACCEPTED,
        reasons=(),
        active=(active,),
        answered_at_us=1,
    )


async def test_annotations_when_all_happened_then_each_kind_at_its_bar_newest_first(board: Board) -> None:
    made = board.messages
    board.take(
        status(1),
        made.fill(sequence=1, event_time_us=2),
        made.assessment(event_time_us=3),
        made.order(sequence=2, event_time_us=4, client_order_id="o2", status="REJECTED", reason="margin"),
        made.gap(event_time_us=5),
        made.fill(sequence=3, event_time_us=6, leg="STOP_LOSS", side="SELL"),
        made.fill(sequence=4, event_time_us=7, leg="LIQUIDATION", side="SELL"),
        made.assessment(event_time_us=8, decision="NO_ACTION", evaluation_id="e8"),
    )
    shown = await board.get(symbol="BTCUSDT")
    assert [(mark["time_us"], mark["kind"]) for mark in shown["items"]] == [
        (7, "LIQUIDATION"),
        (6, "EXIT"),
        (5, "GAP"),
        (4, "REJECTION"),
        (3, "REFUSAL"),
        (2, "ENTRY"),
        (1, "CONFIG"),
    ]
    texts = {mark["kind"]: mark["text"] for mark in shown["items"]}
    assert texts["REFUSAL"] == "max_order_notional 3650 USDT, allowed 3000 USDT"
    assert texts["REJECTION"] == "ENTRY REJECTED: margin"
    assert texts["ENTRY"] == "ENTRY BUY 1 at 3650"
    assert (shown["next"], shown["complete_from_us"]) == (None, None)


async def test_annotations_when_chosen_then_only_those_and_what_concerns_all(board: Board) -> None:
    made = board.messages
    board.take(
        made.fill(sequence=1, event_time_us=2),
        made.fill(sequence=1, event_time_us=3, account_id="paper-2"),
        made.gap(event_time_us=4),
        made.fill(sequence=2, event_time_us=5, symbol="ETHUSDT"),
    )
    shown = await board.get(symbol="BTCUSDT", account_id="paper-2", from_us=1, to_us=5)
    assert [mark["kind"] for mark in shown["items"]] == ["GAP", "ENTRY"]
    assert [mark["time_us"] for mark in (await board.get(kind=["ENTRY"], venue="binance"))["items"]] == [5, 3, 2]
    assert (await board.get(venue="kraken"))["items"] == []


async def test_annotations_when_paged_then_each_once(board: Board) -> None:
    for number in range(1, 24):
        board.take(board.messages.fill(sequence=number, event_time_us=number // 3))
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        shown = await board.get(limit=5, **after)
        found += [mark["ref"] for mark in shown["items"]]
        if shown["next"] is None:
            break
        after = {"after": shown["next"]}
    assert (len(found), len(set(found))) == (23, 23)


async def test_annotations_when_older_made_room_then_said_from_when_on_all_are_there(messages: Messages) -> None:
    board = Board(messages, BookBounds(fills=2))
    for number in (1, 2, 3):
        board.take(messages.fill(sequence=number, event_time_us=number))
    assert (await board.get())["complete_from_us"] == 2
    await board.client.aclose()


async def test_controls_history_when_levels_were_set_then_who_and_why_newest_first(board: Board) -> None:
    for number, (level, author) in enumerate((("NO_NEW", "ann"), ("NORMAL", "bob"))):
        control = ControlChanged(scope="global", level=level, reason="drill", author=author, issued_at_us=number)
        envelope = board.messages.envelope(control, event_time_us=number)
        board.books.take(control, envelope)
        board.books.take(control, envelope)
    shown = [item["event"] for item in (await board.get("/controls/history"))["items"]]
    assert [(event["level"], event["author"]) for event in shown] == [("NORMAL", "bob"), ("NO_NEW", "ann")]


async def test_instruments_when_chosen_then_steps_are_text_with_their_digits(board: Board) -> None:
    (example,) = EXAMPLES["instruments"]
    board.take(InstrumentChanged(**example), InstrumentChanged(**example | {"symbol": "ETHUSDT"}))
    (shown,) = await board.get("/instruments", symbol="BTCUSDT")
    assert shown == example


def test_versions_when_one_follows_another_then_both_stay_within_the_bound(messages: Messages) -> None:
    books = Books(BookBounds(versions=2))
    for version in (1, 2, 3):
        event = status(version, version)
        books.take(event, messages.envelope(event))
    assert list(books.versions) == [("ema-cross-btc", 2), ("ema-cross-btc", 3)]
