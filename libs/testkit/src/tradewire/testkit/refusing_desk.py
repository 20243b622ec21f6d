"""A service that refuses what a test tells it to: for tests of dead letters, parking and replay."""

from __future__ import annotations

from collections.abc import Iterator

from tradewire.ports.errors import ContractViolationError
from tradewire.ports.events import RiskAssessed, StrategyEvaluated
from tradewire.ports.message import Emit, Envelope
from tradewire.runtime.service import Service, on
from tradewire.testkit.builders import assessment


class RefusingDesk:
    """Assesses evaluations in order, but refuses those whose candle offset is in ``broken``."""

    def __init__(self, *broken: int) -> None:
        self.broken = set(broken)
        self.handled: list[int] = []

    def decide(self, event: StrategyEvaluated, envelope: Envelope) -> Iterator[Emit]:
        """Handles one evaluation. Raises ContractViolationError(stage="handle") for a broken one."""
        if event.candle_offset in self.broken:
            raise ContractViolationError("broken", stage="handle")
        self.handled.append(event.candle_offset)
        yield Emit(assessment(event.candle_offset, account_id=event.account_id), envelope)

    @property
    def service(self) -> Service:
        """The desk as the risk service."""
        return Service(name="risk", inputs=(on(StrategyEvaluated, self.decide),), outputs=(RiskAssessed,))
