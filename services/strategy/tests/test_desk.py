"""The life of a configuration, and what a bar is answered with."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from tradewire.ports.events import (
    ConfigStatus,
    InstrumentStatus,
    Signal,
    StrategyConfigPublished,
    StrategyEvaluated,
    TradingMode,
)
from tradewire.testkit.builders import BTC, ETH, HOUR_US, STRATEGY, envelope, instrument
from tradewire.testkit.strategies import config, document
from tradewire.testkit.strategy_desk import MEAN, NOW_US, answers, asked, desk_with, evaluated, versions


def test_config_when_fit_then_accepted_with_what_others_need_to_know() -> None:
    (answer,) = asked(desk_with(), config(document("trend", "alpha", BTC, ETH)))
    (version,) = answer.active
    assert (answer.status, answer.version, answer.reasons, answer.answered_at_us) == (
        ConfigStatus.ACCEPTED,
        1,
        (),
        NOW_US,
    )
    assert (version.account_id, version.symbols, version.interval, version.demands) == (
        "alpha",
        (BTC, ETH),
        "1h",
        (MEAN,),
    )


REFUSALS: dict[str, tuple[Callable[[], StrategyConfigPublished], str]] = {
    "unknown instrument": (
        lambda: config(document("trend", "alpha", "DOGEUSDT")),
        "no instrument sim:DOGEUSDT; known",
    ),
    "unknown interval": (lambda: config(document(interval="7h")), "7h"),
    "interval not offered": (lambda: config(document(interval="4h")), "has no 4h candles; offered: 1h"),
    "live mode": (lambda: config(document(), mode=TradingMode.LIVE), "mode LIVE"),
    "another id": (lambda: config(document(), strategy_id="other"), "published as 'other'"),
    "unknown name": (lambda: config(document(entry_long="'close > meen'")), "meen"),
    "wrong type": (lambda: config(document(entry_long="'close + 1'")), "condition"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_config_when_unfit_then_refused_with_the_reason(case: str) -> None:
    make, reason = REFUSALS[case]
    (answer,) = asked(desk_with(), make())
    assert (answer.status, answer.active) == (ConfigStatus.REFUSED, ())
    assert any(reason in found.message for found in answer.reasons), answer.reasons


def test_config_when_several_things_are_wrong_then_every_reason_is_told() -> None:
    wrong = config(
        document("trend", "alpha", "DOGEUSDT", BTC, interval="4h"), mode=TradingMode.LIVE, strategy_id="other"
    )
    (answer,) = asked(desk_with(), wrong)
    assert [reason.message.split(";")[0] for reason in answer.reasons] == [
        "published as 'other', but the document's id is 'trend'",
        "mode LIVE",
        "no instrument sim:DOGEUSDT",
        "sim:BTCUSDT has no 4h candles",
    ]


def test_config_when_document_is_misspelt_then_refused_with_line_and_suggestion() -> None:
    (answer,) = asked(desk_with(), config(document(entry_long="clse > mean")))
    (reason,) = answer.reasons
    assert (reason.line, reason.suggestion) == (7, "did you mean `close`?")


def test_config_when_refused_then_the_version_in_force_stays() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    (answer,) = asked(desk, config(document(interval="4h"), 2))
    assert (answer.status, answer.version) == (ConfigStatus.REFUSED, 2)
    assert [version.version for version in answer.active] == [1]
    assert versions(evaluated(desk, 5)) == [1]


def test_config_when_published_mid_stream_then_takes_over_at_the_next_bar_and_the_old_one_stops() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    seen = [versions(evaluated(desk, number)) for number in range(3)]
    (answer,) = asked(desk, config(document(sizing="{fixed_qty: 2}"), 2))
    assert [version.version for version in answer.active] == [1, 2]
    seen += [versions(evaluated(desk, number)) for number in range(2, 5)]
    assert seen == [[1], [1], [1], [1], [2], [2]]


def test_config_when_effective_from_is_given_then_the_old_one_decides_until_then() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    asked(desk, config(document(sizing="{fixed_qty: 2}"), 2, effective_from_us=4 * HOUR_US))
    assert [versions(evaluated(desk, number)) for number in range(5)] == [[1], [1], [1], [2], [2]]


def test_config_when_effective_from_is_past_then_no_bar_is_decided_again() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    evaluated(desk, 9)
    (answer,) = asked(desk, config(document(sizing="{fixed_qty: 2}"), 2, effective_from_us=HOUR_US))
    assert answer.active[-1].effective_from_us == 10 * HOUR_US + 1


def test_config_when_asked_again_then_answered_exactly_once() -> None:
    desk = desk_with()
    assert len(asked(desk, config(document()), config(document()))) == 1
    assert asked(desk, config(document())) == []
    assert answers(desk) == []


def test_config_when_a_version_comes_back_with_other_content_then_refused() -> None:
    desk = desk_with()
    desk.register(STRATEGY, 1, "0123456789abcdef")
    (answer,) = asked(desk, config(document()))
    assert answer.status is ConfigStatus.REFUSED
    assert "a version never changes" in answer.reasons[0].message


@pytest.mark.parametrize(
    "fields", [{"symbols": f"[{BTC}]"}, {"account": "beta"}], ids=["drops a symbol", "leaves the account"]
)
def test_config_when_it_leaves_a_market_that_its_forerunner_trades_then_refused(fields: dict[str, str]) -> None:
    """Nobody would answer for that market's last bar, or close what is held there."""
    desk = desk_with()
    asked(desk, config(document("trend", "alpha", BTC, ETH)))
    (answer,) = asked(desk, config(document(**{"symbols": f"[{BTC}, {ETH}]"} | fields), 2))
    assert answer.status is ConfigStatus.REFUSED
    assert "sim:ETHUSDT on account alpha" in answer.reasons[0].message
    desk.on_retired(STRATEGY, envelope(config(document())))
    answers(desk)
    (again,) = asked(desk, config(document(**{"symbols": f"[{BTC}, {ETH}]"} | fields), 3))
    assert again.status is ConfigStatus.ACCEPTED


def test_config_when_it_adds_a_symbol_then_accepted() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    (answer,) = asked(desk, config(document("trend", "alpha", BTC, ETH), 2))
    assert answer.status is ConfigStatus.ACCEPTED


def test_leader_when_it_moves_then_every_question_is_answered_exactly_once() -> None:
    """Both read both topics; only who owns partition 0 answers, and never what the other has answered."""
    first, second = desk_with(), desk_with(leads=False)
    one, two = config(document("one")), config(document("two"))
    said = asked(first, one)
    assert asked(second, one) == []
    for answer in said:
        list(second.on_status(answer, envelope(answer)))
    for desk in (first, second):
        desk.on_config(two, envelope(two))
    first.forget([0])
    second.own([0])
    assert answers(first) == []
    assert [answer.strategy_id for answer in answers(second)] == ["two"]


def test_follower_when_a_bar_came_before_the_leaders_answer_then_decides_on_it_once() -> None:
    """The leader saw bar 3, and its answer came after bar 4 had been read here."""
    leader, follower = desk_with(), desk_with(leads=False)
    for number in (3, 4):
        assert evaluated(follower, number, partition=1) == []
    evaluated(leader, 3)
    (answer,) = asked(leader, config(document()))
    found = list(follower.on_status(answer, envelope(answer)))
    assert versions(found) == [1]
    again = [emit.event for emit in evaluated(follower, 4, partition=1)]
    assert [emit.event for emit in found] == again
    assert list(follower.on_status(answer, envelope(answer))) == []


def test_leader_when_it_reads_back_an_answer_that_it_has_gone_past_then_the_newest_stays_in_force() -> None:
    desk = desk_with()
    (accepted,) = asked(desk, config(document()))
    evaluated(desk, 1)
    desk.on_retired(STRATEGY, envelope(config(document())))
    (left,) = answers(desk)
    for answer in (accepted, left, left):
        assert list(desk.on_status(answer, envelope(answer))) == []
        assert evaluated(desk, 2) == []


def test_joiner_when_late_then_evaluates_what_was_accepted_before_it_came() -> None:
    first, late = desk_with(), desk_with(leads=False)
    for answer in asked(first, config(document())):
        assert list(late.on_status(answer, envelope(answer))) == []
    assert evaluated(late, 3)[0].event == evaluated(first, 3)[0].event


@pytest.mark.parametrize(
    ("close", "mean", "signal"),
    [
        (100, 99.0, Signal.REVERSE_TO_LONG),
        (98, 99.0, Signal.REVERSE_TO_SHORT),
        (99, 99.0, Signal.HOLD),
        (9, None, Signal.HOLD),
    ],
)
def test_snapshot_when_bar_closes_then_one_evaluation_per_strategy_says_what_it_saw(
    close: float, mean: float | None, signal: Signal
) -> None:
    desk = desk_with()
    asked(desk, config(document("one")), config(document("two")))
    emits = evaluated(desk, 4, close, mean)
    said = [emit.event for emit in emits if isinstance(emit.event, StrategyEvaluated)]
    assert [(event.strategy_id, event.signal, event.ready) for event in said] == [
        ("one", signal, mean is not None),
        ("two", signal, mean is not None),
    ]
    assert [emit.ordinal for emit in emits] == ["one", "two"]
    assert said[0].seen == {MEAN: mean}
    assert (said[0].event_time_us, said[0].candle_offset) == (5 * HOUR_US, 4)
    assert said[0].close == Decimal(close)


def test_snapshot_when_of_another_market_or_interval_then_no_answer() -> None:
    desk = desk_with()
    asked(desk, config(document()))
    assert evaluated(desk, 1, symbol=ETH) == []
    assert evaluated(desk, 1, interval="4h") == []
    assert evaluated(desk, 1, venue="elsewhere") == []


def test_config_when_instrument_is_halted_then_still_accepted_for_risk_keeps_it_from_trading() -> None:
    desk = desk_with()
    halted = instrument(status=InstrumentStatus.HALT)
    desk.on_instrument(halted, envelope(halted))
    assert asked(desk, config(document()))[0].status is ConfigStatus.ACCEPTED
