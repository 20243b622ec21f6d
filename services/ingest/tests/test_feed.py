"""From a source to batches: instruments first, the source's order, nothing while paused, failures not hidden."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence

import pytest

from tradewire.ingest.feed import BATCH_EVENTS_MAX, Feed, emit_of
from tradewire.ports.errors import RetryableError
from tradewire.ports.events import CandleClosed, ControlLevel, GapDetected, GapKind, InstrumentChanged
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Emit, Event
from tradewire.runtime.loop.resuming import Enough
from tradewire.testkit.builders import ETH, candle, control, envelope, instrument
from tradewire.testkit.random_markets import chained


class ListedSource(MarketDataPort):
    """Yields a list, then fails or ends."""

    def __init__(self, events: Sequence[Event], error: Exception | None = None) -> None:
        self.listed, self.error, self.asked = events, error, 0
        self.resumed: Mapping[tuple[str, str], int] = {}

    async def instruments(self) -> list[InstrumentChanged]:
        return [instrument()]

    async def markets(self) -> list[tuple[str, str]]:
        return [("sim", "BTCUSDT")]

    async def events(self, resume: Mapping[tuple[str, str], int]) -> AsyncIterator[Event]:
        self.resumed = resume
        for event in self.listed:
            self.asked += 1
            yield event
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        pass


async def nothing_published(_: Collection[str], __: Enough) -> dict[str, Sequence[Event]]:
    """A topic without records."""
    return {}


async def published_until_7(keys: Collection[str], enough: Enough) -> dict[str, Sequence[Event]]:
    """A topic with bars 0 to 7 of each key, and one far ahead that does not belong to them."""
    bars = [*chained([candle(number) for number in range(8)]), candle(5000)]
    assert enough(bars)
    return dict.fromkeys(keys, bars)


async def everything(feed: Feed) -> list[list[Emit]]:
    """All batches."""
    return [list(batch) async for batch in feed.batches(nothing_published)]


def pause(feed: Feed, level: ControlLevel, scope: str = "service:ingest", issued_at_us: int = 1) -> None:
    """Say a level to the feed."""
    event = control(scope, level, issued_at_us)
    assert list(feed.on_control(event, envelope(event))) == []


async def test_batches_when_source_ends_then_instruments_first_and_events_in_order() -> None:
    bars = [candle(number) for number in range(BATCH_EVENTS_MAX * 2 + 7)]
    feed = Feed(ListedSource(bars))
    first, *batches = await everything(feed)
    assert [emit.event for emit in first] == [instrument()]
    assert [emit.event for batch in batches for emit in batch] == chained(bars)
    assert max(map(len, batches)) <= BATCH_EVENTS_MAX
    assert feed.status() == {"paused": False, "published": len(bars), "faults": 0, "ended": True, "controls": {}}


async def test_batches_when_something_was_published_before_then_source_resumes_after_it() -> None:
    source = ListedSource([])
    async for _ in Feed(source).batches(published_until_7):
        pass
    assert source.resumed == {("sim", "BTCUSDT"): candle(7).close_time_us}


async def test_batches_when_paused_then_nothing_goes_out_until_resumed() -> None:
    feed = Feed(ListedSource([candle(0)]))
    pause(feed, ControlLevel.PAUSED)
    batches = feed.batches(nothing_published)
    assert isinstance(batches, AsyncGenerator)
    assert [emit.event for emit in await anext(batches)] == [instrument()]
    waiting = asyncio.ensure_future(anext(batches))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    pause(feed, ControlLevel.NORMAL, issued_at_us=2)
    assert [emit.event for emit in await waiting] == chained([candle(0)])
    await batches.aclose()


async def test_source_when_paused_then_does_not_run_ahead_of_what_goes_out() -> None:
    source = ListedSource([candle(number) for number in range(100)])
    feed = Feed(source)
    pause(feed, ControlLevel.PAUSED)
    batches = feed.batches(nothing_published)
    await anext(batches)
    waiting = asyncio.ensure_future(anext(batches))
    for _ in range(10):
        await asyncio.sleep(0)
    assert source.asked <= 1
    pause(feed, ControlLevel.NORMAL, issued_at_us=2)
    assert [emit.event for emit in await waiting][:1] == chained([candle(0)])
    assert isinstance(batches, AsyncGenerator)
    await batches.aclose()


async def test_control_when_another_service_is_paused_or_all_only_reduce_then_market_goes_on() -> None:
    feed = Feed(ListedSource([candle(0)]))
    pause(feed, ControlLevel.PAUSED, "service:risk")
    pause(feed, ControlLevel.REDUCE_ONLY, "global")
    assert len(await everything(feed)) == 2


async def test_control_when_everything_is_flattened_and_resumed_then_a_paused_ingest_stays_paused() -> None:
    feed = Feed(ListedSource([candle(0)]))
    pause(feed, ControlLevel.PAUSED)
    for number, level in enumerate((ControlLevel.FLATTEN, ControlLevel.NO_NEW, ControlLevel.NORMAL), start=2):
        pause(feed, level, "global", issued_at_us=number)
        assert feed.status()["paused"] is True
        assert [waits.reason for waits in feed.waits()] == ["paused"]


async def test_batches_when_source_fails_then_raised_after_what_came_before() -> None:
    batches = Feed(ListedSource([candle(0)], RetryableError("gone"))).batches(nothing_published)
    found = [[emit.event for emit in await anext(batches)] for _ in range(2)]
    assert found == [[instrument()], chained([candle(0)])]
    with pytest.raises(RetryableError, match="gone"):
        await anext(batches)


async def test_batches_when_a_fault_passes_then_counted() -> None:
    gap = GapDetected(venue="sim", symbol="BTCUSDT", interval="1h", kind=GapKind.MISSING, event_time_us=1, missing=2)
    feed = Feed(ListedSource([candle(0), gap, candle(3)]))
    await everything(feed)
    assert feed.status()["faults"] == 1


def test_id_when_the_venue_says_it_again_then_the_same_and_another_for_anything_else() -> None:
    events: list[CandleClosed | InstrumentChanged] = [
        candle(0),
        candle(1),
        candle(0, symbol=ETH),
        candle(0, interval="4h"),
        instrument(),
        instrument(valid_from_us=1),
    ]
    ids = [emit_of(event).event_id for event in events]
    assert len(set(ids)) == len(ids)
    assert ids == [emit_of(event.model_copy()).event_id for event in events]
    assert emit_of(candle(0, 100)).event_id == emit_of(candle(0, 101)).event_id
