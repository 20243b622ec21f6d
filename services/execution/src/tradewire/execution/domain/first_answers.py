"""Risk answers each evaluation once and for ever. When a second answer says something else, the first counts.

Two answers may come when an instance of risk was stopped in the middle of a write and goes on after another took over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tradewire.ports.events import AuditRecorded, OrderIntent, RiskAssessed, RiskDecision, Severity
from tradewire.ports.message import Attributes, Emit, Envelope, Work

REMEMBERED_MAX = 256
"""Answers of an account that a second one is compared with."""


class _Answer(NamedTuple):
    decision: RiskDecision
    intents: tuple[OrderIntent, ...]
    cancels: tuple[str, ...]

    def __str__(self) -> str:
        orders = ", ".join(f"{i.side} {i.qty} {i.client_order_id}" for i in self.intents) or "none"
        return f"{self.decision} (orders: {orders}; cancels: {', '.join(self.cancels) or 'none'})"


class FirstAnswers:
    """The newest first answers, per account; those that this process has seen."""

    def __init__(self) -> None:
        self._first: dict[str, dict[str, _Answer]] = {}

    def compare(self, event: RiskAssessed, envelope: Envelope) -> Iterator[Emit]:
        """Note an answer; say it for people when it differs from the first."""
        answer, known = _Answer(event.decision, event.intents, event.cancels), self._first.get(event.account_id)
        if known is None:
            known = self._first[event.account_id] = {}
        first = known.setdefault(event.evaluation_id, answer)
        if first == answer:
            if len(known) > REMEMBERED_MAX:
                del known[next(iter(known))]
            return
        differs = AuditRecorded(
            source="execution",
            severity=Severity.ERROR,
            name="assessment_differs",
            message=f"evaluation {event.evaluation_id} of {event.account_id} has two answers; the first counts",
            event_time_us=event.event_time_us,
            attributes={
                "account_id": event.account_id,
                "evaluation_id": event.evaluation_id,
                "first": str(first),
                "second": str(answer),
            },
        )
        attributes: Attributes = {"account_id": event.account_id, "evaluation_id": event.evaluation_id}
        yield Emit(differs, envelope, work=Work("assessment.differs", attributes, logged=True))

    def forget(self, account_id: str) -> None:
        """Another process answers for the account."""
        self._first.pop(account_id, None)
