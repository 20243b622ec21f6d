"""Versions that follow one another: when each is in force, and which may still be needed."""

from __future__ import annotations

import pytest

from tradewire.ports.events import ConfigStatus, StrategyStatusChanged
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.strategy.domain.history import VERSIONS_BYTES_MAX
from tradewire.strategy.domain.questions import Question
from tradewire.strategy.domain.validation import examined
from tradewire.testkit.builders import BTC, ETH, HOUR_US, envelope, instrument
from tradewire.testkit.strategies import config, document
from tradewire.testkit.strategy_desk import answers, asked, desk_with, evaluated, versions


def third_version(desk: StrategyDesk, passed_us: int = -1) -> StrategyStatusChanged:
    """The answer to the last of three versions, each in force for a bar or two, with the account's newest state."""
    for version in (1, 2, 3):
        if version == 3:
            desk.passed("alpha", passed_us)
        (answer,) = asked(desk, config(document(sizing=f"{{fixed_qty: {version}}}"), version))
        evaluated(desk, version)
    return answer


def test_config_when_many_versions_come_then_none_is_forgotten_that_a_bar_may_need() -> None:
    """Whoever was down reads the newest answer only, and has all of these bars before it."""
    answer = third_version(desk_with())
    assert [(version.version, version.effective_from_us) for version in answer.active] == [
        (1, 0),
        (2, 2 * HOUR_US + 1),
        (3, 3 * HOUR_US + 1),
    ]
    late = desk_with(leads=False)
    list(late.on_status(answer, envelope(answer)))
    assert [versions(evaluated(late, number)) for number in range(4)] == [[1], [1], [2], [3]]


@pytest.mark.parametrize(("passed_us", "kept"), [(2 * HOUR_US, [1, 2, 3]), (2 * HOUR_US + 1, [2, 3])])
def test_config_when_the_account_is_past_a_version_then_that_is_forgotten(passed_us: int, kept: list[int]) -> None:
    desk = desk_with()
    desk.passed("beta", 99 * HOUR_US)
    assert [version.version for version in third_version(desk, passed_us).active] == kept


def test_config_when_too_many_versions_are_needed_then_refused_until_the_account_goes_on() -> None:
    desk = desk_with()
    long_one = document() + "# " + "x" * 60_000 + "\n"
    fit = VERSIONS_BYTES_MAX // len(long_one)
    for version in range(1, fit + 1):
        assert asked(desk, config(long_one, version))[0].status is ConfigStatus.ACCEPTED
        evaluated(desk, version)
    (answer,) = asked(desk, config(long_one, fit + 1))
    assert (answer.status, len(answer.active)) == (ConfigStatus.REFUSED, fit)
    assert "bars of version 1 may not be answered on account alpha" in answer.reasons[0].message
    assert versions(evaluated(desk, fit + 1)) == [fit]
    desk.passed("alpha", 3 * HOUR_US)
    assert asked(desk, config(long_one, fit + 2))[0].status is ConfigStatus.ACCEPTED


def test_config_when_it_decides_at_another_interval_then_the_others_end_behind_the_newest_of_each_market() -> None:
    desk = desk_with()
    for symbol in (BTC, ETH):
        both = instrument(symbol, intervals=("1h", "4h"))
        desk.on_instrument(both, envelope(both))
    asked(desk, config(document("trend", "alpha", BTC, ETH)))
    evaluated(desk, 3, symbol=ETH)
    evaluated(desk, 5)
    (answer,) = asked(desk, config(document("trend", "alpha", BTC, ETH, interval="4h"), 2))
    assert [(v.version, v.symbols, v.effective_from_us) for v in answer.active] == [
        (1, (BTC, ETH), 0),
        (1, (BTC,), 4 * HOUR_US + 1),
        (2, (BTC, ETH), 6 * HOUR_US + 1),
    ]
    later = config(document("trend", "alpha", BTC, ETH), 3, effective_from_us=99 * HOUR_US)
    (refusal,) = asked(desk, later)
    assert "version 2 at 4h" in refusal.reasons[0].message


def test_config_when_bars_were_evaluated_before_a_restart_then_begins_behind_them() -> None:
    """What this process has seen since it started is not all that was evaluated."""
    desk = desk_with()
    desk.saw(("sim", BTC, "1h"), 7 * HOUR_US)
    evaluated(desk, 2)
    (answer,) = asked(desk, config(document()))
    assert answer.active[-1].effective_from_us == 7 * HOUR_US + 1


def test_config_when_another_market_is_years_ahead_then_begins_with_the_next_bar_of_its_own() -> None:
    """A bar dated ahead, or recorded markets that begin years apart: another market's time is not this one's."""
    desk = desk_with()
    asked(desk, config(document("other", "beta", ETH)))
    evaluated(desk, 50_000, symbol=ETH)
    evaluated(desk, 2)
    (new,) = asked(desk, config(document()))
    assert (new.active[-1].effective_from_us, new.start_reason) == (3 * HOUR_US + 1, None)
    evaluated(desk, 3)
    (next_one,) = asked(desk, config(document(sizing="{fixed_qty: 2}"), 2))
    assert [v.effective_from_us for v in next_one.active] == [3 * HOUR_US + 1, 4 * HOUR_US + 1]
    assert versions(evaluated(desk, 4)) == [2]
    (slower,) = asked(desk, config(document(), 3, effective_from_us=9 * HOUR_US))
    desk.on_retired("trend", envelope(config(document())))
    (left,) = answers(desk)
    assert [(v.version, v.symbols, v.effective_from_us) for v in left.active[-2:]] == [
        (2, (BTC,), 4 * HOUR_US + 1),
        (2, (), 5 * HOUR_US + 1),
    ], "version 3 never began"
    assert slower.status is ConfigStatus.ACCEPTED


def test_config_when_one_of_its_own_markets_is_years_ahead_then_begins_behind_that_and_says_so() -> None:
    """What was decided on that market's bars stays decided, and a version begins at one moment."""
    desk = desk_with()
    asked(desk, config(document("trend", "alpha", BTC, ETH)))
    evaluated(desk, 50_000, symbol=ETH)
    evaluated(desk, 2)
    (answer,) = asked(desk, config(document("trend", "alpha", BTC, ETH, sizing="{fixed_qty: 2}"), 2))
    assert answer.active[-1].effective_from_us == 50_001 * HOUR_US + 1
    assert answer.start_reason == (
        "begins behind the newest bar of sim:ETHUSDT 1h, 1975-09-15T09:00:00Z; "
        "its own markets stand before that: sim:BTCUSDT 1h at 1970-01-01T03:00:00Z"
    )
    asked_for = config(document("trend", "alpha", BTC, ETH), 3, effective_from_us=60_000 * HOUR_US)
    assert asked(desk, asked_for)[0].start_reason is None


def test_config_when_more_come_while_one_is_looked_into_then_that_one_is_answered_and_the_newest_after_it() -> None:
    desk, begun = desk_with(), list[Question]()
    desk.examine = begun.append
    first, second, third = (config(document(sizing=f"{{fixed_qty: {number}}}"), number) for number in (1, 2, 3))
    assert asked(desk, first) == asked(desk, second, third) == []
    told = []
    for version in (first, third):
        desk.examined(begun[-1], examined(version))
        told += answers(desk)
    assert [(answer.version, answer.status) for answer in told] == [
        (1, ConfigStatus.ACCEPTED),
        (3, ConfigStatus.ACCEPTED),
    ]


def test_retirement_when_its_interval_has_just_changed_then_the_bars_of_the_interval_before_stay_decided() -> None:
    """The longer bars are behind: the newest of them is older than the last of the shorter ones."""
    desk = desk_with()
    both = instrument(BTC, intervals=("1h", "4h"))
    desk.on_instrument(both, envelope(both))
    asked(desk, config(document()))
    evaluated(desk, 3, interval="1h")
    evaluated(desk, 0, interval="4h")
    evaluated(desk, 5)
    asked(desk, config(document(interval="4h"), 2))
    evaluated(desk, 6)
    desk.on_retired("trend", envelope(config(document())))
    (answer,) = answers(desk)
    assert [(v.version, v.symbols, v.effective_from_us) for v in answer.active] == [
        (1, (BTC,), 0),
        (2, (), 6 * HOUR_US + 1),
    ]
