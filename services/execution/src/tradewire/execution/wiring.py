"""The only file that names adapters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from tradewire.binance.orders import MarginType
from tradewire.execution.adapters.binance_access import BinanceAccess
from tradewire.execution.adapters.binance_broker import BinanceBroker
from tradewire.execution.adapters.binance_modes import AccountModes
from tradewire.execution.adapters.memory_ledger import MemoryLedger
from tradewire.execution.adapters.paper_venue import PaperVenue
from tradewire.execution.adapters.postgres_ledger import PostgresLedger
from tradewire.execution.adapters.promotion import check_promotion, read_promotion
from tradewire.execution.adapters.simulated_broker import SimulatedBroker
from tradewire.execution.domain.asking import IN_EVENT_TIME, AskPolicy
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.execution.domain.figures import METRICS, OrderCounts, figures
from tradewire.execution.domain.venue import AccountVenue
from tradewire.execution.handlers import inputs
from tradewire.execution.routed_execution import BrokerLink
from tradewire.execution.routed_venue import RoutedVenue
from tradewire.execution.settings import Settings
from tradewire.execution.store import LedgerStore
from tradewire.ports.events import AccountStateChanged, AuditRecorded, ControlStatusChanged, OrderChanged, OrderFilled
from tradewire.ports.ledger import LedgerPort
from tradewire.ports.metrics import Figure, Metric
from tradewire.runtime.clock import SystemClock
from tradewire.runtime.rate_budget.budget import METRICS as BUDGET_METRICS
from tradewire.runtime.rate_budget.budget import RateBudget
from tradewire.runtime.rate_budget.memory_spent import MemorySpent
from tradewire.runtime.rate_budget.postgres_spent import PostgresSpent
from tradewire.runtime.service import Service
from tradewire.trading.candle_watch import METRICS as CANDLE_METRICS
from tradewire.trading.exchange import FillModel, MarginMode, SimulatedExchange
from tradewire.trading.wire import e8

UNKNOWN: Final = Metric(
    "tradewire_binance_unknown_messages_total",
    "counter",
    ("kind", "name"),
    "Events and fields that are not known here.",
)
UNKNOWN_MAX: Final = 50
"""Most names that are shown of them."""


def build(settings: Settings) -> Service:
    """The execution service as a value."""
    dsn = settings.execution_dsn
    return on_ledger(settings, MemoryLedger() if dsn is None else PostgresLedger(dsn), SimulatedBrokers(settings))


def on_ledger(settings: Settings, ledger: LedgerPort, brokers: SimulatedBrokers | None = None) -> Service:
    """The service on a ledger, and on brokers, that may outlive it."""
    brokers = brokers or SimulatedBrokers(settings)
    venue: AccountVenue = paper_venue(settings)
    binance = BinanceBrokers(settings) if settings.venue == "binance" else None
    if settings.venue == "simulated":
        venue = RoutedVenue(brokers.of, SystemClock())
    elif binance is not None:
        venue = RoutedVenue(binance.of, SystemClock(), closed=binance.close)
    desk, orders = ExecutionDesk(venue), OrderCounts()
    told = (lambda: ()) if binance is None else binance.figures
    return Service(
        name="execution",
        inputs=inputs(desk),
        outputs=(OrderChanged, OrderFilled, AccountStateChanged, ControlStatusChanged, AuditRecorded),
        store=LedgerStore(desk, ledger),
        held=desk.pending.lowest,
        holds=desk.pending.has,
        backlog=desk.pending.counts,
        tick=desk.tick,
        hurried=desk.busy,
        doubts=desk.unknown.doubts,
        settle=desk.unknown.settle,
        status=desk.status,
        waits=desk.waits,
        closed=venue.close,
        levels=desk.kill_switch.controls.told,
        accounts=desk.accounts,
        renew=lambda: on_ledger(settings, ledger, brokers),
        mode="live" if settings.venue == "binance" else "paper",
        metrics=(*METRICS, *CANDLE_METRICS, *BUDGET_METRICS, UNKNOWN),
        figures=lambda: (*figures(desk.accounts().values(), orders), *desk.intake.watch.figures(), *told()),
        sent=orders.count,
    )


def paper_venue(settings: Settings) -> PaperVenue:
    """The simulated exchange as the settings want it."""
    return PaperVenue(
        balance_e8=lambda _: e8(settings.paper_balance),
        leverage=settings.paper_leverage,
        margin_mode=settings.paper_margin_mode,
        fill_model=fill_model(settings),
    )


def fill_model(settings: Settings) -> FillModel:
    """How a simulated exchange fills."""
    return FillModel(
        slippage_rate_e8=e8(settings.slippage_bps / Decimal(10_000)),
        volume_share_e8=e8(settings.volume_share),
        latency_us=settings.latency_us,
    )


class SimulatedBrokers:
    """A simulated broker for each account. They outlive a service that begins anew, as a real one does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._brokers: dict[str, SimulatedBroker] = {}

    def of(self, account_id: str) -> BrokerLink:
        """The account's broker, which is its own market."""
        if account_id not in self._brokers:
            settings = self._settings
            balance_e8, model = e8(settings.paper_balance), fill_model(settings)
            self._brokers[account_id] = SimulatedBroker(
                SimulatedExchange(account_id, balance_e8, (), fill_model=model),
                leverage=settings.paper_leverage,
                margin_mode=settings.paper_margin_mode,
            )
        return BrokerLink(self._brokers[account_id], IN_EVENT_TIME, market=self._brokers[account_id])


class BinanceBrokers:
    """An account at Binance for each of ours, under keys of its own."""

    def __init__(self, settings: Settings) -> None:
        keys = settings.binance_keys
        assert keys is not None, "the settings were checked"
        mode = MarginType.CROSSED if settings.binance_margin_mode is MarginMode.CROSS else MarginType.ISOLATED
        hedged, dead_man_s = settings.binance_position_mode == "hedge", settings.binance_dead_man_seconds
        self._hedged = hedged
        modes = AccountModes(hedged, settings.binance_leverage, mode, dead_man_s)
        self._policy = AskPolicy(visible_us=round(settings.binance_shown_seconds * 1e6))
        dsn, clock, at = settings.rate_budget_dsn, SystemClock(), settings.binance_addresses()
        shared = MemorySpent(clock) if dsn is None else PostgresSpent(dsn)
        self._budget = RateBudget(at.rest, shared, MemorySpent(clock))
        self._access = BinanceAccess(at, keys, modes, self._budget, settings.binance_shadow)
        record = settings.binance_promotion
        self._promotion = None if record is None else read_promotion(record)
        self._revision = settings.revision
        self._brokers: dict[str, BinanceBroker] = {}

    def of(self, account_id: str) -> BrokerLink:
        """The account's broker. Raises FatalError for one without keys, or without its promotion where it needs one."""
        if self._promotion is not None:
            check_promotion(self._promotion, account_id, self._revision)
        broker = self._brokers[account_id] = self._access.broker(account_id, SystemClock())
        return BrokerLink(broker, self._policy, hedged=self._hedged, live=broker)

    def figures(self) -> Iterator[Figure]:
        """Of the rate budget, and of what the venue says that is not known here."""
        yield from self._budget.figures()
        totals: Counter[tuple[str, str]] = Counter()
        for broker in self._brokers.values():
            totals.update({("event", name): count for name, count in broker.unknowns.events.items()})
            totals.update({("field", name): count for name, count in broker.unknowns.fields.items()})
        yield from (Figure(UNKNOWN, labels, count) for labels, count in totals.most_common(UNKNOWN_MAX))

    async def close(self) -> None:
        """Let go of the budget."""
        await self._budget.close()
