"""The kill switch from the operator's side: a level is asked for, then those in charge say that they obey it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.ports.bounds import GLOBAL, PAUSABLE
from tradewire.ports.bus import Place
from tradewire.ports.errors import TradewireError
from tradewire.ports.events import (
    ControlChanged,
    ControlLevel,
    ControlStatusChanged,
    LevelInForce,
    RiskAssessed,
    RiskLimitsAnswered,
    StrategyStatusChanged,
)
from tradewire.ports.message import Event
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.bus.readers import read_to_end
from tradewire.runtime.loop.standing_levels import asked_for, standing
from tradewire.trading.controls import obeyed_level

IN_CHARGE = ("risk", "execution")
"""Services that obey the levels of accounts and strategies, each for its account partitions."""
CONTROLS = Place(BY_EVENT[ControlChanged].name, 0)
Needs = Mapping[str, frozenset[int]]
"""Account partitions by service whose owners must answer; none: any instance of the service."""


class UnknownScopeError(TradewireError):
    """A scope that does not exist."""


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


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A level and who obeys it: instances by service."""

    scope: str
    level: ControlLevel
    obeyed_by: dict[str, list[str]]
    in_force: dict[str, LevelInForce]


@dataclass(frozen=True, slots=True)
class AskedLevel:
    """The newest record of a scope, and which of the services in charge obey it."""

    control: ControlChanged
    obeyed_by: list[str]
    not_obeyed_by: list[str]


class Switching:
    """Asks for levels and waits for the services in charge."""

    def __init__(self, operator: Operator) -> None:
        self._operator, self._bus, self._codec = operator, operator.bus, operator.codec

    async def switch(self, scope: str, level: ControlLevel, reason: str, within_s: float) -> Obeyed:
        """Set a level; returns when all in charge obey it.

        Raises: UnknownScopeError with the scopes that exist; NoAnswerError naming who did not answer in time (the
        level is on the topic then, and acts on whoever reads it); TradewireError when somebody did not take it.
        """
        statuses, ends = await self._read()
        await self._hold_known(scope, statuses)
        needs = await self._needs(scope, level, statuses)
        offset = await self._ask(scope, level, reason)
        try:
            await self._operator.follow(
                ControlStatusChanged,
                ends,
                lambda event: _taken(statuses, event) and not statuses.silent(needs, offset),
                within_s,
            )
        except TimeoutError:
            missing = ", ".join(statuses.silent(needs, offset))
            raise NoAnswerError(
                f"{scope}: {level.value} was asked for, and {missing} did not answer within {within_s:g} s: not known "
                "to obey it. It acts as soon as it is read; `tradewire controls` tells who obeys"
            ) from None
        return _obeyed(scope, level, offset, needs, statuses)

    async def hold_known(self, scope: str) -> None:
        """Raises UnknownScopeError for an account, a strategy or a service that nobody knows."""
        await self._hold_known(scope, (await self._read())[0])

    async def asked(self) -> dict[str, AskedLevel]:
        """Every scope that was asked to be at another level than NORMAL, or is somewhere, by name."""
        statuses, _ = await self._read()
        newest = await self._standing(statuses) | await self._operator.latest(ControlChanged)
        partitions = await self._partitions()
        found = {}
        for scope, control in sorted(newest.items()):
            assert isinstance(control, ControlChanged), "the topic carries controls"
            level = obeyed_level(scope, control.level)
            services = PAUSABLE if scope.startswith("service:") else IN_CHARGE
            obeyed = {
                s: (shown := statuses.levels(s, () if s in PAUSABLE else partitions)) != []
                and all(_level(levels, scope) is level for levels in shown)
                for s in services
            }
            if level is not ControlLevel.NORMAL or (scope in statuses.scopes() and not all(obeyed.values())):
                found[scope] = AskedLevel(
                    control, [s for s in services if obeyed[s]], [s for s in services if not obeyed[s]]
                )
        return found

    async def _standing(self, statuses: Statuses) -> dict[str, Event]:
        """What services obey, also where compaction has dropped the record that asked for it."""
        end = (await self._bus.end_offsets([CONTROLS]))[CONTROLS]
        return {scope: asked_for(level) for scope, level in standing(statuses.newest.values(), end).items()}

    async def _read(self) -> tuple[Statuses, dict[Place, int]]:
        """All statuses, and where to read on."""
        statuses, ends = Statuses(), {Place(BY_EVENT[ControlStatusChanged].name, 0): 0}
        async for record in read_to_end(self._bus, BY_EVENT[ControlStatusChanged].name):
            ends[record.place] = record.offset + 1
            event = await self._operator.decoded(record)
            if event is not None:
                statuses.take(event)
        return statuses, ends

    async def _partitions(self) -> frozenset[int]:
        return frozenset(range(await self._bus.partitions(BY_EVENT[RiskAssessed].name)))

    async def _needs(self, scope: str, level: ControlLevel, statuses: Statuses) -> Needs:
        """Who must answer. A strategy may have left something on any account."""
        kind, _, name = scope.partition(":")
        if kind == "service":
            return {name: frozenset()}
        partitions = await self._partitions()
        if kind == "account":
            partitions = frozenset({partition_of(name.encode(), len(partitions))})
        needs = dict.fromkeys(IN_CHARGE, partitions)
        if scope == GLOBAL:
            for service in PAUSABLE:
                paused = any(
                    levels.get(GLOBAL) is not None and levels[GLOBAL].level is ControlLevel.PAUSED
                    for levels in statuses.levels(service, ())
                )
                if paused or level is ControlLevel.PAUSED:
                    needs[service] = frozenset()
        return needs

    async def _hold_known(self, scope: str, statuses: Statuses) -> None:
        """Raises UnknownScopeError for an account, a strategy or a service that nobody knows."""
        kind, _, name = scope.partition(":")
        if scope == GLOBAL or scope in statuses.scopes():
            return
        known = sorted(PAUSABLE if kind == "service" else await self._names(kind, statuses))
        if name not in known:
            raise UnknownScopeError(f"{kind}: found {name!r}; there are: {', '.join(known) or 'none'}")

    async def _names(self, kind: str, statuses: Statuses) -> set[str]:
        strategies = await self._operator.latest(StrategyStatusChanged)
        if kind == "strategy":
            return set(strategies)
        return statuses.accounts() | await accounts_of(self._operator, strategies.values())

    async def _ask(self, scope: str, level: ControlLevel, reason: str) -> int:
        """Publish the level; returns its offset."""
        ends = await self._bus.end_offsets([CONTROLS])
        event_id = await self._operator.control(scope, level, reason)
        tail = await self._bus.tail(ends)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                while True:
                    for record in await tail.poll(max_records=500, timeout_s=0.5):
                        if dict(record.headers).get("event_id") == event_id.encode():
                            return record.offset
        except TimeoutError:
            raise NoAnswerError(f"{CONTROLS.topic} could not be read back within {ASK_SECONDS:g} s") from None
        finally:
            await tail.close()


ASK_SECONDS = 10.0
"""Longest wait until a record that the broker acknowledged can be read."""


async def accounts_of(operator: Operator, statuses: Iterable[Event]) -> set[str]:
    """Accounts of strategies, and those that have limits."""
    found = set(await operator.latest(RiskLimitsAnswered))
    for status in statuses:
        assert isinstance(status, StrategyStatusChanged), "the topic carries statuses of strategies"
        found |= {version.account_id for version in status.active}
    return found


def _taken(statuses: Statuses, event: Event | None) -> bool:
    if event is not None:
        statuses.take(event)
    return True


def _level(levels: Mapping[str, LevelInForce], scope: str) -> ControlLevel:
    return levels[scope].level if scope in levels else ControlLevel.NORMAL


def _obeyed(scope: str, level: ControlLevel, offset: int, needs: Needs, statuses: Statuses) -> Obeyed:
    """What those in charge said. Raises TradewireError when one passed the record and is at another level."""
    level = obeyed_level(scope, level)
    in_force: dict[str, LevelInForce] = {}
    instances: dict[str, list[str]] = {}
    for service, event in _owners(needs, statuses):
        levels = {one.scope: one for one in event.levels}
        later = scope in levels and levels[scope].control_offset > offset
        if _level(levels, scope) is not level and not later:
            found = _level(levels, scope).value
            raise TradewireError(
                f"{scope}: {service} ({event.instance}) did not take {level.value}, it is at {found}; "
                f"see `tradewire dlq list --service {service}`"
            )
        instances.setdefault(service, []).append(event.instance)
        in_force |= levels
    return Obeyed(scope, level, instances, dict(sorted(in_force.items())))


def _owners(needs: Needs, statuses: Statuses) -> Iterator[tuple[str, ControlStatusChanged]]:
    for service, partitions in needs.items():
        owners = {event.instance: event for event in statuses.owners(service, partitions).values()}
        for _, event in sorted(owners.items()):
            yield service, event
