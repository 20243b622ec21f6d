"""The only file that names adapters."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.ports.bus import Outgoing
from tradewire.ports.events import StrategyEvaluated, StrategyStatusChanged
from tradewire.runtime.service import Service, Store
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.strategy.handlers import inputs
from tradewire.strategy.settings import Settings


class _Ownership(Store):
    """Tells the desk which partitions are its own; evaluations need no state."""

    def __init__(self, desk: StrategyDesk) -> None:
        self._desk = desk

    async def acquire(self, partitions: Sequence[int]) -> Sequence[Outgoing]:
        self._desk.own(partitions)
        return ()

    async def release(self, partitions: Sequence[int]) -> None:
        self._desk.forget(partitions)


def build(settings: Settings) -> Service:
    """The strategy service as a value."""
    desk = StrategyDesk()
    return Service(
        name="strategy",
        inputs=inputs(desk),
        outputs=(StrategyEvaluated, StrategyStatusChanged),
        store=_Ownership(desk),
        tick=desk.tick,
        status=desk.status,
    )
