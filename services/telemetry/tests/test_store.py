"""The store: in the log before offsets are committed, once; books read again as the topics have them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from tradewire.ports.bus import Outgoing
from tradewire.ports.errors import RetryableError
from tradewire.ports.message import Event
from tradewire.ports.telemetry import LogQuery, TelemetryEntry, TelemetryPort
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.runtime.bus.memory import MemoryBus
from tradewire.runtime.codec import Codec, SchemaIds
from tradewire.runtime.loop.heartbeat_records import HEADER, KEY_PREFIX
from tradewire.runtime.service import StoreContext
from tradewire.telemetry.adapters.memory_log_store import MemoryLogStore
from tradewire.telemetry.domain.books import Books
from tradewire.telemetry.domain.desk import TelemetryDesk
from tradewire.telemetry.store import TelemetryStore
from tradewire.testkit.manual_clock import ManualClock

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

KEEP_US = 1_000_000
HOUR_US = 3_600_000_000
HOUR_SECONDS = 3600.0


class AwayAtTimes(MemoryLogStore):
    """A log store that can be away."""

    away = False

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        if self.away:
            raise RetryableError("log store away")
        await super().record(entries)


class Tally(TelemetryPort):
    """Metrics that only count."""

    def __init__(self) -> None:
        self.shown, self.ids = False, list[str]()

    def open(self) -> None:
        self.shown = True

    def close(self) -> None:
        self.shown = False

    async def record(self, entries: Sequence[TelemetryEntry]) -> None:
        self.ids += [entry.event_id for entry in entries]


class Bench:
    """A store over a memory bus; ``begin`` starts anew with what outlives a process."""

    def __init__(self, messages: Messages) -> None:
        self.messages, self.log_store, self.metrics = messages, AwayAtTimes(), Tally()
        self.bus, self.codec, self.clock = MemoryBus(dict.fromkeys(TOPICS, 1)), Codec(SchemaIds.static()), ManualClock()
        self.begin()

    def begin(self, *, restore_records_max: int = 100, **desk: Any) -> None:
        self.desk = TelemetryDesk(Books(), **desk)
        self.store = TelemetryStore(
            self.desk,
            self.log_store,
            self.metrics,
            self.clock,
            restore_records_max=restore_records_max,
            keep_us=KEEP_US,
        )

    async def open(self) -> None:
        await self.store.open(StoreContext(self.bus, self.codec, "telemetry"))

    async def publish(self, *events: Event) -> None:
        def record(event: Event) -> Outgoing:
            spec, headers = BY_EVENT[type(event)], self.codec.encode_headers(self.messages.envelope(event))
            return Outgoing(spec.name, spec.key_of(event).encode(), self.codec.encode(event), headers)

        await self.bus.publish([record(event) for event in events])

    async def logged(self) -> list[str]:
        return [entry.event_id for entry in (await self.log_store.query(LogQuery())).entries]


@pytest.fixture
async def bench(messages: Messages) -> AsyncIterator[Bench]:
    bench = Bench(messages)
    await bench.bus.start()
    await bench.open()
    yield bench
    await bench.store.close()
    await bench.bus.close()


async def test_checkpoint_when_done_then_everything_is_in_the_log_and_nothing_waits(
    bench: Bench, messages: Messages
) -> None:
    fill, candle = messages.fill(), messages.candle()
    bench.desk.on_fact(fill, messages.envelope(fill))
    bench.desk.on_market(candle, messages.envelope(candle))
    await bench.store.checkpoint()
    assert await bench.logged() == ["id-000000"]
    assert bench.desk.unrecorded() == ()


async def test_checkpoint_when_the_log_store_is_away_then_nothing_is_lost_or_counted_twice(
    bench: Bench, messages: Messages
) -> None:
    for sequence in (1, 2):
        fill = messages.fill(sequence=sequence)
        bench.desk.on_fact(fill, messages.envelope(fill))
    bench.log_store.away = True
    with pytest.raises(RetryableError, match="log store away"):
        await bench.store.checkpoint()
    assert bench.metrics.ids == []
    bench.log_store.away = False
    await bench.store.checkpoint()
    await bench.store.checkpoint()
    assert await bench.logged() == bench.metrics.ids == ["id-000000", "id-000001"]


async def test_checkpoint_when_a_batch_comes_again_then_logged_once(bench: Bench, messages: Messages) -> None:
    fill = messages.fill()
    for _ in range(2):
        bench.desk.on_fact(fill, messages.envelope(fill, event_id="one"))
        await bench.store.checkpoint()
    assert await bench.logged() == ["one"]


async def test_checkpoint_when_every_second_market_message_is_wanted_then_half_are_logged(
    bench: Bench, messages: Messages
) -> None:
    bench.begin(market_sample=2)
    await bench.open()
    for _ in range(4):
        candle = messages.candle()
        bench.desk.on_market(candle, messages.envelope(candle))
    await bench.store.checkpoint()
    assert await bench.logged() == ["id-000001", "id-000003"]
    assert bench.desk.freshness["market.candle.v1"].messages == 4


async def test_checkpoint_when_an_hour_went_by_then_old_entries_are_forgotten(bench: Bench, messages: Messages) -> None:
    fill = messages.fill()
    bench.desk.on_fact(fill, messages.envelope(fill))
    await bench.store.checkpoint()
    bench.clock.advance(seconds=HOUR_SECONDS)
    await bench.store.checkpoint()
    assert await bench.logged() == []


async def test_acquire_when_started_again_then_books_as_before_and_nothing_logged_again(
    bench: Bench, messages: Messages
) -> None:
    await bench.publish(
        *(messages.fill(sequence=3 * n + 1, realized_pnl="1") for n in range(50)),
        *(messages.order(sequence=3 * n + 2, client_order_id=f"o{n}") for n in range(50)),
        messages.state(sequence=200),
    )
    bench.begin(restore_records_max=10)
    await bench.open()
    assert await bench.store.acquire([0]) == ()
    (book,) = bench.desk.books.accounts.values()
    assert book.strategies["ema-cross-btc"].fills == 50, "sums need every fill"
    assert book.state is not None
    assert list(bench.desk.books.orders) == [f"o{n}" for n in range(40, 50)], "only the newest orders"
    assert bench.desk.unrecorded() == ()
    repeated = messages.fill(sequence=1)
    bench.desk.on_fact(repeated, messages.envelope(repeated))
    assert book.strategies["ema-cross-btc"].fills == 50


@pytest.mark.parametrize("fills", [100, 1_000])
async def test_acquire_when_there_is_a_snapshot_then_as_much_is_read_whatever_came_before(
    bench: Bench, messages: Messages, caplog: pytest.LogCaptureFixture, fills: int
) -> None:
    bench.begin(restore_records_max=10)
    await bench.open()
    await bench.store.acquire([0])
    for sequence in range(1, fills + 1):
        fill = messages.fill(sequence=sequence)
        await bench.publish(fill)
        bench.desk.on_fact(fill, messages.envelope(fill, offset=sequence - 1))
        await bench.store.checkpoint()
    bench.begin(restore_records_max=10)
    await bench.open()
    caplog.set_level("INFO")
    await bench.store.acquire([0])
    assert [record.__dict__["records"] for record in caplog.records if hasattr(record, "records")] == [10]
    assert bench.desk.books.accounts["paper-1"].strategies["ema-cross-btc"].fills == fills


async def test_acquire_when_it_is_tried_again_then_nothing_counts_twice(bench: Bench, messages: Messages) -> None:
    bench.begin(restore_records_max=2)
    await bench.open()
    await bench.publish(*(messages.fill(sequence=n, side="BUY" if n % 2 else "SELL") for n in range(1, 9)))
    for _ in range(2):
        await bench.store.acquire([0])
        await bench.store.checkpoint()
    assert bench.desk.books.accounts["paper-1"].strategies["ema-cross-btc"].fills == 8
    assert len(bench.desk.books.trades.ended) == 4


async def test_acquire_when_a_record_cannot_be_read_then_left_out(bench: Bench, messages: Messages) -> None:
    await bench.bus.publish([Outgoing("execution.fill.v1", b"paper-1", b"\x00nonsense")])
    await bench.publish(messages.fill())
    await bench.store.acquire([0])
    assert bench.desk.books.accounts["paper-1"].strategies["ema-cross-btc"].fills == 1


async def test_acquire_when_a_record_has_a_dead_letter_then_left_out_again(bench: Bench, messages: Messages) -> None:
    await bench.publish(messages.fill(), messages.fill(sequence=2))
    bench.begin()
    context = StoreContext(bench.bus, bench.codec, "telemetry", passes_over=lambda record: record.offset == 0)
    await bench.store.open(context)
    await bench.store.acquire([0])
    assert bench.desk.books.accounts["paper-1"].strategies["ema-cross-btc"].fills == 1


async def test_acquire_when_bars_came_before_then_feeds_are_known_and_lag_is_not_less(
    bench: Bench, messages: Messages
) -> None:
    await bench.publish(*(messages.candle(open_time_us=n * HOUR_US, close_time_us=(n + 1) * HOUR_US) for n in range(3)))
    await bench.store.acquire([0])
    assert [feed.last_event_us for feed in bench.desk.market.feeds.values()] == [3 * HOUR_US]
    assert bench.desk.freshness == {}
    assert bench.store.held() == ([0], 6)
    await bench.store.release([0])
    assert (bench.desk.market.feeds, bench.store.held()) == ({}, ([], 6))


async def test_acquire_when_nothing_but_heartbeats_came_for_long_then_the_feed_before_them_is_known(
    bench: Bench, messages: Messages
) -> None:
    await bench.publish(messages.candle(open_time_us=0, close_time_us=HOUR_US))
    beat = Outgoing("market.candle.v1", KEY_PREFIX + b"0", None, (HEADER, ("event_time_us", b"5")))
    await bench.bus.publish([beat] * 5_000)
    await bench.store.acquire([0])
    assert [feed.last_event_us for feed in bench.desk.market.feeds.values()] == [HOUR_US]


async def test_release_when_partitions_leave_then_their_accounts_are_forgotten(
    bench: Bench, messages: Messages
) -> None:
    await bench.publish(messages.state())
    await bench.store.acquire([0])
    await bench.store.release([0])
    assert bench.desk.books.accounts == {}


async def test_metrics_when_opened_and_closed_then_shown_in_between(bench: Bench) -> None:
    assert bench.metrics.shown
    await bench.store.close()
    assert not bench.metrics.shown
