"""The newest of each market series, and feeds that are late or dead by the time at which a bar is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tradewire.ports.events import MarkPriceUpdated, TopOfBook
from tradewire.ports.message import Event
from tradewire.telemetry.domain.market import BarFeed, FeedState, MarketBook

if TYPE_CHECKING:
    from .conftest import Messages
else:
    Messages = Any

MINUTE_US = 60_000_000
NOW_US = 1_700_000_000_000_000 - 1_700_000_000_000_000 % MINUTE_US
OLD_US = 1_546_300_800_000_000


def taken(messages: Messages, *events: tuple[Event, int], series_kept: int = 100) -> MarketBook:
    """A book that took events, each with the wall time at which it was sent."""
    book = MarketBook(series_kept)
    for event, sent_us in events:
        book.take(event, messages.envelope(event, sent_at_us=sent_us))
    return book


def feed(messages: Messages, closed_us: int, sent_us: int, **other: Any) -> BarFeed:
    candle = messages.candle(interval="1m", close_time_us=closed_us, **other)
    (found,) = taken(messages, (candle, sent_us)).feeds.values()
    return found


@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, "LIVE"), (60, "LIVE"), (70, "LIVE"), (71, "LATE"), (190, "LATE"), (191, "DEAD"), (10**6, "DEAD")],
)
def test_feed_of_the_present_when_its_bar_does_not_come_then_late_and_dead_by_its_interval(
    seconds: int, state: str, messages: Messages
) -> None:
    found = feed(messages, NOW_US, NOW_US + 1)
    assert found.due_us == NOW_US + MINUTE_US
    assert found.state(NOW_US + seconds * 1_000_000) == FeedState(state)


@pytest.mark.parametrize(("seconds", "state"), [(0, "LIVE"), (61, "LATE"), (301, "DEAD")])
def test_feed_of_the_past_when_it_falls_silent_then_late_and_dead_though_every_feed_is_as_old(
    seconds: int, state: str, messages: Messages
) -> None:
    found = feed(messages, OLD_US, NOW_US)
    assert (found.due_us, found.state(NOW_US + seconds * 1_000_000)) == (None, FeedState(state))


def test_feed_when_its_source_said_that_it_ends_then_ended_for_good(messages: Messages) -> None:
    found = feed(messages, OLD_US, NOW_US, last_of_stream=True)
    assert (found.due_us, found.state(NOW_US + 10**12)) == (None, FeedState.ENDED)


def test_feed_when_nobody_said_when_it_was_sent_then_unknown_not_live(messages: Messages) -> None:
    assert feed(messages, NOW_US, 0).state(NOW_US) == FeedState.UNKNOWN


def test_book_when_older_or_repeated_events_come_then_the_newest_stays(messages: Messages) -> None:
    new, old = messages.candle(close_time_us=20, close="102"), messages.candle(close_time_us=10, close="101")
    mark = MarkPriceUpdated(venue="binance", symbol="BTCUSDT", event_time_us=9, mark_price="100.5")
    stale = mark.model_copy(update={"event_time_us": 8})
    quote = TopOfBook(
        venue="binance", symbol="BTCUSDT", event_time_us=7, update_id=1, bid="1", bid_qty="1", ask="2", ask_qty="1"
    )
    book = taken(messages, (new, 1), (old, 2), (mark, 3), (stale, 4), (quote, 5))
    (price,) = book.prices.values()
    assert (price.last, price.mark, price.quote) == (new, mark, quote)
    assert [found.last_event_us for found in book.feeds.values()] == [20]


def test_book_when_full_or_partitions_leave_then_lets_go(messages: Messages) -> None:
    book = taken(messages, *((messages.candle(symbol=f"S{n}"), 1) for n in range(9)), series_kept=3)
    assert [key[1] for key in book.feeds] == [key[1] for key in book.prices] == ["S6", "S7", "S8"]
    book.forget([0])
    assert (book.feeds, book.prices) == ({}, {})
