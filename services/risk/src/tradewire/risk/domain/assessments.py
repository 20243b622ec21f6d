"""From decisions to the assessments that risk publishes."""

from __future__ import annotations

from tradewire.ports.events import (
    AccountStateChanged,
    InstrumentChanged,
    RiskAssessed,
    RiskDecision,
    RuleOutcome,
)
from tradewire.ports.message import Emit, Work
from tradewire.risk.domain.account import Waiting
from tradewire.trading.assessment.assess import Decision


def unknown(state: AccountStateChanged | None, instrument: InstrumentChanged | None) -> Decision:
    """Refuse what can't be judged."""
    known = (("account_state_known", state is not None), ("instrument_known", instrument is not None))
    rules = (
        RuleOutcome(rule=rule, passed=passed, value="known" if passed else "unknown", limit="known")
        for rule, passed in known
    )
    return Decision(RiskDecision.REFUSED, rules=tuple(rules))


def assessed(
    waiting: Waiting,
    decision: Decision,
    state: AccountStateChanged | None,
    index: int,
    size: int,
    *,
    late: bool,
) -> Emit:
    """The answer to an evaluation, ``index`` of the ``size`` of its step."""
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
        equity=state.equity if state is not None and decision.decision is not RiskDecision.NO_SIGNAL else None,
        account_time_us=state.event_time_us
        if state is not None and decision.decision is not RiskDecision.NO_SIGNAL
        else None,
        step_index=index,
        step_size=size,
        late=late,
        last_of_stream=event.last_of_stream,
    )
    work = Work(
        "risk.assess",
        {"tradewire.risk.decision": decision.decision.lower(), "tradewire.strategy.id": event.strategy_id},
    )
    return Emit(answer, waiting.envelope, work=work)
