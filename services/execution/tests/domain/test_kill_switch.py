"""The kill switch in execution: what a level does not let work is withdrawn at once, or never placed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.ports.events import ControlLevel, OrderChanged, OrderLeg, OrderStatus, OrderType, Side
from tradewire.ports.message import Event
from tradewire.testkit.builders import assessment, candle, control, envelope, intent
from tradewire.testkit.execution_desk import desk_with, fills, life, say, states, told
from tradewire.testkit.strategies import active, document, status

LEVELS = [level for level in ControlLevel if level is not ControlLevel.NORMAL]
ENTRY = intent("entry", qty=2)
GUARD = intent(
    "stop",
    Side.SELL,
    2,
    leg=OrderLeg.STOP_LOSS,
    order_type=OrderType.STOP_MARKET,
    stop_price=Decimal(50),
    reduce_only=True,
    parent_id="entry",
)
EXIT = intent("exit", Side.SELL, 2, leg=OrderLeg.EXIT, reduce_only=True)


def reasons(events: list[Event], client_order_id: str) -> list[str | None]:
    return [e.reason for e in events if isinstance(e, OrderChanged) and e.client_order_id == client_order_id]


def holding() -> ExecutionDesk:
    """A desk whose account holds 2 with a stop behind them."""
    desk = desk_with()
    found = told(desk, candle(0), assessment(0, ENTRY, GUARD), candle(1))
    assert life(found, "entry")[-1] is OrderStatus.FILLED
    return desk


@pytest.mark.parametrize("level", LEVELS)
def test_entry_at_work_when_a_level_comes_then_withdrawn_with_its_guard_and_never_filled(level: ControlLevel) -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, ENTRY, GUARD))
    found = say(desk, control("global", level), 1)
    assert life(found, "entry") == [OrderStatus.CANCELED]
    assert reasons(found, "entry") == [f"kill_switch {level.value}"]
    assert life(found, "stop") == [OrderStatus.EXPIRED]
    after = told(desk, candle(1))
    assert fills(after) == []
    assert states(after)[-1].open_orders == ()


@pytest.mark.parametrize("level", LEVELS)
def test_entry_when_approved_before_the_level_was_known_then_denied_with_its_guard(level: ControlLevel) -> None:
    desk = desk_with()
    told(desk, candle(0), control("account:alpha", level))
    found = say(desk, assessment(0, ENTRY, GUARD))
    assert (life(found, "entry"), life(found, "stop")) == ([OrderStatus.DENIED], [OrderStatus.DENIED])
    assert reasons(found, "stop") == [f"kill_switch {level.value}"]
    assert fills(told(desk, candle(1))) == []


@pytest.mark.parametrize("level", LEVELS)
def test_stop_of_an_open_position_when_a_level_comes_then_stays_at_work(level: ControlLevel) -> None:
    desk = holding()
    assert say(desk, control("global", level)) == []
    (stopped,) = fills(told(desk, assessment(1), candle(2, 40, open=Decimal(60), high=Decimal(60), low=Decimal(30))))
    assert (stopped.leg, stopped.position_after) == ("STOP_LOSS", Decimal(0))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("first", ["level", "order"])
def test_exit_when_a_level_comes_before_or_after_it_then_held_back_by_paused_only(
    level: ControlLevel, first: str
) -> None:
    desk = holding()
    steps: list[Event] = [control("global", level), assessment(1, EXIT)]
    found = told(desk, *(steps if first == "level" else reversed(steps)), candle(2))
    held_back = level is ControlLevel.PAUSED
    assert [fill.leg for fill in fills(found)] == ([] if held_back else [OrderLeg.EXIT])
    ending = OrderStatus.DENIED if first == "level" else OrderStatus.CANCELED
    assert life(found, "exit")[-1] is (ending if held_back else OrderStatus.FILLED)


def shared_short() -> ExecutionDesk:
    """Two strategies on one symbol: ``trend`` holds 2, ``other`` -1, the account 1."""
    desk = desk_with()
    say(desk, status(active(document("other", "alpha", "BTCUSDT"))))
    other: dict[str, Any] = {"strategy_id": "other", "step_size": 0}
    entries = [assessment(0, ENTRY, step_size=0), assessment(0, intent("short", Side.SELL, 1), **other)]
    told(desk, candle(0), *entries, assessment(0), candle(1))
    return desk


@pytest.mark.parametrize("first", ["level", "order"])
@pytest.mark.parametrize(
    ("level", "positions"), [(ControlLevel.NO_NEW, {2}), (ControlLevel.REDUCE_ONLY, {1}), (ControlLevel.NORMAL, {2})]
)
def test_exit_of_a_share_that_makes_the_position_larger_is_held_back_by_reduce_only_alone(
    level: ControlLevel, positions: set[int], first: str
) -> None:
    desk = shared_short()
    buys_back = intent("back", Side.BUY, 1, leg=OrderLeg.EXIT)
    steps: list[Event] = [
        control("global", level),
        assessment(1, buys_back, strategy_id="other", step_size=0),
    ]
    found = told(desk, *(steps if first == "level" else reversed(steps)), assessment(1), candle(2))
    assert {position.qty for position in states(found)[-1].positions} == positions


def test_level_of_another_account_or_strategy_withdraws_nothing() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, ENTRY))
    for scope in ("account:beta", "strategy:other", "service:ingest"):
        assert say(desk, control(scope, ControlLevel.FLATTEN)) == []
    assert life(told(desk, candle(1)), "entry")[-1] is OrderStatus.FILLED


def test_level_when_the_account_is_taken_over_later_then_carried_out_before_the_next_bar() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, ENTRY))
    saved = desk_account(desk).saved()
    later = desk_with()
    say(later, control("strategy:trend", ControlLevel.NO_NEW))
    later.restore("alpha", saved)
    assert fills(told(later, candle(1))) == []
    ticked = desk_with()
    say(ticked, control("global", ControlLevel.PAUSED))
    ticked.restore("alpha", saved)
    assert life([emit.event for emit in ticked.tick(0)], "entry") == [OrderStatus.CANCELED]
    assert [event.status for event in ticked.journal() if isinstance(event, OrderChanged)] == [OrderStatus.CANCELED]


def test_resume_when_entries_were_withdrawn_then_the_next_ones_work() -> None:
    desk = desk_with()
    told(desk, candle(0), assessment(0, ENTRY))
    say(desk, control("global", ControlLevel.NO_NEW), 1)
    told(desk, candle(1))
    say(desk, control("global", ControlLevel.NORMAL, issued_at_us=0), 2)
    found = told(desk, assessment(1, intent("again", qty=1)), candle(2))
    assert life(found, "again")[-1] is OrderStatus.FILLED
    assert desk.status()["controls"] == {}


def test_deleted_record_lifts_what_it_asked_for() -> None:
    desk = desk_with()
    say(desk, control("global", ControlLevel.NO_NEW), 1)
    event = control("global", ControlLevel.NORMAL)
    list(desk.kill_switch.on_deleted("global", envelope(event, 2)))
    assert desk.status()["controls"] == {}


def desk_account(desk: ExecutionDesk) -> ExecutionAccount:
    accounts: Callable[[str], ExecutionAccount] = desk._account
    return accounts("alpha")
