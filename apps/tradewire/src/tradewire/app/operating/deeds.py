"""What operators ask of a platform, as audit events: what, of what, and who asked."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass, field

from tradewire.ports.events import (
    AuditRecorded,
    ControlChanged,
    RiskLimitsChanged,
    Severity,
    StrategyConfigPublished,
)
from tradewire.ports.message import Event

SOURCE = "operator"
"""Where these events come from."""
TEXT_MAX = 500
"""Length of a message or a detail; the rest is cut off."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was asked for. ``name``: stable, in snake_case; ``what``: for people, after the name of who."""

    name: str
    what: str
    details: Mapping[str, object] = field(default_factory=dict)

    def event(self, who: str, at_us: int) -> AuditRecorded:
        """The audit event of it."""
        details = {"who": who} | {name: str(value)[:TEXT_MAX] for name, value in self.details.items()}
        return AuditRecorded(
            source=SOURCE,
            severity=Severity.INFO,
            name=self.name,
            message=f"{who} {self.what}"[:TEXT_MAX],
            event_time_us=at_us,
            attributes=details,
        )


def user() -> str:
    """Who is at the keyboard; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def deed_of(event: Event) -> Deed | None:
    """What an operator's message asks for; None for one that asks for nothing."""
    if isinstance(event, ControlChanged):
        level = event.level.value
        details: dict[str, object] = {"scope": event.scope, "level": level, "reason": event.reason}
        return Deed("control_asked", f"asked for {level} of {event.scope}: {event.reason}", details)
    if isinstance(event, RiskLimitsChanged):
        details = {"account": event.account_id, "version": event.version}
        return Deed("limits_asked", f"asked for version {event.version} of the limits of {event.account_id}", details)
    if isinstance(event, StrategyConfigPublished):
        details = {"strategy": event.strategy_id, "version": event.version}
        return Deed("strategy_published", f"published version {event.version} of {event.strategy_id}", details)
    return None
