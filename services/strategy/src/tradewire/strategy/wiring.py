"""The only file that names adapters."""

from __future__ import annotations

from tradewire.ports.events import AuditRecorded, StrategyEvaluated, StrategyStatusChanged
from tradewire.ports.strategy_registry import StrategyRegistryPort
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.service import Service
from tradewire.strategy.adapters.memory_registry import MemoryRegistry
from tradewire.strategy.adapters.postgres_registry import PostgresRegistry
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.strategy.examiner import Examiner
from tradewire.strategy.handlers import inputs
from tradewire.strategy.settings import Settings
from tradewire.strategy.store import RegistryStore


def build(settings: Settings) -> Service:
    """The strategy service as a value."""
    dsn = settings.strategy_dsn
    return _over(PostgresRegistry(dsn) if dsn is not None else MemoryRegistry())


def _over(registry: StrategyRegistryPort) -> Service:
    """The service with an empty memory over what the registry holds."""
    desk = StrategyDesk()
    clock = SystemClock()
    examiner = Examiner(desk, clock)
    return Service(
        name="strategy",
        inputs=inputs(desk),
        outputs=(StrategyEvaluated, StrategyStatusChanged, AuditRecorded),
        store=RegistryStore(desk, registry, examiner, clock),
        tick=examiner.tick,
        hurried=desk.examines,
        status=desk.status,
        waits=desk.waits,
        renew=lambda: _over(registry),
    )
