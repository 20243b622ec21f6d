"""Candles by WebSocket and REST, against the simulated venue on loopback: whatever happens, no hole and no double."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
from libs.venue.tests.venues import MINUTE_US, NOW_US
from services.ingest.tests.watched_venue import HISTORY, SYMBOLS, check_whole, live, watching

from tradewire.binance.streams import enveloped
from tradewire.ingest.adapters.binance_live import LiveMarket
from tradewire.ports.errors import FatalError
from tradewire.ports.events import (
    GapDetected,
    GapKind,
    InstrumentStatus,
    MarkPriceUpdated,
    TopOfBook,
    TradeSeen,
)
from tradewire.ports.market_data import MarketDataPort
from tradewire.testkit.market_data_suite import MarketDataSuite
from tradewire.trading.exchange import to_e8
from tradewire.venue.faults import ScriptedFault


async def test_bars_come_by_the_stream_as_they_close_after_the_history() -> None:
    async with watching() as watched:
        await watched.start()
        await watched.until_minute(3)
        assert watched.minutes()[0] == -HISTORY
        check_whole(watched, 3)
        assert watched.backfilled() == []
        assert watched.gaps(*GapKind) == []


async def test_a_crash_leaves_no_hole_and_no_double() -> None:
    async with watching() as watched:
        await watched.start()
        await watched.until_minute(1)
        await watched.kill()
        await watched.pass_minutes(12)
        await watched.start()
        await watched.until_minute(15)
        check_whole(watched, 15)
        assert set(range(2, 13)) <= set(watched.backfilled()) | {13}
        assert watched.gaps(GapKind.MISSING) == []
        assert sum(missing for _, missing in watched.gaps(GapKind.FILLED)) == sum(
            len(watched.backfilled(symbol)) for symbol in SYMBOLS
        )


async def test_a_connection_that_is_cut_is_opened_again_and_what_it_missed_is_asked_for() -> None:
    async with watching() as watched:
        await watched.start()
        await watched.until_minute(1)
        for connection in list(watched.server._connections):
            await connection.socket.close()
        await watched.pass_minutes(3, step_s=60.0)
        await watched.until_minute(8)
        check_whole(watched, 8)
        assert watched.backfilled()
        assert watched.source._streams.counts.ends["closed"] == 1


async def test_a_day_passes_with_the_cut_that_the_venue_makes() -> None:
    async with watching() as watched:
        watched.silent_s = 60.0  # the venue alone ends a connection, however slow this machine is
        await watched.start()
        await watched.until_minute(1)
        await watched.pass_minutes(24 * 60, step_s=3600.0)
        await watched.until_minute(24 * 60 + 4)
        check_whole(watched, 24 * 60 + 4)
        assert watched.source._streams.counts.ends["closed"] >= 1


async def test_funding_is_told_by_the_bar_it_belongs_to_at_each_symbols_own_times() -> None:
    hour_us = 60 * MINUTE_US
    async with watching() as watched:
        markets = watched.client.venue.markets
        markets["ETHUSDT"].listing = replace(markets["ETHUSDT"].listing, funding_hours=4)
        watched.client.venue.listings["ETHUSDT"] = markets["ETHUSDT"].listing
        await watched.start()
        await watched.until_minute(1)
        await watched.kill()
        await watched.pass_minutes(9 * 60, step_s=60.0)  # a hole over several settlements
        await watched.start()
        await watched.until_minute(9 * 60 + 3)
        await watched.pass_minutes(8 * 60, step_s=60.0)  # and while it runs
        await watched.until_minute(17 * 60 + 5)
        check_whole(watched, 17 * 60 + 5)
        for symbol, hours in (("BTCUSDT", 8), ("ETHUSDT", 4)):
            bars = watched.candles(symbol)
            first_us, last_us, every_us = bars[0].open_time_us, bars[-1].close_time_us, hours * hour_us
            due = list(range(first_us // every_us * every_us + every_us, last_us + 1, every_us))
            assert [bar.close_time_us for bar in bars if bar.funding_rate is not None] == due
            assert len(due) >= 16 // hours


async def test_a_stream_that_falls_silent_costs_no_bar() -> None:
    async with watching(ScriptedFault("silent", at_s=130, seconds=600)) as watched:
        await watched.start()
        await watched.until_minute(14)
        check_whole(watched, 14)
        assert set(watched.backfilled()) >= set(range(3, 11))
        assert watched.source._streams.counts.ends["silent"] >= 1


async def test_a_halted_symbol_has_no_bars_and_says_why() -> None:
    async with watching(ScriptedFault("halt", symbol="BTCUSDT", at_s=120, seconds=300)) as watched:
        await watched.start()
        await watched.until_minute(10)
        check_whole(watched, 10, without=range(2, 7))
        assert [item.status.value for item in watched.instruments()] == ["TRADING", "BREAK", "TRADING"]
        (gap,) = [e for e in watched.events if isinstance(e, GapDetected) and e.kind is GapKind.MISSING]
        assert (gap.symbol, gap.missing, gap.field, gap.found) == ("BTCUSDT", 5, "status", "halted")


async def test_a_symbol_that_leaves_the_list_is_closed_and_the_others_go_on() -> None:
    async with watching(ScriptedFault("delist", symbol="BTCUSDT", at_s=150)) as watched:
        await watched.start()
        await watched.until_minute(6, symbols=("ETHUSDT",))
        assert watched.minutes()[-1] == 1
        await watched.until(lambda: len(watched.instruments()) == 2)
        assert watched.instruments()[-1].status is InstrumentStatus.CLOSED
        await watched.kill()
        await watched.start()  # a symbol that was followed before is no reason to stop
        await watched.until_minute(8, symbols=("ETHUSDT",))


async def test_a_symbol_that_comes_back_to_the_list_is_followed_over_the_open_connections() -> None:
    async with watching(ScriptedFault("list", symbol="ETHUSDT", at_s=130)) as watched:
        watched.silent_s = 60.0
        watched.resume["binance", "ETHUSDT"] = NOW_US - 5 * MINUTE_US  # followed before it left the list
        await watched.start()
        await watched.until_minute(6)
        assert [item.status for item in watched.instruments("ETHUSDT")] == [InstrumentStatus.TRADING]
        assert set(watched.backfilled("ETHUSDT")) <= set(range(-5, 4)), "the stream brings what closes from then on"
        assert watched.minutes("ETHUSDT") == list(range(-5, 7))
        assert not watched.source._streams.counts.ends


async def test_brackets_are_asked_for_with_the_instruments_and_a_new_version_is_dated_when_it_was_seen() -> None:
    async with watching() as watched:
        watched.keys = True
        await watched.start()
        await watched.until_minute(1)
        listing = watched.client.venue.listings["BTCUSDT"]
        tiers = tuple(replace(tier, max_leverage=tier.max_leverage // 2) for tier in listing.spec.brackets)
        changed_us = watched.client.clock.now_us()
        watched.client.venue.listings["BTCUSDT"] = replace(listing, spec=replace(listing.spec, brackets=tiers))
        await watched.until(lambda: len(watched.instruments()) == 2)
        first, second = watched.instruments()
        for told, shown in ((first, listing.spec.brackets), (second, tiers)):
            assert [(to_e8(tier.notional_cap), tier.max_leverage) for tier in told.brackets] == [
                (tier.cap_e8, tier.max_leverage) for tier in shown
            ]
        assert (first.valid_from_us, second.valid_from_us >= changed_us) == (NOW_US, True)
        watched.client.venue.api_keys.verifiers.clear()  # the key is revoked: what it told stands, and candles go on
        await watched.until_minute(4)
        assert len(watched.instruments()) == 2
        await watched.kill()
        watched.source = live(watched)
        with pytest.raises(FatalError, match=r"/fapi/v1/leverageBracket: HTTP 401: .*-2015"):
            await watched.source.instruments()


async def test_rules_that_change_are_published_from_then_on() -> None:
    async with watching(ScriptedFault("filters", symbol="BTCUSDT", at_s=90, step_size=Decimal("0.01"))) as watched:
        await watched.start()
        await watched.until(lambda: len(watched.instruments()) == 2)
        first, second = watched.instruments()
        assert (str(first.step_size), str(second.step_size)) == ("0.001", "0.01")
        assert second.valid_from_us >= NOW_US + 90_000_000 > first.valid_from_us
        assert len(watched.instruments("ETHUSDT")) == 1


async def test_marks_quotes_and_trades_leave_as_they_come() -> None:
    async with watching() as watched:
        watched.extra = ("quote", "trade")
        await watched.start()
        await watched.until_minute(2)
        check_whole(watched, 2)
        for kind in (MarkPriceUpdated, TopOfBook, TradeSeen):
            told = [event for event in watched.events if isinstance(event, kind)]
            assert {event.symbol for event in told} == set(SYMBOLS)
            for symbol in SYMBOLS:
                times = [event.event_time_us for event in told if event.symbol == symbol]
                assert times == sorted(times)
        assert watched.source._streams.counts.open == 2  # quotes have an address of their own


async def test_a_slow_reader_costs_quotes_and_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewire.ingest.adapters.binance_streams.QUOTES_QUEUED_MAX", 20)
    async with watching() as watched:
        watched.extra = ("quote",)
        await watched.start()
        await watched.until_minute(0)
        watched.held.clear()
        await watched.until(lambda: watched.source._streams.counts.dropped > 100)
        watched.held.set()
        await watched.until_minute(8)
        check_whole(watched, 8)


async def test_bars_that_come_late_or_twice_are_rejected_and_reported() -> None:
    async with watching() as watched:
        await watched.start()
        await watched.until_minute(3)
        market = watched.client.venue.markets["BTCUSDT"]
        for minute in (1, 3):
            again = market.kline("1m", NOW_US + (minute + 1) * MINUTE_US, closed=True)
            assert again is not None
            for connection in watched.server._connections:
                connection.send(enveloped("btcusdt@kline_1m", again.write()))
        await watched.until_minute(5)
        check_whole(watched, 5)
        kinds = (GapKind.DUPLICATE, GapKind.CONFLICT, GapKind.OUT_OF_ORDER)
        assert {kind for kind, _ in watched.gaps(*kinds)} == {"OUT_OF_ORDER", "DUPLICATE"}


async def test_symbols_are_spread_over_connections_and_one_cut_touches_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewire.ingest.adapters.binance_streams.STREAMS_PER_CONNECTION", 2)
    async with watching() as watched:
        await watched.start()
        await watched.until_minute(1)
        assert watched.source._streams.counts.open == 2
        await next(iter(watched.server._connections)).socket.close()
        await watched.pass_minutes(3, step_s=60.0)
        await watched.until_minute(7)
        check_whole(watched, 7)
        assert watched.source._streams.counts.ends["closed"] == 1
        assert [] in (watched.backfilled("BTCUSDT"), watched.backfilled("ETHUSDT"))


async def test_a_symbol_that_the_venue_does_not_have_is_refused() -> None:
    async with watching() as watched:
        source = live(watched)
        source._market = LiveMarket(("BTCUSDT", "BTCUSD"), "1m")
        with pytest.raises(FatalError, match="found 'BTCUSD', allowed one that the venue lists"):
            await anext(source.events({}))
        await source.close()


class TestContract(MarketDataSuite):
    """The port's contract, over a venue whose time stands still: its history."""

    recorded = False
    until_us = NOW_US

    @pytest.fixture(autouse=True)
    async def _venue(self) -> AsyncIterator[None]:
        async with watching() as watched:
            await watched.pass_minutes(1)
            self.watched = watched
            yield

    def market(self) -> MarketDataPort:
        return live(self.watched)
