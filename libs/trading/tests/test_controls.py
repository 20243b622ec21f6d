"""The kill switch: the most severe level that covers a scope is in force."""

from __future__ import annotations

import itertools

import pytest

from tradewire.ports.events import ControlLevel
from tradewire.testkit.builders import control
from tradewire.trading.controls import SEVERITY, Controls

SCOPES = ("global", "account:alpha", "strategy:trend")


def test_level_when_nothing_was_said_then_normal() -> None:
    assert Controls().level("alpha", "trend") is ControlLevel.NORMAL


def test_severity_when_listed_then_names_every_level_once() -> None:
    assert sorted(SEVERITY) == sorted(ControlLevel)


@pytest.mark.parametrize("levels", list(itertools.product(SEVERITY, repeat=3)))
def test_level_when_scopes_differ_then_the_most_severe_wins(levels: tuple[ControlLevel, ...]) -> None:
    controls = Controls()
    for scope, level in zip(SCOPES, levels, strict=True):
        controls.apply(control(scope, level))
    assert SEVERITY.index(controls.level("alpha", "trend")) == max(SEVERITY.index(level) for level in levels)


def test_level_when_another_account_or_strategy_is_halted_then_untouched() -> None:
    controls = Controls()
    for scope in ("account:beta", "strategy:other", "service:ingest"):
        controls.apply(control(scope, ControlLevel.FLATTEN))
    assert controls.level("alpha", "trend") is ControlLevel.NORMAL


def test_apply_when_an_older_change_comes_late_then_ignored() -> None:
    controls = Controls()
    assert controls.apply(control("global", ControlLevel.REDUCE_ONLY, issued_at_us=5))
    assert not controls.apply(control("global", ControlLevel.NORMAL, issued_at_us=4))
    assert controls.level("alpha", "trend") is ControlLevel.REDUCE_ONLY
    assert controls.apply(control("global", ControlLevel.NORMAL, issued_at_us=6))
    assert controls.levels() == {}


def test_paused_when_a_service_or_everything_is_then_only_that() -> None:
    controls = Controls()
    controls.apply(control("service:ingest", ControlLevel.PAUSED))
    assert (controls.paused("ingest"), controls.paused("risk")) == (True, False)
    assert controls.levels() == {"service:ingest": "PAUSED"}
    controls.apply(control("global", ControlLevel.PAUSED))
    assert (controls.paused("ingest"), controls.paused("risk")) == (True, True)


@pytest.mark.parametrize("level", [level for level in ControlLevel if level is not ControlLevel.PAUSED])
def test_paused_when_another_scope_takes_any_other_level_then_still_paused(level: ControlLevel) -> None:
    controls = Controls()
    controls.apply(control("service:ingest", ControlLevel.PAUSED))
    controls.apply(control("global", level, issued_at_us=2))
    assert controls.paused("ingest")


@pytest.mark.parametrize(
    ("scope", "covered"), [*((s, True) for s in SCOPES), ("account:beta", False), ("service:x", False)]
)
def test_flattening_when_asked_then_only_what_the_scope_names(scope: str, covered: bool) -> None:
    controls = Controls()
    controls.apply(control(scope, ControlLevel.FLATTEN))
    found = controls.flattening("alpha", "trend")
    assert (found is not None and found.scope == scope) is covered
    controls.apply(control(scope, ControlLevel.REDUCE_ONLY, issued_at_us=2))
    assert controls.flattening("alpha", "trend") is None
