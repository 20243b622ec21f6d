"""All that the state API shows: rebuilt from the topics at each start, the same whatever is delivered twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tradewire.ports.events import (
    AccountStateChanged,
    ActiveVersion,
    AuditRecorded,
    ControlChanged,
    ControlStatusChanged,
    GapDetected,
    InstrumentChanged,
    OrderChanged,
    OrderFilled,
    RiskAssessed,
    RiskLimitsAnswered,
    RiskLimitsChanged,
    RuleOutcome,
    StrategyConfigPublished,
    StrategyEvaluated,
    StrategyStatusChanged,
)
from tradewire.ports.message import Envelope, Event
from tradewire.ports.risk import limits_told
from tradewire.telemetry.domain.account import AccountBook
from tradewire.telemetry.domain.results import ResultBook
from tradewire.telemetry.domain.round_trips import TradeBook
from tradewire.telemetry.domain.seen import Seen


@dataclass(frozen=True, slots=True)
class BookBounds:
    """How many of each are kept in memory; older ones are in the log store."""

    orders: int = 10_000
    fills: int = 10_000
    evaluations: int = 5_000
    assessments: int = 5_000
    gaps: int = 1_000
    audits: int = 1_000
    controls: int = 1_000
    versions: int = 500


@dataclass(slots=True)
class UnsavedFills:
    """Fills of a partition that no snapshot has: how many. ``until``: offset behind the last one that was taken;
    ``is_late``: was one of them taken after one behind it, as a dead letter that an operator released?
    """

    count: int = 0
    until: int = 0
    is_late: bool = False

    def note(self, offset: int) -> None:
        """One was taken."""
        self.count += 1
        self.is_late = self.is_late or offset < self.until
        self.until = max(self.until, offset + 1)

    def saved(self) -> None:
        """A snapshot has them."""
        self.count, self.is_late = 0, False


class Books:
    """Newest of everything, by account, order and strategy."""

    def __init__(self, bounds: BookBounds | None = None) -> None:
        self._bounds = bounds or BookBounds()
        self._takers: dict[type[Event], Callable[[Any, Envelope], bool]] = {
            AccountStateChanged: self._take_state,
            OrderChanged: self._take_order,
            OrderFilled: self._take_fill,
            StrategyEvaluated: self._take_evaluation,
            RiskAssessed: self._take_assessment,
            RiskLimitsAnswered: self._take_limits,
            ControlChanged: self._take_control,
            ControlStatusChanged: self._take_control_status,
            InstrumentChanged: self._take_instrument,
            StrategyConfigPublished: self._take_config,
            StrategyStatusChanged: self._take_status,
            GapDetected: self._take_gap,
            AuditRecorded: self._take_audit,
        }
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        bounds = self._bounds
        self.accounts: dict[str, AccountBook] = {}
        self.orders: dict[str, Seen[OrderChanged]] = {}
        self.fills: deque[Seen[OrderFilled]] = deque(maxlen=bounds.fills)
        self.evaluations: deque[Seen[StrategyEvaluated]] = deque(maxlen=bounds.evaluations)
        self.assessments: deque[Seen[RiskAssessed]] = deque(maxlen=bounds.assessments)
        self.gaps: deque[Seen[GapDetected]] = deque(maxlen=bounds.gaps)
        self.audits: deque[Seen[AuditRecorded]] = deque(maxlen=bounds.audits)
        self.controls: deque[Seen[ControlChanged]] = deque(maxlen=bounds.controls)
        self.instruments: dict[tuple[str, str], InstrumentChanged] = {}
        self.versions: dict[tuple[str, int], ActiveVersion] = {}
        self.results, self.trades = ResultBook(), TradeBook()
        self.unsaved: dict[int, UnsavedFills] = {}
        self.last_outcomes: dict[str, dict[str, tuple[RuleOutcome, int]]] = {}
        self.configs: dict[str, StrategyConfigPublished] = {}
        self.statuses: dict[str, StrategyStatusChanged] = {}
        self.control_statuses: dict[tuple[str, str], ControlStatusChanged] = {}
        self.last_evaluations: dict[tuple[str, ...], StrategyEvaluated] = {}
        self._orders_max = bounds.orders
        self.limits: dict[str, RiskLimitsChanged] = {}
        self._last_assessments: dict[tuple[object, ...], RiskAssessed] = {}
        self._last_offsets: dict[tuple[str, int], int] = {}

    def take(self, event: Event, envelope: Envelope) -> bool:
        """Take an event in; False when it was there before, or is of no kind that is kept."""
        taker = self._takers.get(type(event))
        return taker is not None and taker(event, envelope)

    def forget(self, partitions: Iterable[int]) -> None:
        """Let go of the accounts of partitions that another instance has now."""
        partitions = set(partitions)
        gone = {a.account_id for a in self.accounts.values() if a.partition in partitions}
        self.unsaved = {number: fills for number, fills in self.unsaved.items() if number not in partitions}
        self.accounts = {key: book for key, book in self.accounts.items() if key not in gone}
        self.orders = {key: seen for key, seen in self.orders.items() if seen.event.account_id not in gone}
        self.fills = deque((s for s in self.fills if s.event.account_id not in gone), self.fills.maxlen)
        self.evaluations = deque(
            (s for s in self.evaluations if s.event.account_id not in gone), self.evaluations.maxlen
        )
        self.assessments = deque(
            (s for s in self.assessments if s.event.account_id not in gone), self.assessments.maxlen
        )
        self.results.forget(gone)
        self.trades.forget(gone)
        self.last_outcomes = {key: found for key, found in self.last_outcomes.items() if key not in gone}
        self.last_evaluations = {k: e for k, e in self.last_evaluations.items() if e.account_id not in gone}
        self._last_assessments = {k: e for k, e in self._last_assessments.items() if e.account_id not in gone}

    # ---- by kind ----

    def account(self, account_id: str, partition: int) -> AccountBook:
        """The account's book, opened when it is new."""
        book = self.accounts.get(account_id)
        if book is None:
            book = AccountBook(account_id, partition, limits=self.limits.get(account_id))
            self.accounts[account_id] = book
        return book

    def unsaved_of(self, partition: int) -> UnsavedFills:
        """What no snapshot of a partition has."""
        return self.unsaved.setdefault(partition, UnsavedFills())

    def settle(self) -> None:
        """The newest fills were read: those before them are in the sums."""
        for book in self.accounts.values():
            book.settle()

    def _take_state(self, event: AccountStateChanged, envelope: Envelope) -> bool:
        book = self.account(event.account_id, envelope.partition)
        if not book.is_new(event):
            return False
        self.results.take_state(event, book.state)
        book.take_state(event)
        return True

    def _take_order(self, event: OrderChanged, envelope: Envelope) -> bool:
        if not self.account(event.account_id, envelope.partition).is_new(event):
            return False
        self.orders.pop(event.client_order_id, None)
        self.orders[event.client_order_id] = Seen(event, envelope)
        if len(self.orders) > self._orders_max:
            del self.orders[next(iter(self.orders))]
        return True

    def _take_fill(self, event: OrderFilled, envelope: Envelope) -> bool:
        book = self.account(event.account_id, envelope.partition)
        if not book.is_new(event):
            return False
        self.fills.append(Seen(event, envelope))
        if event.sequence > book.fills_included:  # a snapshot may have it
            book.take_fill(event)
            self.results.take_fill(event)
            self.trades.take(event)
            self.unsaved_of(envelope.partition).note(envelope.offset)
        return True

    def _take_evaluation(self, event: StrategyEvaluated, envelope: Envelope) -> bool:
        key = (event.account_id, event.strategy_id, event.venue, event.symbol)
        last = self.last_evaluations.get(key)
        if last is not None and event.event_time_us <= last.event_time_us:
            return False
        self.last_evaluations[key] = event
        self.account(event.account_id, envelope.partition)
        self.evaluations.append(Seen(event, envelope))
        return True

    def _take_assessment(self, event: RiskAssessed, envelope: Envelope) -> bool:
        # An answer to the kill switch (step size 0) is outside the steps: it has no place in their order.
        key = (event.account_id, event.strategy_id, event.venue, event.symbol, event.step_size == 0)
        last = self._last_assessments.get(key)
        if last is not None:
            repeated = event.event_time_us == last.event_time_us and event.evaluation_id == last.evaluation_id
            if repeated or event.event_time_us < last.event_time_us:
                return False
        self._last_assessments[key] = event
        self.assessments.append(Seen(event, envelope))
        outcomes = self.last_outcomes.setdefault(event.account_id, {})
        outcomes.update((outcome.rule, (outcome, event.event_time_us)) for outcome in event.rules)
        return True

    def _take_limits(self, event: RiskLimitsAnswered, _: Envelope) -> bool:
        """What is in force, as risk tells it: what was only asked for is in the log."""
        limits = limits_told(event)
        known = self.limits.get(event.account_id)
        self.limits[event.account_id] = limits
        if event.account_id in self.accounts:
            self.accounts[event.account_id].limits = limits
        return known != limits

    def _take_control(self, event: ControlChanged, envelope: Envelope) -> bool:
        if not self._is_later(envelope):
            return False
        self.controls.append(Seen(event, envelope))
        return True

    def _take_instrument(self, event: InstrumentChanged, _: Envelope) -> bool:
        known = self.instruments.get((event.venue, event.symbol))
        self.instruments[event.venue, event.symbol] = event
        return known != event

    def _take_control_status(self, event: ControlStatusChanged, _: Envelope) -> bool:
        """The newest at the end: it tells who has a partition now."""
        key = (event.service, event.instance)
        known = self.control_statuses.pop(key, None)
        self.control_statuses[key] = event
        return known != event

    def _take_config(self, event: StrategyConfigPublished, _: Envelope) -> bool:
        known = self.configs.get(event.strategy_id)
        self.configs[event.strategy_id] = event
        return known != event

    def _take_status(self, event: StrategyStatusChanged, _: Envelope) -> bool:
        known = self.statuses.get(event.strategy_id)
        self.statuses[event.strategy_id] = event
        for version in event.active:
            self.versions[event.strategy_id, version.version] = version
        while len(self.versions) > self._bounds.versions:
            del self.versions[next(iter(self.versions))]
        return known != event

    def _take_gap(self, event: GapDetected, envelope: Envelope) -> bool:
        if not self._is_later(envelope):
            return False
        self.gaps.append(Seen(event, envelope))
        return True

    def _take_audit(self, event: AuditRecorded, envelope: Envelope) -> bool:
        if not self._is_later(envelope):
            return False
        self.audits.append(Seen(event, envelope))
        return True

    def _is_later(self, envelope: Envelope) -> bool:
        """Has nothing from here or later been taken? For events without a sequence of their own."""
        place = (envelope.topic, envelope.partition)
        if envelope.offset <= self._last_offsets.get(place, -1):
            return False
        self._last_offsets[place] = envelope.offset
        return True
