"""What every MarketDataPort must do. An adapter's test class inherits this and says how to make one."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar, cast

from tradewire.ports.events import CandleClosed, GapDetected, MarkPriceUpdated, TopOfBook, TradeSeen
from tradewire.ports.market_data import MarketDataPort
from tradewire.ports.message import Event

Key = tuple[str, str]
MarketEvent = CandleClosed | GapDetected | MarkPriceUpdated | TopOfBook | TradeSeen


def key_of(event: Event) -> Key:
    """Venue and symbol of a market event."""
    assert isinstance(event, MarketEvent), f"{type(event).__name__} is no market event"
    return event.venue, event.symbol


def time_us(event: Event) -> int:
    """Event time (µs): the close of a candle, the venue's time of anything else but gaps."""
    return event.close_time_us if isinstance(event, CandleClosed) else cast("TradeSeen", event).event_time_us


def _unmarked(candle: CandleClosed) -> CandleClosed:
    """The bar, however it came."""
    return candle.model_copy(update={"backfilled": False})


def _generator(market: MarketDataPort, resume_after_us: Mapping[Key, int]) -> AsyncGenerator[Event, None]:
    return cast("AsyncGenerator[Event, None]", market.events(resume_after_us))


class MarketDataSuite:
    """The port's contract."""

    recorded: ClassVar[bool] = True
    """A recorded stream ends and marks its last bars; a live one does neither."""
    until_us: ClassVar[int] = 0
    """Close (µs) up to which a live source is read: it must have a bar then, for each of its keys."""

    @abstractmethod
    def market(self) -> MarketDataPort:
        """A new adapter over the same data each time."""

    async def taken(self, resume_after_us: Mapping[Key, int] | None = None) -> list[Event]:
        """What a new adapter gives: all of a recorded stream, a live one up to ``until_us``."""
        async with self._open() as market:
            waiting = {(item.venue, item.symbol) for item in await market.instruments()}
            events: list[Event] = []
            async with aclosing(_generator(market, resume_after_us or {})) as stream:
                async for event in stream:
                    events.append(event)
                    if isinstance(event, CandleClosed) and event.close_time_us >= self.until_us:
                        waiting.discard(key_of(event))
                    if not (self.recorded or waiting):
                        break
            return events

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[MarketDataPort]:
        market = self.market()
        try:
            yield market
        finally:
            await market.close()

    async def test_events_when_read_whole_holds_candles_of_offered_instruments(self) -> None:
        async with self._open() as market:
            offered = {(item.venue, item.symbol): item for item in await market.instruments()}
        candles = [event for event in await self.taken() if isinstance(event, CandleClosed)]
        assert candles
        for candle in candles:
            assert candle.interval in offered[key_of(candle)].intervals
            assert candle.open_time_us < candle.close_time_us

    async def test_events_per_key_are_in_event_time(self) -> None:
        times: dict[Key, list[int]] = defaultdict(list)
        for event in await self.taken():
            if not isinstance(event, GapDetected):
                times[key_of(event)].append(time_us(event))
        for key, found in times.items():
            assert found == sorted(found), key

    async def test_events_candles_are_sound_and_rise_without_repeats(self) -> None:
        last: dict[Key, int] = {}
        for candle in await self.taken():
            if isinstance(candle, CandleClosed):
                assert 0 < candle.low <= min(candle.open, candle.close)
                assert candle.high >= max(candle.open, candle.close)
                assert candle.volume >= 0
                assert not candle.synthetic
                assert candle.open_time_us >= last.get(key_of(candle), candle.open_time_us)
                last[key_of(candle)] = candle.close_time_us

    async def test_events_when_bars_are_missing_are_preceded_by_a_report_of_them(self) -> None:
        last: dict[Key, int] = {}
        reported: dict[Key, int] = {}
        for event in await self.taken():
            if isinstance(event, GapDetected) and event.before_us is not None:
                reported[key_of(event)] = event.before_us
            elif isinstance(event, CandleClosed):
                key = key_of(event)
                if event.open_time_us != last.get(key, event.open_time_us):
                    assert reported.get(key) == event.open_time_us
                last[key] = event.close_time_us

    async def test_events_when_read_again_are_the_same(self) -> None:
        assert await self.taken() == await self.taken()

    async def test_events_when_resumed_after_a_close_go_on_behind_it(self) -> None:
        candles = [event for event in await self.taken() if isinstance(event, CandleClosed)]
        keys = {key_of(candle) for candle in candles}
        for cut in (candles[0], candles[len(candles) // 2]):
            assert cut.close_time_us < candles[-1].close_time_us, "the suite needs bars behind the middle one"
            again = await self.taken(dict.fromkeys(keys, cut.close_time_us))
            expected = [_unmarked(candle) for candle in candles if candle.close_time_us > cut.close_time_us]
            assert [_unmarked(event) for event in again if isinstance(event, CandleClosed)] == expected

    async def test_events_when_recorded_marks_the_last_bar_of_each_key_and_no_other(self) -> None:
        last: dict[Key, CandleClosed] = {}
        marked: list[CandleClosed] = []
        for event in await self.taken():
            if isinstance(event, CandleClosed):
                last[key_of(event)] = event
                marked += [event] if event.last_of_stream else []
        expected = sorted(last.values(), key=key_of) if self.recorded else []
        assert sorted(marked, key=key_of) == expected

    async def test_close_in_the_middle_and_twice_is_fine(self) -> None:
        market = self.market()
        stream = _generator(market, {})
        await anext(stream)
        await stream.aclose()
        await market.close()
        await market.close()
