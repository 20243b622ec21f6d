"""A risk desk to talk to, event by event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tradewire.ports.events import RiskAssessed, RiskLimitsChanged
from tradewire.ports.message import Emit, Event
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.desk import RiskDesk
from tradewire.testkit.builders import BTC, ETH, envelope, instrument
from tradewire.testkit.strategies import active, document, status


def desk_with(*bounds: RiskLimitsChanged, symbols: tuple[str, ...] = (BTC,), **settings: Any) -> RiskDesk:
    """A desk that knows two instruments, limits, and the strategy ``trend`` on ``symbols``."""
    desk = RiskDesk(MemoryRules(), **settings)
    known = [instrument(BTC), instrument(ETH), *bounds, status(active(document("trend", "alpha", *symbols)))]
    for event in known:
        say(desk, event)
    return desk


def say(desk: RiskDesk, event: Event, offset: int = 0) -> list[RiskAssessed]:
    """Deliver one event; returns the answers."""
    handlers = {
        "InstrumentChanged": desk.on_instrument,
        "RiskLimitsChanged": desk.limits.on_change,
        "StrategyStatusChanged": desk.on_status,
        "StrategyEvaluated": desk.on_evaluation,
        "AccountStateChanged": desk.on_account,
        "ControlChanged": desk.on_control,
    }
    handler: Any = handlers[type(event).__name__]
    return answers(handler(event, envelope(event, offset)))


def answers(emits: Iterable[Emit]) -> list[RiskAssessed]:
    """What was assessed."""
    return [emit.event for emit in emits if isinstance(emit.event, RiskAssessed)]


def refused(answer: RiskAssessed) -> set[str]:
    """Rules that refuse."""
    return {rule.rule for rule in answer.rules if not rule.passed}
