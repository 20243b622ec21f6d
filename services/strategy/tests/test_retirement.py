"""How a strategy ends: for every service at the same bar of each market."""

from __future__ import annotations

from tradewire.ports.events import ConfigStatus
from tradewire.testkit.builders import BTC, ETH, HOUR_US, STRATEGY, envelope
from tradewire.testkit.strategies import config, document
from tradewire.testkit.strategy_desk import answers, asked, desk_with, evaluated, versions


def test_retirement_when_tombstone_comes_then_stops_at_once_and_is_told_once() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    desk.on_retired(STRATEGY, envelope(config(document())))
    (answer,) = answers(desk)
    assert (answer.status, answer.active, answer.version) == (ConfigStatus.RETIRED, (), 1)
    assert evaluated(desk, 3) == []
    desk.on_retired(STRATEGY, envelope(config(document())))
    assert answers(desk) == []


def test_retirement_when_the_same_version_is_published_again_then_it_trades_again() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    desk.on_retired(STRATEGY, envelope(config(document())))
    answers(desk)
    (answer,) = asked(desk, config(document()))
    assert answer.status is ConfigStatus.ACCEPTED
    assert versions(evaluated(desk, 3)) == [1]


def test_retirement_when_bars_were_seen_then_each_market_is_left_after_its_newest() -> None:
    """What was decided before stays in force: a service that is behind, or replays, waits for the same answers."""
    desk = desk_with()
    asked(desk, config(document("trend", "alpha", BTC, ETH)))
    evaluated(desk, 4, symbol=ETH)
    evaluated(desk, 6)
    desk.on_retired(STRATEGY, envelope(config(document())))
    (answer,) = answers(desk)
    assert [(v.symbols, v.effective_from_us) for v in answer.active] == [
        ((BTC, ETH), 0),
        ((BTC,), 5 * HOUR_US + 1),
        ((), 7 * HOUR_US + 1),
    ]
    assert evaluated(desk, 7) == evaluated(desk, 5, symbol=ETH) == []
    assert versions(evaluated(desk, 6)) == versions(evaluated(desk, 4, symbol=ETH)) == [1]


def test_retirement_when_a_later_version_never_came_into_force_then_it_does_not() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    asked(desk, config(document(), 2, effective_from_us=9 * HOUR_US))
    evaluated(desk, 3)
    desk.on_retired(STRATEGY, envelope(config(document())))
    (answer,) = answers(desk)
    assert [(v.version, v.symbols) for v in answer.active] == [(1, (BTC,)), (1, ())]
    assert evaluated(desk, 9) == []
