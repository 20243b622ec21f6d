"""Evaluations that are refused before any rule of an account is asked, and the rules that say why."""

from __future__ import annotations

from tradewire.ports.events import ControlLevel, RiskDecision, RuleOutcome, StrategyEvaluated
from tradewire.trading.assessment.assess import Decision
from tradewire.trading.refused_bars import BAR_EVALUATED
from tradewire.trading.roster import VERSION_IN_FORCE

STEP_OPEN = "step_open"
"""The rule that an evaluation belongs to a step that is still open."""
BAR_CLOSED = "bar_closed"
"""The rule that the bar of an evaluation had closed when it was written."""
NOT_SKIPPED = "not_skipped"
"""The rule that no operator had the record of an evaluation passed over."""


def only_refused(decision: Decision, level: ControlLevel) -> Decision:
    """The answer to a signal at PAUSED, where nothing is sent, and at FLATTEN, or a share would be closed twice."""
    if decision.decision is not RiskDecision.APPROVED:
        return decision
    outcome = RuleOutcome(rule="kill_switch", passed=False, value=level, limit="REDUCE_ONLY or less")
    return Decision(RiskDecision.REFUSED, rules=(*decision.rules, outcome))


def _refused(rule: str, *, value: str, limit: str) -> Decision:
    """Refused by one rule, before any other is asked."""
    return Decision(RiskDecision.REFUSED, rules=(RuleOutcome(rule=rule, passed=False, value=value, limit=limit),))


def refused_as_late(event: StrategyEvaluated, answered_until_us: int) -> Decision:
    """The answer to a signal whose step was answered without it: execution has gone on and would ignore orders."""
    return _refused(
        STEP_OPEN,
        value=f"bar closed at {event.event_time_us} us",
        limit=f"after {answered_until_us} us, the newest step answered",
    )


def refused_as_lost(event_time_us: int) -> Decision:
    """The answer to a bar itself, of which no evaluation was read."""
    return _refused(
        BAR_EVALUATED,
        value=f"no evaluation of the bar closed at {event_time_us} us was read",
        limit="one that is read before those of later bars",
    )


def refused_as_replayed(event: StrategyEvaluated) -> Decision:
    """The answer to an evaluation of a bar that was refused, as none was read of it then."""
    return _refused(
        STEP_OPEN,
        value=f"evaluation of the bar closed at {event.event_time_us} us, read behind those of later bars",
        limit=f"a bar that was not refused by {BAR_EVALUATED}",
    )


def refused_as_skipped() -> Decision:
    """The answer to an evaluation that an operator had passed over."""
    return _refused(NOT_SKIPPED, value="an operator had the record skipped", limit="no dlq skip")


def refused_as_second(event: StrategyEvaluated) -> Decision:
    """The answer to another evaluation of a bar than the one that waits for its answer."""
    return _refused(
        STEP_OPEN,
        value=f"another evaluation of the bar closed at {event.event_time_us} us, at {event.interval}",
        limit="the first one of a bar, at its version's interval",
    )


def refused_as_ahead(event: StrategyEvaluated) -> Decision:
    """The answer to an evaluation that was written ahead of its market, which no service does."""
    return _refused(
        BAR_CLOSED,
        value=f"bar closed at {event.event_time_us} us",
        limit="a bar that closed before it was evaluated",
    )


def refused_as_ended(event: StrategyEvaluated) -> Decision:
    """The answer to a signal of an instance that had not heard that its strategy was retired or changed.

    Nobody else knows of such a bar: nothing may move the account there, so no state of it is waited for.
    """
    return _refused(
        VERSION_IN_FORCE,
        value=f"version {event.config_version} decided on the bar of {event.event_time_us} us",
        limit="a bar that a version in force decides on",
    )
