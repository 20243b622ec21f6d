"""What holds once everything has been delivered: each bar in force answered once, each intent placed or denied."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tradewire.ports.events import (
    ActiveVersion,
    CandleClosed,
    IndicatorsUpdated,
    OrderChanged,
    OrderStatus,
    RiskAssessed,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.testkit.closed_loop import ClosedLoop
from tradewire.testkit.loop_members import ExecutionMember, RiskMember, StrategyMember
from tradewire.trading.refused_bars import BAR_EVALUATED


def timeline(answers: Sequence[StrategyStatusChanged]) -> list[ActiveVersion]:
    """What was in force when: an answer leaves out what is long past, and what never came into force."""
    found: list[ActiveVersion] = []
    told: tuple[ActiveVersion, ...] = ()
    for answer in answers:
        told = answer.active or tuple(version.model_copy(update={"symbols": ()}) for version in told)
        since_us = told[0].effective_from_us if told else -1
        found = [*(version for version in found if version.effective_from_us < since_us), *told]
    return found


Bar = tuple[str, str, int]
"""Strategy, symbol and close of a bar that is decided on."""


def _same_question(one: StrategyStatusChanged, other: StrategyStatusChanged) -> bool:
    return (one.version, one.status) == (other.version, other.status)


def answers_of(loop: ClosedLoop, *, standing: bool) -> dict[str, list[StrategyStatusChanged]]:
    """Answers by strategy, in order; those that are ``standing``: without what came late and another had answered."""
    late = {id(event) for event in loop.late}
    told = [m.event for m in loop.log.messages() if isinstance(m.event, StrategyStatusChanged)]
    in_time = {(e.strategy_id, e.version, e.status) for e in told if id(e) not in late}
    found: dict[str, list[StrategyStatusChanged]] = defaultdict(list)
    for event in told:
        said = found[event.strategy_id]
        overtaken = id(event) in late and (event.strategy_id, event.version, event.status) in in_time
        if standing and (overtaken or (said and event.answered_at_us < said[-1].answered_at_us)):
            continue
        if standing and said and _same_question(said[-1], event):
            said.pop()  # of two the later one stands
        said.append(event)
    return found


def owed(loop: ClosedLoop, *, answers_max: int | None = None) -> set[Bar]:
    """Each bar that a version in force decides on; ``answers_max``: as whoever read no more may believe."""
    events = [message.event for message in loop.log.messages()]
    answers = answers_of(loop, standing=answers_max is None)
    versions_of = {strategy_id: timeline(said[:answers_max]) for strategy_id, said in answers.items()}
    found = set[Bar]()
    for bar in (event for event in events if isinstance(event, CandleClosed)):
        for strategy_id, versions in versions_of.items():
            version = next((v for v in reversed(versions) if v.effective_from_us <= bar.close_time_us), None)
            if version is not None and bar.symbol in version.symbols and bar.interval == version.interval:
                found.add((strategy_id, bar.symbol, bar.close_time_us))
    return found


def told_again(event: Event, in_any_step: bool) -> Event | None:
    """What must be the same when it is said again: not what indicators that began with another bar led to, nor what a
    leader of strategy that was stopped answers late.

    Of risk's answers the place in its step may differ ``in_any_step``: where an instance that was ahead decided for a
    version that had ended, a life of risk that knew of the end and one that did not see other steps.
    """
    if isinstance(event, IndicatorsUpdated | StrategyEvaluated | StrategyStatusChanged):
        return None
    if in_any_step and isinstance(event, RiskAssessed):
        return event.model_copy(update={"step_index": 0, "step_size": 1})
    return event


def first_of_each_id(loop: ClosedLoop) -> Iterator[Event]:
    """What was said. Said again, it is the same: but for indicators that began to be computed with another bar."""
    found: dict[str, Event] = {}
    for message in loop.log.messages():
        if not isinstance(message.event, str):
            known = found.setdefault(message.envelope.event_id, message.event)
            assert told_again(known, several(loop)) == told_again(message.event, several(loop))
    yield from found.values()


def several(loop: ClosedLoop) -> bool:
    """Has strategy several instances?"""
    return sum(isinstance(member, StrategyMember) for member in loop.members) > 1


def refuses_unevaluated(event: RiskAssessed) -> bool:
    """Does risk refuse a bar, as nobody evaluated it?"""
    return any(rule.rule == BAR_EVALUATED for rule in event.rules)


def hold(loop: ClosedLoop) -> None:
    """Raises AssertionError unless every bar in force was evaluated and every intent placed or denied, each once."""
    events = list(first_of_each_id(loop))
    decisions = [e for e in events if isinstance(e, StrategyEvaluated)]
    evaluated = {(e.strategy_id, e.symbol, e.event_time_us) for e in decisions}
    assert evaluated >= owed(loop)
    if not several(loop):
        assert len(evaluated) == len(decisions)
        assert evaluated == owed(loop) or loop.late
    # An instance that is bars ahead decides before it hears that the version had ended, or has another interval; and
    # on the word of an answer that came late, until a later one says when the version begins.
    answers = max(map(len, answers_of(loop, standing=False).values()), default=0)
    assert evaluated <= set().union(*(owed(loop, answers_max=count + 1) for count in range(answers)))
    assert len({(e.strategy_id, e.symbol, e.interval, e.event_time_us) for e in decisions}) == len(decisions)
    # Evaluations of one bar by several versions have one id; one of a version that is not in force is refused alone.
    told = [e for e in events if isinstance(e, RiskAssessed)]
    assessed = [e for e in told if not refuses_unevaluated(e)]
    answered = Counter((e.evaluation_id, e.config_version if not e.step_size else None) for e in assessed)
    assert {(e.strategy_id, e.symbol, e.event_time_us) for e in events if isinstance(e, RiskAssessed)} >= owed(loop)
    # Also those of a strategy that had been retired; not those on the word of an answer that came late.
    assert len({evaluation_id for evaluation_id, _ in answered}) == len(decisions) or loop.late
    assert set(answered.values()) <= {1}
    assert not any(map(refuses_unevaluated, told)) or loop.late, "no evaluation was lost"
    intents = [i.client_order_id for e in events if isinstance(e, RiskAssessed) for i in e.intents]
    outcomes = [e for e in events if isinstance(e, OrderChanged)]
    begun = [e.client_order_id for e in outcomes if e.status in (OrderStatus.SUBMITTED, OrderStatus.DENIED)]
    assert sorted(begun) == sorted(intents)
    for member in loop.members:
        if isinstance(member, ExecutionMember | RiskMember):
            assert (list(member.desk.waits()), member.held()) == ([], {}), "nothing is kept until the next bar"
