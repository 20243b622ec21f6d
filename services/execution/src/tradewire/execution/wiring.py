"""The only file that names adapters."""

from __future__ import annotations

from decimal import Decimal

from tradewire.execution.adapters.memory_ledger import MemoryLedger
from tradewire.execution.adapters.paper_venue import PaperVenue
from tradewire.execution.adapters.postgres_ledger import PostgresLedger
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.execution.handlers import inputs
from tradewire.execution.settings import Settings
from tradewire.execution.store import LedgerStore
from tradewire.ports.events import AccountStateChanged, AuditRecorded, ControlStatusChanged, OrderChanged, OrderFilled
from tradewire.ports.ledger import LedgerPort
from tradewire.runtime.service import Service
from tradewire.trading.exchange import FillModel
from tradewire.trading.wire import e8


def build(settings: Settings) -> Service:
    """The execution service as a value."""
    dsn = settings.execution_dsn
    return on_ledger(settings, MemoryLedger() if dsn is None else PostgresLedger(dsn))


def on_ledger(settings: Settings, ledger: LedgerPort) -> Service:
    """The service on a ledger that may outlive it."""
    desk = ExecutionDesk(paper_venue(settings))
    return Service(
        name="execution",
        inputs=inputs(desk),
        outputs=(OrderChanged, OrderFilled, AccountStateChanged, ControlStatusChanged, AuditRecorded),
        store=LedgerStore(desk, ledger),
        held=desk.held.lowest,
        backlog=desk.held.counts,
        tick=desk.tick,
        status=desk.status,
        waits=desk.waits,
        levels=desk.kill_switch.controls.told,
        accounts=desk.accounts,
        renew=lambda: on_ledger(settings, ledger),
        mode="paper",
    )


def paper_venue(settings: Settings) -> PaperVenue:
    """The simulated exchange as the settings want it."""
    return PaperVenue(
        balance_e8=lambda _: e8(settings.paper_balance),
        leverage=settings.paper_leverage,
        margin_mode=settings.paper_margin_mode,
        fill_model=FillModel(
            slippage_rate_e8=e8(settings.slippage_bps / Decimal(10_000)),
            volume_share_e8=e8(settings.volume_share),
            latency_us=settings.latency_us,
        ),
    )
