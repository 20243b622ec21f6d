"""The kill switch: the most severe level that covers a scope is in force."""

from __future__ import annotations

import itertools

import pytest

from tradewire.ports.events import ControlLevel, OrderLeg
from tradewire.testkit.builders import control
from tradewire.trading.controls import SEVERITY, Controls, decides, may_work

SCOPES = ("global", "account:alpha", "strategy:trend")


def test_level_when_nothing_was_said_then_normal() -> None:
    assert Controls().level("alpha", "trend") is ControlLevel.NORMAL


def test_severity_when_listed_then_names_every_level_once() -> None:
    assert sorted(SEVERITY) == sorted(ControlLevel)


@pytest.mark.parametrize("levels", list(itertools.product(SEVERITY, repeat=3)))
def test_level_when_scopes_differ_then_the_most_severe_wins(levels: tuple[ControlLevel, ...]) -> None:
    controls = Controls()
    for scope, level in zip(SCOPES, levels, strict=True):
        controls.apply(control(scope, level), 1)
    assert SEVERITY.index(controls.level("alpha", "trend")) == max(SEVERITY.index(level) for level in levels)


def test_level_when_another_account_or_strategy_is_halted_then_untouched() -> None:
    controls = Controls()
    for scope in ("account:beta", "strategy:other", "service:ingest"):
        controls.apply(control(scope, ControlLevel.FLATTEN), 1)
    assert controls.level("alpha", "trend") is ControlLevel.NORMAL


@pytest.mark.parametrize("issued_at_us", [0, 1, 2**62])
def test_apply_when_clocks_differ_then_the_order_of_the_topic_decides(issued_at_us: int) -> None:
    controls = Controls()
    assert controls.apply(control("global", ControlLevel.NORMAL, issued_at_us=1_000_000), 6)
    assert controls.apply(control("global", ControlLevel.NO_NEW, issued_at_us=issued_at_us), 7)
    assert controls.level("alpha", "trend") is ControlLevel.NO_NEW


def test_apply_when_an_earlier_record_comes_again_then_ignored() -> None:
    controls = Controls()
    assert controls.apply(control("global", ControlLevel.REDUCE_ONLY), 5)
    assert not controls.apply(control("global", ControlLevel.NORMAL, issued_at_us=2**60), 4)
    assert controls.level("alpha", "trend") is ControlLevel.REDUCE_ONLY
    assert controls.apply(control("global", ControlLevel.NORMAL), 6)
    assert controls.levels() == {}


def test_lift_when_the_record_is_deleted_then_normal_unless_a_later_one_is_known() -> None:
    controls = Controls()
    controls.apply(control("global", ControlLevel.NO_NEW), 5)
    assert not controls.lift("global", 4)
    assert controls.lift("global", 6)
    assert not controls.lift("account:alpha", 7)
    assert controls.levels() == {}


WORKS = {
    ControlLevel.NORMAL: {"ENTRY", "EXIT", "STOP_LOSS", "TAKE_PROFIT", "TRAILING_STOP", "FLATTEN"},
    ControlLevel.NO_NEW: {"EXIT", "STOP_LOSS", "TAKE_PROFIT", "TRAILING_STOP", "FLATTEN"},
    ControlLevel.REDUCE_ONLY: {"EXIT", "STOP_LOSS", "TAKE_PROFIT", "TRAILING_STOP", "FLATTEN"},
    ControlLevel.PAUSED: {"STOP_LOSS", "TAKE_PROFIT", "TRAILING_STOP", "FLATTEN"},
    ControlLevel.FLATTEN: {"EXIT", "STOP_LOSS", "TAKE_PROFIT", "TRAILING_STOP", "FLATTEN"},
}


@pytest.mark.parametrize("level", ControlLevel)
def test_may_work_tells_for_every_level_and_leg(level: ControlLevel) -> None:
    assert {leg.value for leg in OrderLeg if may_work(level, leg)} == WORKS[level]
    assert decides(level) is (level not in (ControlLevel.PAUSED, ControlLevel.FLATTEN))


def test_paused_when_a_service_or_everything_is_then_only_that() -> None:
    controls = Controls()
    controls.apply(control("service:ingest", ControlLevel.PAUSED), 1)
    assert (controls.paused("ingest"), controls.paused("risk")) == (True, False)
    assert controls.levels() == {"service:ingest": "PAUSED"}
    controls.apply(control("global", ControlLevel.PAUSED), 1)
    assert (controls.paused("ingest"), controls.paused("risk")) == (True, True)


@pytest.mark.parametrize("level", ControlLevel)
@pytest.mark.parametrize("scope", ["global", "account:alpha", "strategy:trend", "service:ingest"])
def test_scope_when_at_a_level_then_trading_and_ingest_do_what_the_table_says(scope: str, level: ControlLevel) -> None:
    controls = Controls()
    controls.apply(control(scope, level), 1)
    of_service = scope.startswith("service:")
    assert controls.level("alpha", "trend") is (ControlLevel.NORMAL if of_service else level)
    pausing = level is not ControlLevel.NORMAL if of_service else scope == "global" and level is ControlLevel.PAUSED
    assert controls.paused("ingest") is pausing
    obeyed = ControlLevel.PAUSED if of_service and pausing else level
    assert controls.levels() == ({} if level is ControlLevel.NORMAL else {scope: obeyed})
    assert [(told.level, told.control_offset) for told in controls.told()] == [(obeyed, 1)] * len(controls.levels())


@pytest.mark.parametrize("level", [level for level in ControlLevel if level is not ControlLevel.PAUSED])
def test_paused_when_another_scope_takes_any_other_level_then_still_paused(level: ControlLevel) -> None:
    controls = Controls()
    controls.apply(control("service:ingest", ControlLevel.PAUSED), 1)
    controls.apply(control("global", level), 2)
    assert controls.paused("ingest")


@pytest.mark.parametrize(
    ("scope", "covered"), [*((s, True) for s in SCOPES), ("account:beta", False), ("service:x", False)]
)
def test_flattening_when_asked_then_only_what_the_scope_names(scope: str, covered: bool) -> None:
    controls = Controls()
    controls.apply(control(scope, ControlLevel.FLATTEN), 1)
    found = controls.flattening("alpha", "trend")
    assert (found is not None and found.scope == scope) is covered
    controls.apply(control(scope, ControlLevel.REDUCE_ONLY), 2)
    assert controls.flattening("alpha", "trend") is None
