"""Every change of limits is in force or refused with its reason, and told once by whoever has the account."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import RiskLimitsAnswered, RiskLimitsChanged
from tradewire.ports.message import Emit
from tradewire.ports.risk import limits_told
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.limits import FIRST_VERSION_MAX, LimitsDesk
from tradewire.testkit.builders import envelope, limits
from tradewire.trading.limit_bounds import LIMITS


def desk(*stored: RiskLimitsChanged, owns: bool = True) -> LimitsDesk:
    """A desk whose store holds these."""
    rules = MemoryRules()
    for one in stored:
        rules.change(one)
    return LimitsDesk(rules, lambda _: owns)


def told(emits: Iterable[Emit]) -> list[RiskLimitsAnswered]:
    return [emit.event for emit in emits if isinstance(emit.event, RiskLimitsAnswered)]


def change(one: LimitsDesk, offset: int, version: int, **other: Any) -> RiskLimitsAnswered:
    """Ask for a change; returns the answer."""
    asked = limits(version=version, **other)
    list(one.on_change(asked, envelope(asked, offset)))
    (answer,) = told(one.tick(7))
    assert answer.request_offset == offset
    assert limits_told(answer).version == answer.version
    return answer


def test_change_when_it_is_the_next_version_then_in_force_and_told() -> None:
    one = desk()
    assert (change(one, 0, 1, max_leverage=Decimal(3)).accepted, change(one, 1, 2).accepted) == (True, True)
    assert told(one.tick(8)) == []


def test_change_when_the_store_is_ahead_of_a_new_bus_then_told_and_gone_on_with() -> None:
    one = desk(limits(version=5, max_leverage=Decimal(5)))
    (first,) = told(one.tick(1))
    assert (first.version, first.request_id, limits_told(first).max_leverage) == (5, "", Decimal(5))
    stale = change(one, 0, 1, max_leverage=Decimal(1))
    assert (stale.accepted, stale.version) == (False, 5)
    assert stale.reason == "version 1; allowed: 6, the next after what risk set"
    assert limits_told(change(one, 1, 6, max_leverage=Decimal(1))).max_leverage == Decimal(1)


def test_change_when_two_were_decided_on_the_same_limits_then_the_second_is_refused() -> None:
    one = desk()
    assert change(one, 0, 1, max_leverage=Decimal(1), author="ann").accepted
    second = change(one, 1, 1, max_order_notional=Decimal(100), author="bob")
    assert not second.accepted
    assert second.reason == "version 1; allowed: 2, the next after what ann set"
    assert limits_told(second).max_leverage == Decimal(1)


BAD: dict[str, Any] = {
    **dict.fromkeys(LIMITS, 0),
    "negative": {"max_leverage": Decimal(-1)},
    "huge": {"max_order_notional": Decimal("1e29")},
    "too many digits": {"price_collar_ratio": Decimal("0.000000001")},
    "negative count": {"max_orders_per_minute": -5},
    "huge count": {"max_orders_per_minute": 2_147_483_647},
    "nul in the author": {"author": "a\0b"},
    "lone surrogate": {"author": "a\udc80"},
}


@pytest.mark.parametrize("fault", BAD)
def test_change_when_no_limit_can_be_so_then_refused_and_the_next_is_taken(fault: str) -> None:
    one, value = desk(), BAD[fault]
    fields = value if isinstance(value, dict) else {fault: type(_example(fault))(value)}
    answer = change(one, 0, 1, **fields)
    assert (answer.accepted, answer.version) == (False, 0)
    assert "allowed" in answer.reason
    assert change(one, 1, 1).accepted


def _example(name: str) -> Any:
    """A value of the field's type."""
    return {"max_orders_per_minute": 1, "max_data_age_s": 1.0}.get(name, Decimal(1))


@pytest.mark.parametrize("version", [0, -1, FIRST_VERSION_MAX + 1, 2_147_483_647])
def test_change_when_the_first_version_leaves_no_room_then_refused(version: int) -> None:
    assert not change(desk(), 0, version).accepted


def test_change_when_another_instance_has_the_account_then_in_force_and_told_after_a_hand_over() -> None:
    owns = False
    rules = MemoryRules()
    one = LimitsDesk(rules, lambda _: owns)
    asked = limits(version=1, max_leverage=Decimal(2))
    list(one.on_change(asked, envelope(asked, 0)))
    assert rules.limits(asked.account_id) == asked
    assert told(one.tick(1)) == []
    owns = True
    one.own()
    (answer,) = told(one.tick(2))
    assert answer.accepted


def test_change_when_it_was_answered_by_an_earlier_life_then_not_told_again() -> None:
    before, asked = desk(), limits(version=1, max_leverage=Decimal(2))
    answer = change(before, 0, 1, max_leverage=Decimal(2))
    after = desk()
    list(after.on_answer(answer, envelope(answer)))
    list(after.on_change(asked, envelope(asked, 0)))
    assert told(after.tick(1)) == []
    assert change(after, 1, 2).accepted


def test_change_when_the_store_took_it_and_the_answer_was_lost_then_accepted_again() -> None:
    asked = limits(version=6)
    one = desk(limits(version=5), asked)
    list(one.on_change(asked, envelope(asked, 3)))
    answers = told(one.tick(1))
    assert [(answer.accepted, answer.version, answer.request_offset) for answer in answers] == [(True, 6, 3)]


def test_answer_when_a_refused_change_replaced_the_accepted_one_on_the_compacted_topic_then_still_in_force() -> None:
    before = desk()
    change(before, 0, 1, max_leverage=Decimal(2))
    last = change(before, 1, 9)
    after, asked = desk(), limits(version=9)
    list(after.on_answer(last, envelope(last)))
    list(after.on_change(asked, envelope(asked, 1)))
    assert limits_told(change(after, 2, 2)).version == 2


@pytest.mark.parametrize("in_force", ["", "{}", "[]", limits("beta").model_dump_json()])
def test_answer_when_it_tells_no_limits_then_a_dead_letter(in_force: str) -> None:
    answer = change(desk(), 0, 1).model_copy(update={"in_force": in_force})
    with pytest.raises(ContractViolationError, match="in_force"):
        desk().on_answer(answer, envelope(answer))


def test_instances_that_read_the_same_topic_judge_alike_in_any_hand_over() -> None:
    asked = [limits(version=v, max_leverage=Decimal(n + 1)) for n, v in enumerate((1, 1, 2, 5, 3))]
    outcomes = set()
    for at in itertools.product([True, False], repeat=len(asked)):
        mine = iter(at)
        one = LimitsDesk(MemoryRules(), lambda _, mine=mine: next(mine, True))  # type: ignore[misc]
        answers: list[RiskLimitsAnswered] = []
        for offset, event in enumerate(asked):
            list(one.on_change(event, envelope(event, offset)))
            answers += told(one.tick(1))
        answers += told(one.tick(2))
        outcomes.add(tuple((a.request_offset, a.accepted) for a in answers))
    assert outcomes == {((0, True), (1, False), (2, True), (3, False), (4, True))}


def test_answer_when_a_record_that_is_none_stands_behind_it_then_told_again_once_by_whoever_has_the_account() -> None:
    one, other = desk(), desk(owns=False)
    first = change(one, 0, 1, max_leverage=Decimal(3))
    list(other.on_answer(first, envelope(first)))
    for each in (one, other):
        each.on_displaced(first.account_id)
        each.on_displaced("nobody")
    (again,) = told(one.tick(9))
    assert again == first.model_copy(update={"event_time_us": 9})
    assert [told(each.tick(10)) for each in (one, other)] == [[], []]


def test_answer_when_it_was_told_again_by_another_then_not_by_who_takes_the_account_over() -> None:
    one = desk()
    first = change(one, 0, 1)
    one.on_displaced(first.account_id)
    list(one.on_answer(first, envelope(first)))
    assert told(one.tick(9)) == []
