"""The live stream: what changes, to who asked, within bounds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import HTTPException

from tradewire.ports.message import Event
from tradewire.telemetry.adapters.api import stream as module
from tradewire.telemetry.adapters.api.stream import QUEUED_MAX, SUBSCRIBERS_MAX, UpdateStream
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any


@pytest.fixture
def stream() -> UpdateStream:
    stream = UpdateStream()
    stream.open()
    return stream


@pytest.fixture
def desk(stream: UpdateStream) -> TelemetryDesk:
    return TelemetryDesk(Books(), listener=stream.publish)


def tell(desk: TelemetryDesk, messages: Messages, *events: Event) -> None:
    for event in events:
        desk.on_fact(event, messages.envelope(event))


async def listen(
    stream: UpdateStream, account_id: str | None = None, kind: list[str] | None = None
) -> AsyncIterator[str]:
    """A reader that is connected."""
    texts: AsyncIterator[str] = (await stream.updates(account_id, kind)).body_iterator  # type: ignore[assignment]
    assert await anext(texts) == ": connected\n\n"
    return texts


async def test_stream_when_the_state_changes_then_each_reader_is_told_what_it_asked_for(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    every, mine = await listen(stream), await listen(stream, "paper-2", ["OrderFilled"])
    tell(desk, messages, messages.order(), messages.fill(account_id="paper-2"), messages.order())
    stream.close()
    texts = [text async for text in every]
    assert [text.splitlines()[0] for text in texts] == ["event: OrderChanged", "event: OrderFilled"]
    (fill,) = [text async for text in mine]
    assert fill == texts[1]
    assert fill.endswith("\n\n")
    lines = fill.splitlines()
    assert lines[1] == "id: id-000001"
    assert json.loads(lines[2].removeprefix("data: "))["event"]["price"] == "3650.00000000"


async def test_stream_when_a_reader_is_too_slow_then_cut_off_and_the_others_go_on(
    stream: UpdateStream, desk: TelemetryDesk, messages: Messages
) -> None:
    slow, fast = await listen(stream), await listen(stream, kind=["OrderChanged"])
    fills = [messages.fill(sequence=n) for n in range(1, QUEUED_MAX + 10)]
    tell(desk, messages, *fills, messages.order())
    assert len([text async for text in slow]) == QUEUED_MAX
    assert "OrderChanged" in await anext(fast)


async def test_stream_when_nothing_happens_then_a_comment_keeps_it_open(
    stream: UpdateStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.001)
    texts = await listen(stream)
    assert await anext(texts) == ": still here\n\n"


async def test_stream_when_full_or_closed_then_503(stream: UpdateStream) -> None:
    readers = [await listen(stream) for _ in range(SUBSCRIBERS_MAX)]
    with pytest.raises(HTTPException):
        await stream.updates(None, None)
    await readers.pop().aclose()  # type: ignore[attr-defined]
    readers.append(await listen(stream))
    stream.close()
    assert [[text async for text in reader] for reader in readers] == [[]] * SUBSCRIBERS_MAX
    with pytest.raises(HTTPException):
        await stream.updates(None, None)
