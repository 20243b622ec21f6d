"""From decisions to the assessments that risk publishes."""

from __future__ import annotations

from tradewire.ports.events import (
    AccountStateChanged,
    InstrumentChanged,
    RiskAssessed,
    RiskDecision,
    RuleOutcome,
    StrategyEvaluated,
)
from tradewire.ports.message import Attributes, Emit, Work
from tradewire.risk.domain.refusals import refused_as_lost
from tradewire.risk.domain.waiting import BufferedState, WaitingEvaluation
from tradewire.trading.assessment.assess import Decision
from tradewire.trading.roster import Subscription


def unknown(state: AccountStateChanged | None, instrument: InstrumentChanged | None) -> Decision:
    """Refuse what can't be judged."""
    known = (("account_state_known", state is not None), ("instrument_known", instrument is not None))
    rules = (
        RuleOutcome(rule=rule, passed=passed, value="known" if passed else "unknown", limit="known")
        for rule, passed in known
    )
    return Decision(RiskDecision.REFUSED, rules=tuple(rules))


def assessed(
    waiting: WaitingEvaluation,
    decision: Decision,
    state: AccountStateChanged | None,
    index: int,
    size: int,
    *,
    late: bool,
) -> Emit:
    """The answer to an evaluation, ``index`` of the ``size`` of its step; ``state``: what it was judged by."""
    event = waiting.event
    answer = RiskAssessed(
        account_id=event.account_id,
        strategy_id=event.strategy_id,
        config_version=event.config_version,
        venue=event.venue,
        symbol=event.symbol,
        event_time_us=event.event_time_us,
        evaluation_id=waiting.envelope.event_id,
        decision=decision.decision,
        intents=decision.intents,
        cancels=decision.cancels,
        rules=decision.rules,
        equity=state.equity if state is not None else None,
        account_time_us=state.event_time_us if state is not None else None,
        step_index=index,
        step_size=size,
        late=late,
        last_of_stream=event.last_of_stream,
    )
    return Emit(answer, waiting.envelope, work=_work(event, decision))


def refused_lost(state: BufferedState, lost: Subscription) -> Emit:
    """The answer to a bar of a stream of which no evaluation was read, outside the steps (step_size 0).

    ``state``: the account's state behind the bar, which tells that it happened.
    """
    event, decision = state.event, refused_as_lost(state.event.event_time_us)
    answer = RiskAssessed(
        account_id=event.account_id,
        strategy_id=lost.stream.strategy_id,
        config_version=lost.version,
        venue=lost.venue,
        symbol=lost.stream.symbol,
        event_time_us=event.event_time_us,
        evaluation_id=state.envelope.event_id,
        decision=decision.decision,
        intents=(),
        cancels=(),
        rules=decision.rules,
        step_index=0,
        step_size=0,
    )
    ordinal = f"lost {lost.stream.strategy_id} {lost.stream.symbol} {lost.version}"
    return Emit(answer, state.envelope, ordinal, work=_work(answer, decision))


def _work(event: StrategyEvaluated | RiskAssessed, decision: Decision) -> Work:
    """The assessment as a span, with an event for each rule."""
    return Work(
        "risk.assess",
        {
            "tradewire.risk.decision": decision.decision.lower(),
            "tradewire.strategy.id": event.strategy_id,
            "tradewire.config.version": event.config_version,
        },
        kept=bool(decision.intents or decision.cancels),
        logged=decision.decision is not RiskDecision.NO_SIGNAL,
        events=tuple(map(_judged, decision.rules)),
    )


def _judged(outcome: RuleOutcome) -> tuple[str, Attributes]:
    """A rule's verdict as an event of the work."""
    return "risk.rule", {
        "tradewire.risk.rule": outcome.rule,
        "tradewire.risk.value": outcome.value,
        "tradewire.risk.limit": outcome.limit,
        "tradewire.risk.verdict": "passed" if outcome.passed else "refused",
    }
