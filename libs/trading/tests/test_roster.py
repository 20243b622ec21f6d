"""Who trades what, when."""

from __future__ import annotations

import pytest

from tradewire.testkit.builders import BTC, ETH, HOUR_US, evaluation
from tradewire.testkit.strategies import active, document, retired, status
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.roster import Roster, slot_us

DAY_US = 24 * HOUR_US


def streams(roster: Roster, time_us: int, account_id: str = "alpha") -> list[tuple[str, str, int]]:
    """(strategy, symbol, version) in force."""
    return [
        (item.stream.strategy_id, item.stream.symbol, item.version)
        for item in roster.subscriptions(account_id, time_us)
    ]


def test_legs_when_several_strategies_trade_then_by_strategy_and_symbol_of_one_account() -> None:
    roster = Roster()
    roster.apply(status(active(document("b", "alpha", BTC))))
    roster.apply(status(active(document("c", "beta", BTC))))
    roster.apply(status(active(document("a", "alpha", BTC, ETH))))
    assert streams(roster, HOUR_US) == [("a", BTC, 1), ("a", ETH, 1), ("b", BTC, 1)]
    assert roster.accounts() == ["alpha", "beta"]


def test_legs_when_a_version_follows_another_then_exactly_one_is_in_force_at_any_time() -> None:
    roster = Roster()
    roster.apply(status(active(document()), active(document(), 2, 5 * HOUR_US)))
    found = {time_us: streams(roster, time_us) for time_us in (0, 5 * HOUR_US - 1, 5 * HOUR_US, 6 * HOUR_US)}
    assert [[version for _, _, version in legs] for legs in found.values()] == [[1], [1], [2], [2]]
    assert [version.version for t in found if (version := roster.version("trend", t)) is not None] == [1, 1, 2, 2]


def test_legs_when_not_effective_yet_then_none() -> None:
    roster = Roster()
    roster.apply(status(active(document(), effective_from_us=HOUR_US)))
    assert streams(roster, HOUR_US - 1) == []
    assert roster.version("trend", HOUR_US - 1) is None
    assert streams(roster, HOUR_US) == [("trend", BTC, 1)]


def test_legs_when_strategy_is_gone_then_none_of_its_own() -> None:
    roster = Roster()
    roster.apply(status(active(document("stays"))))
    roster.apply(status(active(document("goes"))))
    roster.apply(status(strategy_id="goes"))
    assert streams(roster, 0) == [("stays", BTC, 1)]
    assert [strategy_id for strategy_id, _ in roster.versions()] == ["stays"]


def test_symbols_when_two_intervals_trade_one_symbol_then_the_shorter() -> None:
    roster = Roster()
    roster.apply(status(active(document("slow", "alpha", BTC, ETH, interval="4h"))))
    roster.apply(status(active(document("fast", "alpha", BTC, interval="1h"))))
    assert roster.symbols("alpha", 0) == {("sim", BTC): HOUR_US, ("sim", ETH): 4 * HOUR_US}


def test_markets_when_a_thousand_others_trade_then_only_those_concerned_are_visited() -> None:
    roster = Roster()
    for number in range(1_000):
        roster.apply(status(active(document(f"s{number}", f"account-{number}", f"N{number}USDT"))))
    roster.apply(status(active(document("trend", "alpha", BTC))))
    assert roster.accounts_on("sim", BTC) == ["alpha"]
    assert roster.strategies_on("sim", BTC) == ["trend"]
    assert roster.accounts_on("sim", ETH) == roster.strategies_on("sim", ETH) == []


def owed(roster: Roster, time_us: int, after_us: int = -1) -> list[tuple[str, str, int]]:
    """(strategy, symbol, bar close in hours) that must be answered by ``time_us``."""
    found = roster.owed("alpha", time_us, after_us)
    return [(item.stream.strategy_id, item.stream.symbol, close_us // HOUR_US) for item, close_us in found]


def test_owed_when_a_strategy_has_left_then_its_last_bar_until_that_is_past() -> None:
    roster = Roster()
    roster.apply(retired(active(document("gone", "alpha", BTC, ETH)), {BTC: 3 * HOUR_US + 1, ETH: 5 * HOUR_US + 1}))
    assert owed(roster, 3 * HOUR_US) == [("gone", BTC, 3), ("gone", ETH, 3)]
    assert owed(roster, 9 * HOUR_US) == [("gone", ETH, 5), ("gone", BTC, 3)]
    assert owed(roster, 9 * HOUR_US, 4 * HOUR_US) == [("gone", ETH, 5)]
    assert owed(roster, 9 * HOUR_US, 5 * HOUR_US) == []


def test_owed_when_a_strategy_left_between_two_closes_then_not_a_bar_that_nobody_saw() -> None:
    roster = Roster()
    roster.apply(retired(active(document("gone")), {BTC: 3 * HOUR_US + 2}))
    assert owed(roster, 9 * HOUR_US) == []


def test_owed_when_a_version_goes_on_with_a_stream_then_it_owes_what_the_one_before_did() -> None:
    roster = Roster()
    slow = {"interval": "4h"}
    roster.apply(status(active(document(**slow)), active(document(**slow), 2, 5 * HOUR_US)))
    assert owed(roster, 6 * HOUR_US) == [("trend", BTC, 4)]


def test_owed_when_a_strategy_begins_then_nothing_from_before() -> None:
    roster = Roster()
    roster.apply(status(active(document(interval="4h"), effective_from_us=5 * HOUR_US)))
    assert owed(roster, 6 * HOUR_US) == []
    assert owed(roster, 8 * HOUR_US) == [("trend", BTC, 8)]


@pytest.mark.parametrize(("hours", "owes"), [(4, False), (8, True), (8 + 1e-6, False), (9, False), (12 - 1e-6, False)])
def test_owes_when_between_two_closes_of_the_interval_then_nothing(hours: float, *, owes: bool) -> None:
    roster = Roster()
    roster.apply(status(active(document(interval="4h"), effective_from_us=5 * HOUR_US)))
    assert roster.owes(evaluation(interval="4h", event_time_us=round(hours * HOUR_US))) is owes


def test_version_when_newer_than_every_answer_then_not_known() -> None:
    roster = Roster()
    roster.apply(status(active(document()), active(document(), 4, HOUR_US)))
    assert [roster.knows("trend", version) for version in (1, 4, 5)] == [True, True, False]
    assert not roster.knows("other", 1)


@pytest.mark.parametrize(
    ("time_us", "every_us", "slot"),
    [
        (0, HOUR_US, 0),
        (HOUR_US - 1, HOUR_US, 0),
        (HOUR_US, HOUR_US, HOUR_US),
        (3 * HOUR_US, 2 * HOUR_US, 2 * HOUR_US),
        (4 * DAY_US, INTERVALS_US["1w"], 4 * DAY_US),
        (10 * DAY_US, INTERVALS_US["1w"], 4 * DAY_US),
        (11 * DAY_US, INTERVALS_US["1w"], 11 * DAY_US),
    ],
)
def test_slot_when_between_closes_then_the_last_one_and_weeks_close_on_mondays(
    time_us: int, every_us: int, slot: int
) -> None:
    assert slot_us(time_us, every_us) == slot
