"""Candles of a market that accounts begin to follow: read again, or behind an odd one, none is lost or doubted."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.errors import RefusedRecordError
from tradewire.ports.events import AuditRecorded, CandleClosed
from tradewire.ports.ledger import ReadPosition
from tradewire.ports.message import Event
from tradewire.testkit.builders import BTC, ETH, HOUR_US, assessment, candle
from tradewire.testkit.execution_desk import desk_with, say, states, told
from tradewire.testkit.random_markets import chained
from tradewire.testkit.strategies import active, document, retired, status

BARS = chained([candle(number, 100 + number) for number in range(16)])
FIRST = 10
"""The first bar on which the strategy decides."""
PUBLISHED = status(active(document("trend", "alpha", BTC, ETH), effective_from_us=(FIRST + 1) * HOUR_US))


def read(desk: ExecutionDesk, numbers: Iterable[int]) -> list[Event]:
    """Bars of the first market, each at the offset of its number."""
    return [answer for number in numbers for answer in say(desk, BARS[number], number)]


def published(*symbols: str) -> ExecutionDesk:
    """A desk whose strategy begins with the bar ``FIRST``."""
    desk = desk_with(*symbols)
    say(desk, PUBLISHED)
    return desk


def restarted(desk: ExecutionDesk) -> ExecutionDesk:
    """Another that takes the account over from what was saved."""
    again = published()
    for account in desk.changed():
        again.restore(account.account_id, account.saved())
    return again


def steps(found: Iterable[Event]) -> list[int]:
    """Numbers of the bars that happened."""
    return [state.event_time_us // HOUR_US - 1 for state in states(found)]


def other_market(number: int) -> CandleClosed:
    """A bar of the market that begins late."""
    return candle(number, symbol=ETH)


def answered(desk: ExecutionDesk, number: int) -> list[Event]:
    """Risk's answers for both markets."""
    return told(desk, *(assessment(number, step_index=index, step_size=2) for index in (0, 1)))


def happens(desk: ExecutionDesk) -> list[int]:
    """The steps once the other market begins."""
    found: list[Event] = []
    for number in (10, 11, 12):
        found += say(desk, other_market(number), 100 + number)
        found += answered(desk, number)
    return steps(found)


def test_bars_when_they_wait_and_older_ones_are_read_again_then_none_is_lost_in_a_crash() -> None:
    desk = published()
    read(desk, range(8, 13))
    read(desk, range(5, 13))  # another account's rewind
    assert desk.pending.lowest(), "bars wait"
    again = restarted(desk)
    read(again, range(FIRST, 13))
    assert happens(again) == happens(desk) == [10, 11, 12]


def test_market_when_left_and_older_bars_are_read_again_then_forgotten_with_the_first_newer_bar_only() -> None:
    desk = desk_with()
    say(desk, BARS[0])
    say(desk, assessment(0), 0)
    read(desk, [1])
    told(desk, status(strategy_id="trend"), assessment(1))
    read(desk, [2])
    say(desk, PUBLISHED)
    (account,) = desk.accounts().values()
    assert (last := account.order_of_candles.saved())
    read(desk, range(3))
    assert account.order_of_candles.saved() == last
    read(desk, [3])
    assert account.order_of_candles.saved() == []


def test_bars_when_nobody_needed_them_at_their_turn_and_a_late_status_does_then_they_happen() -> None:
    desk = desk_with()
    read(desk, [0])
    told(desk, assessment(0), retired(active(document("trend", "alpha", BTC)), {BTC: HOUR_US + 1}))
    assert steps(read(desk, range(1, 13))) == [1], "flat, and done"
    say(desk, PUBLISHED)
    read(desk, range(FIRST, 13))
    assert happens(desk) == [10, 11, 12]


def doubted(desk: ExecutionDesk) -> bool:
    """Is the instance not ready for the market's sake?"""
    return any(wait.reason == "market" for wait in desk.waits())


def test_market_when_its_first_candle_was_odd_and_nobody_s_then_doubted_until_an_account_takes_real_ones() -> None:
    desk = desk_with(ETH)
    say(desk, candle(5000), 8)
    read(desk, [9])
    assert doubted(desk), "nobody knows which of the two is right"
    say(desk, PUBLISHED)
    assert [event for event in read(desk, [10, 11, 12]) if isinstance(event, AuditRecorded)] == []
    assert not doubted(desk)
    assert happens(desk) == [10, 11, 12]


def test_market_when_an_odd_candle_came_before_the_account_was_taken_over_then_goes_on_with_the_account() -> None:
    first = published()
    read(first, [10])
    say(first, other_market(10), 110)
    answered(first, 10)
    desk = published()
    desk.forget([0])
    say(desk, candle(5000), 11)
    desk.own([0], {0: ReadPosition({}, 1)})
    for account in first.changed():
        desk.restore(account.account_id, account.saved())
    found = [say(desk, BARS[number], number + 1) for number in (11, 12)]
    assert found == [[], []]
    assert not doubted(desk)
    assert happens(desk) == [11, 12]
    with pytest.raises(RefusedRecordError, match="allowed: what follows 1970-01-01T12:00:00Z"):
        say(desk, candle(5000), 14)


def test_market_when_an_account_took_the_odd_candle_then_doubted_although_another_takes_real_ones() -> None:
    desk = published()
    say(desk, status(active(document("stuck", "beta", BTC)), strategy_id="stuck"))
    say(desk, candle(5000).model_copy(update={"previous_open_time_us": None}), 9)
    read(desk, range(10, 13))
    assert doubted(desk)
