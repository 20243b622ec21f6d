"""The live stream: what changes, to who asked, within bounds, and nobody misses a thing untold."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException

from tradewire.ports.message import Event
from tradewire.telemetry.adapters.api import stream as module
from tradewire.telemetry.adapters.api.state import StateRoutes
from tradewire.telemetry.adapters.api.stream import AT_HEADER, READERS_MAX, TOGETHER_MAX, UpdateStream
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.domain.updates import FACTS_QUEUED_MAX
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


@dataclass(frozen=True)
class Sent:
    """One server-sent event."""

    event: str
    id: str | None
    data: dict[str, Any]


@pytest.fixture
def stream() -> UpdateStream:
    stream = UpdateStream(ManualClock(), lambda: 7)
    stream.open()
    return stream


@pytest.fixture
def desk(stream: UpdateStream) -> TelemetryDesk:
    return TelemetryDesk(Books(), listener=stream.publish)


def tell(desk: TelemetryDesk, messages: Messages, *events: Event) -> None:
    for event in events:
        desk.on_fact(event, messages.envelope(event))


def sent(text: str) -> Sent:
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return Sent(fields["event"], fields.get("id"), json.loads(fields["data"]))


def all_sent(text: str) -> list[Sent]:
    return [sent(one) for one in text.split("\n\n") if one]


async def listen(stream: UpdateStream, **asked: Any) -> AsyncIterator[str]:
    """A reader that is connected."""
    asked = {"account_id": None, "kind": None, "from_": None, "last_event_id": None} | asked
    texts: AsyncIterator[str] = (await stream.updates(**asked)).body_iterator  # type: ignore[assignment]
    assert sent(await anext(texts)).event == "beat"
    return texts


async def rest(texts: AsyncIterator[str]) -> list[Sent]:
    return [one async for text in texts for one in all_sent(text)]


async def test_stream_when_the_state_changes_then_each_reader_is_told_what_it_asked_for(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    every, mine = await listen(stream), await listen(stream, account_id="paper-2", kind=["OrderFilled"])
    before = stream.at
    tell(desk, messages, messages.order(), messages.fill(account_id="paper-2"), messages.order())
    stream.close()
    all_of_it = await rest(every)
    assert [one.event for one in all_of_it] == ["OrderChanged", "OrderFilled"]
    (fill,) = await rest(mine)
    assert fill == all_of_it[1]
    assert (fill.id, before) == (stream.at, fill.id.replace("-2", "-0") if fill.id else None)
    assert fill.data["event"]["price"] == "3650.00000000"
    assert fill.data["event_id"] == "id-000001"


async def test_stream_when_cut_then_last_event_id_or_from_brings_the_rest(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    first = await listen(stream)
    tell(desk, messages, *(messages.fill(sequence=n) for n in range(1, 4)))
    got = all_sent(await anext(first))
    assert len(got) == 3
    await first.aclose()  # type: ignore[attr-defined]
    tell(desk, messages, messages.fill(sequence=4), messages.fill(sequence=5))
    by_header = await listen(stream, last_event_id=got[-1].id, from_=got[0].id)
    by_query = await listen(stream, from_=got[-1].id)
    stream.close()
    assert [one.data["event"]["sequence"] for one in await rest(by_header)] == [4, 5]
    assert [one.data["event"]["sequence"] for one in await rest(by_query)] == [4, 5]


@pytest.mark.parametrize("given", ["id-000003", "", "0-17", "-", "x-999999999999999999999"])
async def test_stream_when_the_position_is_of_another_life_then_reset_first(
    given: str, stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    tell(desk, messages, messages.order())
    texts = await listen(stream, last_event_id=given)
    reset = sent(await anext(texts))
    assert (reset.event, reset.id, reset.data) == ("reset", stream.at, {"reason": "restart", "at": stream.at})


async def test_stream_when_the_books_are_read_again_then_each_reader_is_told(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    texts, before = await listen(stream), stream.at
    tell(desk, messages, messages.order())
    stream.begin_anew()
    tell(desk, messages, messages.fill())
    stream.close()
    got = await rest(texts)
    assert [one.event for one in got] == ["reset", "OrderFilled"]
    assert stream.at.split("-")[0] != before.split("-")[0]


async def test_stream_when_a_reader_is_too_slow_then_told_so_and_goes_on(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    slow, fast = await listen(stream), await listen(stream, kind=["OrderChanged"])
    fills = [messages.fill(sequence=n) for n in range(1, FACTS_QUEUED_MAX + 10)]
    tell(desk, messages, *fills, messages.order())
    stream.close()
    got = await rest(slow)
    assert (got[0].event, got[0].data["reason"]) == ("reset", "slow")
    assert [one.event for one in got[1:]] == ["OrderFilled"] * 8 + ["OrderChanged"]
    assert [one.event for one in await rest(fast)] == ["OrderChanged"]


async def test_stream_when_much_is_queued_then_others_get_their_turn_meanwhile(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    texts = await listen(stream)
    tell(desk, messages, *(messages.fill(sequence=n) for n in range(1, 20 * TOGETHER_MAX + 1)))
    stream.close()
    reading, turns = asyncio.create_task(rest(texts)), 0
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 20
    assert len(reading.result()) == 20 * TOGETHER_MAX


async def test_stream_when_state_changes_often_then_only_the_newest_of_each_key(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    texts = await listen(stream)
    for n in range(1, 100):
        tell(desk, messages, messages.state(sequence=n), messages.state(account_id="paper-2", sequence=n))
        candle = messages.candle(close_time_us=n)
        desk.on_market(candle, messages.envelope(candle))
    stream.close()
    got = await rest(texts)
    assert [(one.event, one.data["event"].get("sequence", one.data["event"].get("close_time_us"))) for one in got] == [
        ("AccountStateChanged", 99),
        ("AccountStateChanged", 99),
        ("CandleClosed", 99),
    ]


async def test_stream_when_an_account_is_watched_then_gaps_are_heard_whatever_was_chosen(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    texts = await listen(stream, account_id="paper-1", kind=["OrderFilled"])
    tell(desk, messages, messages.gap(), messages.order(account_id="paper-2"), messages.order())
    stream.close()
    assert [one.event for one in await rest(texts)] == ["GapDetected"]


async def test_beat_when_it_is_time_then_the_clock_and_what_is_queued_also_when_busy(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.0)
    texts = await listen(stream)
    idle = sent(await anext(texts))
    assert (idle.event, idle.id) == ("beat", stream.at)
    assert idle.data == {"now_us": ManualClock().now_us(), "event_time_us": 7, "at": stream.at, "queued": 0}
    tell(desk, messages, messages.fill(sequence=1), messages.fill(sequence=2))
    busy = sent(await anext(texts))
    assert (busy.event, busy.id, busy.data["queued"], busy.data["at"]) == ("beat", None, 2, stream.at)


async def test_stream_when_full_or_closed_then_503(stream: UpdateStream) -> None:
    readers = [await listen(stream) for _ in range(READERS_MAX)]
    with pytest.raises(HTTPException):
        await listen(stream)
    await readers.pop().aclose()  # type: ignore[attr-defined]
    readers.append(await listen(stream))
    stream.close()
    assert [await rest(reader) for reader in readers] == [[]] * READERS_MAX
    with pytest.raises(HTTPException):
        await listen(stream)


async def test_snapshot_when_read_then_its_position_joins_it_with_the_stream(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    app = FastAPI()
    app.include_router(StateRoutes(desk.books).router, dependencies=[Depends(stream.tell_position)])
    tell(desk, messages, messages.fill(sequence=1))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/fills")
    tell(desk, messages, messages.fill(sequence=2), messages.fill(sequence=3))
    texts = await listen(stream, from_=answer.headers[AT_HEADER])
    stream.close()
    known = [one["event"]["sequence"] for one in answer.json()["items"]]
    assert known + [one.data["event"]["sequence"] for one in await rest(texts)] == [1, 2, 3]
