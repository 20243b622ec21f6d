"""The trading loop without a bus: topics as lists, services as tables of handlers, delivery in any order asked for.

Where a real bus gives one interleaving per run, this gives all that Kafka allows: records of a partition in order, any
partition next, records delivered again after a crash, and answers published twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from tradewire.ingest.feed import emit_of
from tradewire.ports.bus import Place
from tradewire.ports.events import (
    AccountStateChanged,
    CandleClosed,
    OrderFilled,
)
from tradewire.ports.message import Emit, Event
from tradewire.testkit.loop_member import Member
from tradewire.testkit.loop_members import (
    ExecutionMember,
    IndicatorMember,
    RiskMember,
    StrategyMember,
)
from tradewire.testkit.plain_log import PlainLog
from tradewire.trading.fingerprint import Fingerprint


class ClosedLoop:
    """Indicator, strategy, risk and execution around one log."""

    def __init__(
        self, setup: Iterable[Event], market: Iterable[Event], *, partitions: int = 3, strategies: int = 1
    ) -> None:
        """``strategies``: instances of strategy; several answer what they looked up a turn before."""
        self.log = PlainLog(partitions)
        self.late: list[Event] = []
        """What members that were stopped wrote late."""
        self.stops_leaders = False
        for number, event in enumerate([*setup, *market]):
            self.log.append(
                emit_of(event) if isinstance(event, CandleClosed) else Emit(event, event_id=f"set-{number}")
            )
        several = [StrategyMember(self.log, number=number, instances=strategies) for number in range(strategies)]
        others = (RiskMember(self.log), ExecutionMember(self.log))
        self.members: list[Member] = [IndicatorMember(self.log), *several, *others]
        for member in self.members:
            member.start()

    def ready(self) -> list[tuple[Member, Place]]:
        """Every delivery that could be next."""
        return [(member, place) for member in self.members for place in member.ready()]

    def outputs(self) -> dict[str, Event]:
        """What was published, by event id. Raises AssertionError when one id says two things."""
        found: dict[str, Event] = {}
        for message in self.log.messages():
            if isinstance(message.event, str):
                continue
            known = found.setdefault(message.envelope.event_id, message.event)
            assert known == message.event, f"{message.envelope.event_id} says two things"
        return found

    def fingerprint(self) -> str:
        """Of everything published."""
        prints = Fingerprint()
        for event in self.outputs().values():
            if isinstance(event, OrderFilled | AccountStateChanged):
                prints.add(event)
        assert not prints.conflicts
        return prints.hexdigest()
