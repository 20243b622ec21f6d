"""What a service says of its own running: started, stopped, a dead letter, servers that came back.

Such events travel with the service's other output and are delivered as it is; telemetry keeps them in its log store.
There are few: none belongs to a bar. Logs say more, to those who can reach them.
"""

from __future__ import annotations

from collections import deque

from tradewire.ports.clock import ClockPort
from tradewire.ports.events import AuditRecorded, Severity
from tradewire.ports.message import Emit, Work, derived_id
from tradewire.runtime.observe.secrets import scrub
from tradewire.runtime.service import Service

WAITING_MAX = 256
"""Events that wait for the next round; of more, the oldest are given up, and counted."""
TEXT_CHARACTERS_MAX = 500
"""Length of a message or a detail."""


class Audit:
    """Collects one service's events until its worker publishes them. Of a service that may not write them, none."""

    def __init__(self, service: Service, clock: ClockPort, member: str = "") -> None:
        """``member``: what tells this process from others of the service."""
        self._writes = AuditRecorded in service.outputs
        self._source, self._clock, self.member = service.name, clock, member
        self._waiting: deque[Emit] = deque()
        self._given_up = 0

    def note(
        self,
        name: str,
        message: str,
        *,
        severity: Severity = Severity.INFO,
        cause: str = "",
        traceparent: str = "",
        **attributes: object,
    ) -> None:
        """Something happened. ``name``: stable, in snake_case; ``cause``: what makes it the same when it is told twice;
        without one it is told once, by this process, at this time. ``traceparent``: of the record that it is about.
        """
        if not self._writes:
            return
        if len(self._waiting) == WAITING_MAX:
            self._waiting.popleft()
            self._given_up += 1
        now_us = self._clock.now_us()
        event = AuditRecorded(
            source=self._source,
            severity=severity,
            name=name,
            message=_bounded(message),
            event_time_us=now_us,
            trace_id=traceparent.split("-")[1] if traceparent.count("-") == 3 else None,
            attributes={key: _bounded(str(value)) for key, value in attributes.items()},
        )
        event_id = derived_id(f"{self._source}|{name}", "AuditRecorded", cause or f"{self.member}|{now_us}")
        self._waiting.append(Emit(event, event_id=event_id, work=Work(f"audit.{name}")))

    def take(self) -> list[Emit]:
        """What is to be published now."""
        emits = list(self._waiting)
        self._waiting.clear()
        if self._given_up:
            self.note("events_given_up", f"{self._given_up} events more than could wait", severity=Severity.WARNING)
            emits.append(self._waiting.pop())
            self._given_up = 0
        return emits


def _bounded(text: str) -> str:
    text = scrub(text)
    return text if len(text) <= TEXT_CHARACTERS_MAX else f"{text[: TEXT_CHARACTERS_MAX - 1]}…"
