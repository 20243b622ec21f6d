"""The services of the trading loop, each as a table of handlers with what it keeps over a restart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tradewire.execution.adapters.paper_venue import PaperVenue
from tradewire.execution.domain.desk import ExecutionDesk
from tradewire.execution.handlers import inputs as execution_inputs
from tradewire.indicator.domain.desk import IndicatorDesk
from tradewire.indicator.handlers import inputs as indicator_inputs
from tradewire.ports.bus import Place
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    IndicatorStateSaved,
    IndicatorsUpdated,
    RiskAssessed,
    StrategyEvaluated,
)
from tradewire.ports.ledger import ReadPosition
from tradewire.ports.message import Emit
from tradewire.ports.topics import BY_EVENT, TOPICS
from tradewire.risk.adapters.memory_rules import MemoryRules
from tradewire.risk.domain.account import RiskAccount
from tradewire.risk.domain.desk import RiskDesk
from tradewire.risk.domain.reading_again import PublishedAnswers
from tradewire.risk.handlers import inputs as risk_inputs
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.service import Input
from tradewire.strategy.domain.desk import QUIET_US, StrategyDesk
from tradewire.strategy.domain.questions import Question
from tradewire.strategy.domain.validation import examined
from tradewire.strategy.handlers import inputs as strategy_inputs
from tradewire.testkit.loop_member import Member
from tradewire.trading.exchange import FillModel
from tradewire.trading.unknown_versions import UnknownVersions
from tradewire.trading.wire import e8

BALANCE = Decimal(10_000)
LEVERAGE = 5


class IndicatorMember(Member):
    """State per stream in a changelog."""

    def fresh(self) -> Iterable[Input]:
        self.desk = IndicatorDesk()
        if not hasattr(self, "saved"):
            self.saved: dict[tuple[str, str, str], tuple[int, IndicatorStateSaved]] = {}
        return indicator_inputs(self.desk)

    def save(self) -> None:
        for partition, event in self.desk.changed():
            self.saved[event.venue, event.symbol, event.interval] = (partition, event)

    def recover(self) -> None:
        for partition, event in self.saved.values():
            self.desk.restore(partition, event)


@dataclass(eq=False)
class StrategyMember(Member):
    """No state but what the status topic says; looks up at the ends of topics what it needs for an answer, and of
    several ``instances``, which share the partitions by ``number``, answers at the next tick.
    """

    number: int = 0
    instances: int = 1
    ticks: int = 0
    clock_apart: int = 0

    def fresh(self) -> Iterable[Input]:
        self.desk, self._asked = StrategyDesk(), list[Question]()
        self.desk.own(self._owned())
        self.desk.examine = self._asked.append if self.instances > 1 else self._look_up
        return strategy_inputs(self.desk)

    def recover(self) -> None:
        for place in self.places(BY_EVENT[IndicatorsUpdated].name):
            for message in self.log.records[place][: self.committed.get(place, 0)]:
                if isinstance(message.event, IndicatorsUpdated):
                    self.desk.recall(message.event, message.envelope)

    def places(self, topic: str) -> list[Place]:
        return super().places(topic) if TOPICS[topic].broadcast else [Place(topic, p) for p in self._owned()]

    def _owned(self) -> range:
        return range(self.number, self.log.partitions, self.instances)

    def tick(self) -> None:
        """Answer what was asked."""
        self.ticks += 1
        for emit in self.desk.tick(self.ticks * QUIET_US):
            self.log.append(emit)
        asked, self._asked[:] = list(self._asked), []
        for question in asked:
            self._look_up(question)

    def stop_before_writing(self) -> list[Emit]:
        """Be stopped between looking at the lease and writing, while another life takes over; returns what comes late.

        The clock of that life may be behind, by more than it was stopped for.
        """
        late = list(self.desk.tick(self.ticks * QUIET_US))
        self.ticks = max(0, self.ticks + self.clock_apart)
        self.start()
        return late

    def _look_up(self, question: Question) -> None:
        for message in self.log.messages():
            match message.event:
                case IndicatorsUpdated() as bar:
                    self.desk.saw((bar.venue, bar.symbol, bar.interval), bar.event_time_us)
                case AccountStateChanged() as state:
                    self.desk.passed(state.account_id, state.event_time_us)
        self.desk.examined(question, examined(question.config) if question.config is not None else None)


class RiskMember(Member):
    """State per account in a changelog."""

    def fresh(self) -> Iterable[Input]:
        self.desk = RiskDesk(MemoryRules())
        if not hasattr(self, "saved"):
            self.saved: dict[str, tuple[int, bytes]] = {}
        return risk_inputs(self.desk)

    def doubtful(self) -> UnknownVersions[Any]:
        return self.desk.admission.unknown

    def ticked(self) -> Iterable[Emit]:
        return self.desk.tick(0)

    def save(self) -> None:
        for partition, account in self.desk.changed():
            self.saved[account.account_id] = (partition, account.saved())

    def recover(self) -> None:
        for account_id, (partition, saved) in self.saved.items():
            self.desk.restore(partition, RiskAccount.restored(account_id, saved, self.desk.pending))
        given = [m.event for m in self.log.messages() if isinstance(m.event, RiskAssessed)]
        answers = [answer for answer in given if answer.step_size]
        for answer in (answer for answer in given if not answer.step_size):
            self.desk.admission.published(answer)
        newest_us: dict[str, int] = {}
        for answer in answers:
            newest_us[answer.account_id] = max(newest_us.get(answer.account_id, -1), answer.event_time_us)
        given_on = (BY_EVENT[StrategyEvaluated].name, BY_EVENT[AccountStateChanged].name)
        ends = {place: len(self.log.records[place]) for topic in given_on for place in self.places(topic)}
        self.desk.again.is_reading = lambda number: any(
            self.positions[place] < end for place, end in ends.items() if place.partition == number
        )
        every = range(self.log.partitions)
        self.desk.published(PublishedAnswers(every, newest_us, answers, whole=every))

    def held(self) -> dict[Place, int]:
        return dict(self.desk.pending.lowest())


class ExecutionMember(Member):
    """State per account and the candles' offsets in a ledger, written before every publication."""

    def fresh(self) -> Iterable[Input]:
        self.desk = ExecutionDesk(
            PaperVenue(balance_e8=lambda _: e8(BALANCE), leverage=LEVERAGE, fill_model=FillModel())
        )
        self.desk.partition_of = lambda account_id: partition_of(account_id.encode(), self.log.partitions)
        if not hasattr(self, "saved"):
            self.saved: dict[str, bytes] = {}
            self.read: dict[int, ReadPosition] = {}
        return execution_inputs(self.desk)

    def doubtful(self) -> UnknownVersions[Any]:
        return self.desk.unknown

    def ticked(self) -> Iterable[Emit]:
        return self.desk.tick(0)

    def handle(self, place: Place) -> None:
        super().handle(place)
        if self.desk.positions.rewinds:
            self.positions |= self._starts()

    def persist(self) -> None:
        for account in self.desk.changed():
            self.saved[account.account_id] = account.saved()

    def save(self) -> None:
        self.persist()
        self.read |= self.desk.candle_positions()

    def recover(self) -> None:
        for account_id, saved in self.saved.items():
            self.desk.restore(account_id, saved)
        self.desk.own(range(self.log.partitions), self.read)
        self.committed |= self._starts()

    def _starts(self) -> dict[Place, int]:
        """Where to read candles from now on."""
        places = self.places(BY_EVENT[CandleClosed].name)
        ends = {place.partition: len(self.log.records[place]) for place in places}
        since = {
            partition: {place.partition: self._offset_at(place, time_us) for place in places}
            for partition, time_us in self.desk.positions.rewinds.items()
        }
        starts = self.desk.positions.open(ends, since)
        return {place: starts[place.partition] for place in places}

    def _offset_at(self, place: Place, time_us: int) -> int:
        """Offset of the first record of an event time or after."""
        records = self.log.records[place]
        return next((n for n, m in enumerate(records) if m.envelope.event_time_us >= time_us), len(records))

    def held(self) -> dict[Place, int]:
        return dict(self.desk.pending.lowest())
