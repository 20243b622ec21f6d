"""Watching a run from outside: what its topics say, until it is over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from tradewire.ports.bus import EventBusPort, Place, Record, TailPort
from tradewire.ports.errors import ContractViolationError, FatalError, RetryableError
from tradewire.ports.events import (
    AccountStateChanged,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    RiskDecision,
    StrategyEvaluated,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT, DEAD_LETTERS
from tradewire.runtime.codec import Codec
from tradewire.runtime.codec.headers import header_of
from tradewire.runtime.codec.messages import read_record
from tradewire.runtime.dead_letters.letters import is_letter, origin
from tradewire.trading.fingerprint import Fingerprint

WATCHED: tuple[type[Event], ...] = (StrategyEvaluated, RiskAssessed, OrderChanged, OrderFilled, AccountStateChanged)
RECORDS_PER_POLL = 2_000


@dataclass
class AccountResult:
    """One account over a run; money in quote."""

    first_equity: Decimal | None = None
    equity: Decimal = Decimal(0)
    peak: Decimal = Decimal(0)
    max_drawdown_ratio: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    funding: Decimal = Decimal(0)
    states: int = 0
    ended: bool = False
    newest_us: int = 0

    def take(self, event: AccountStateChanged) -> None:
        """One more state, in order."""
        self.first_equity = event.wallet_balance if self.first_equity is None else self.first_equity
        self.equity, self.fees, self.funding = event.equity, event.fees_paid, event.funding_paid
        self.peak = max(self.peak, event.equity)
        if self.peak > 0:
            self.max_drawdown_ratio = max(self.max_drawdown_ratio, 1 - event.equity / self.peak)
        self.states += 1
        self.newest_us = event.event_time_us
        self.ended = self.ended or event.last_of_stream

    @property
    def pnl(self) -> Decimal:
        """Equity gained since the first state."""
        return self.equity - (self.first_equity or Decimal(0))


@dataclass
class RunResult:
    """What a run came to."""

    evaluations: int = 0
    signals: int = 0
    orders: int = 0
    fills: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, AccountResult] = field(default_factory=dict)
    fingerprint: str = ""
    conflicts: int = 0

    @property
    def bars(self) -> int:
        """Account steps seen: bars that happened."""
        return sum(account.states for account in self.accounts.values())


class UnhandledRecordError(FatalError):
    """A service of a run could not handle a record, so the run is not what was asked for; the message says why."""


class RunWatcher:
    """Reads the topics of a run from their beginning and tells when it is over."""

    def __init__(
        self,
        bus: EventBusPort,
        codec: Codec,
        accounts: set[str],
        listen: Callable[[Event], None] = lambda _: None,
        *,
        without_letters: bool = False,
    ) -> None:
        """``accounts``: those that trade; what other accounts do does not count. ``listen`` is told of every message
        of theirs once, in order of arrival. ``without_letters``: nobody but the run's own services writes, so that a
        dead letter ends it with UnhandledRecordError."""
        self._bus, self._codec, self._accounts, self._listen = bus, codec, accounts, listen
        self._letters = frozenset(DEAD_LETTERS.values()) if without_letters else frozenset()
        self.result = RunResult()
        self._fingerprint = Fingerprint()
        self._seen: set[str] = set()
        self._approved: set[str] = set()
        self._answered: set[str] = set()
        self._unfinished: Counter[tuple[str, str, str]] = Counter()

    async def until_over(self, progress: Callable[[RunResult], None] = lambda _: None) -> RunResult:
        """Read until every account reached the end of its streams and every approved order was answered."""
        topics = [*(BY_EVENT[event].name for event in WATCHED), *self._letters]
        places = [Place(name, p) for name in topics for p in range(await self._bus.partitions(name))]
        tail = await self._bus.tail(dict.fromkeys(places, 0))
        try:
            while not self.over:
                for record in await self._poll(tail):
                    if record.value is not None:
                        await self._read(record)
                progress(self.result)
                await asyncio.sleep(0)
        finally:
            await tail.close()
        self.result.fingerprint = self._fingerprint.hexdigest()
        self.result.conflicts = len(self._fingerprint.conflicts)
        return self.result

    async def _read(self, record: Record) -> None:
        """Count a message. What is none is passed over, as services pass it over with a dead letter."""
        if record.topic in self._letters:
            _refuse_letter(record)
            return
        try:
            event_id = self._codec.decode_headers(record).event_id
            if event_id in self._seen:
                return
            event = await read_record(self._codec, record)
        except ContractViolationError:
            return
        self._seen.add(event_id)
        if getattr(event, "account_id", None) not in self._accounts:
            return
        self._take(event)
        self._listen(event)

    async def _poll(self, tail: TailPort) -> list[Record]:
        """Next records; none while the broker is away."""
        try:
            return await tail.poll(max_records=RECORDS_PER_POLL, timeout_s=0.5)
        except RetryableError:
            return []

    @property
    def over(self) -> bool:
        """Nothing more can come."""
        ended = {name for name, account in self.result.accounts.items() if account.ended}
        return ended >= self._accounts and self._approved <= self._answered and not +self._unfinished

    def _take(self, event: Event) -> None:
        result = self.result
        match event:
            case StrategyEvaluated():
                result.evaluations += 1
                result.signals += event.signal.value != "HOLD"
                self._unfinished[event.account_id, event.strategy_id, event.symbol] += 1
            case RiskAssessed():
                self._unfinished[event.account_id, event.strategy_id, event.symbol] -= event.step_size > 0
                result.decisions[event.decision.value] += 1
                if event.decision is RiskDecision.REFUSED:
                    result.refusals.update(rule.rule for rule in event.rules if not rule.passed)
                self._approved.update(intent.client_order_id for intent in event.intents)
            case OrderChanged():
                result.orders += event.client_order_id not in self._answered
                self._answered.add(event.client_order_id)
            case OrderFilled():
                result.fills += 1
                self._fingerprint.add(event)
            case AccountStateChanged():
                result.accounts.setdefault(event.account_id, AccountResult()).take(event)
                self._fingerprint.add(event)
            case _:
                raise AssertionError(f"{type(event).__name__} is not watched")


def _refuse_letter(record: Record) -> None:
    """Raises UnhandledRecordError where the record is a dead letter."""
    if not is_letter(record):
        return
    service = next(name for name, topic in DEAD_LETTERS.items() if topic == record.topic)
    topic, _ = origin(record) or ("?", None)
    place = f"{topic}/{header_of(record, 'dlq.partition')} offset {header_of(record, 'dlq.offset')}"
    why = f"{header_of(record, 'dlq.error.type')}: {header_of(record, 'dlq.error.message')}"
    raise UnhandledRecordError(f"{service} could not handle {place}: {why}")
