"""What the services in charge of the kill switch said last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tradewire.app.operating.operator import Operator
from tradewire.ports.bus import Place
from tradewire.ports.events import ControlStatusChanged, LevelInForce
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.readers import read_to_end

Needs = Mapping[str, frozenset[int]]
"""Account partitions by service whose owners must answer; none: any instance of the service."""


@dataclass
class Statuses:
    """What every instance said last. A partition is its who claimed it last."""

    newest: dict[tuple[str, str], ControlStatusChanged] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """The next status, in the topic's order."""
        assert isinstance(event, ControlStatusChanged), "the topic carries statuses"
        key = (event.service, event.instance)
        self.newest.pop(key, None)
        self.newest[key] = event

    def owners(self, service: str, partitions: Iterable[int]) -> dict[int, ControlStatusChanged]:
        """Who answers for each partition; of a service without accounts, its newest instance as partition -1."""
        wanted = set(partitions)
        found: dict[int, ControlStatusChanged] = {}
        for event in self.newest.values():
            if event.service == service:
                found |= {p: event for p in event.partitions if p in wanted} if wanted else {-1: event}
        return found

    def silent(self, needs: Needs, offset: int) -> list[str]:
        """Services, with partitions, of which somebody in charge has not carried out the record at ``offset``."""
        found = []
        for service, partitions in needs.items():
            owners = self.owners(service, partitions)
            if not owners:
                found.append(service)
                continue
            behind = [p for p in sorted(partitions) if p not in owners or owners[p].control_offset < offset]
            if behind:
                found.append(f"{service} (account partitions {', '.join(map(str, behind))})")
            elif -1 in owners and owners[-1].control_offset < offset:
                found.append(service)
        return found

    def levels(self, service: str, partitions: Iterable[int]) -> list[dict[str, LevelInForce]]:
        """Levels in force by scope, as each owner says."""
        owners = {e.instance: e for e in self.owners(service, partitions).values()}
        return [{level.scope: level for level in event.levels} for event in owners.values()]

    def accounts(self) -> set[str]:
        """Every account that anybody knows."""
        return {account for event in self.newest.values() for account in event.accounts}

    def scopes(self) -> set[str]:
        """Every scope that is not at NORMAL somewhere."""
        return {level.scope for event in self.newest.values() for level in event.levels}


async def read_statuses(operator: Operator) -> tuple[Statuses, dict[Place, int]]:
    """All statuses, and where to read on."""
    topic = BY_EVENT[ControlStatusChanged].name
    statuses, ends = Statuses(), {Place(topic, 0): 0}
    async for record in read_to_end(operator.bus, topic):
        ends[record.place] = record.offset + 1
        event = await operator.decoded(record)
        if event is not None:
            statuses.take(event)
    return statuses, ends
