"""The kill switch from the operator's side: a level is asked for, then those in charge say that they obey it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tradewire.app.operating.control_statuses import Needs, Statuses, read_statuses
from tradewire.app.operating.effects import AccountEffect, LevelEffects, Outcome
from tradewire.app.operating.operator import NoAnswerError, Operator
from tradewire.ports.bounds import GLOBAL, PAUSABLE
from tradewire.ports.bus import Place
from tradewire.ports.errors import RetryableError, TradewireError
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
from tradewire.runtime.loop.standing_levels import asked_for, standing
from tradewire.trading.controls import SERVICE, obeyed_level

IN_CHARGE = ("risk", "execution")
"""Services that obey the levels of accounts and strategies, each for its account partitions."""
CONTROLS = Place(BY_EVENT[ControlChanged].name, 0)
Written = Callable[[], Awaitable[None]]
"""Called once the broker has a level: a level that is asked for then comes behind it."""


async def _unheard() -> None:
    pass


class UnknownScopeError(TradewireError):
    """A scope that does not exist."""


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A level, who obeys it (instances by service), and what it has come to on each account, where that was asked."""

    scope: str
    level: ControlLevel
    obeyed_by: dict[str, list[str]]
    in_force: dict[str, LevelInForce]
    accounts: dict[str, AccountEffect] = field(default_factory=dict)

    @property
    def stuck(self) -> dict[str, str]:
        """Accounts on which the level can't act, with why."""
        return {name: one.detail for name, one in self.accounts.items() if one.outcome is Outcome.CANNOT_ACT}


@dataclass(frozen=True, slots=True)
class AskedLevel:
    """The newest record of a scope, and which of the services in charge obey it."""

    control: ControlChanged
    obeyed_by: list[str]
    not_obeyed_by: list[str]


class Switching:
    """Asks for levels and waits for the services in charge."""

    def __init__(self, operator: Operator) -> None:
        self._operator, self._bus = operator, operator.bus

    async def switch(
        self, scope: str, level: ControlLevel, reason: str, within_s: float, written: Written = _unheard
    ) -> Obeyed:
        """Set a level; returns when all in charge obey it.

        Raises: UnknownScopeError with the scopes that exist; NoAnswerError naming who did not answer in time (the
        level is on the topic then, and acts on whoever reads it); TradewireError when somebody did not take it.
        """
        statuses, ends = await read_statuses(self._operator)
        await self._hold_known(scope, statuses)
        needs = await self._needs(scope, level, statuses)
        offset = await self._ask(scope, level, reason, written)
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

    async def carry_out(
        self, scope: str, level: ControlLevel, reason: str, within_s: float, written: Written = _unheard
    ) -> Obeyed:
        """Set a level, as ``switch`` does, and tell what it has come to on every account of the scope.

        Raises, beside what ``switch`` raises: NoAnswerError when the accounts could not be read then.
        """
        began_s, effects = self._operator.clock.monotonic_s(), LevelEffects(self._operator, scope, level)
        await effects.begin()
        obeyed = await self.switch(scope, level, reason, within_s, written)
        if level is ControlLevel.NORMAL or scope.startswith(SERVICE):
            return obeyed
        left_s = began_s + within_s - self._operator.clock.monotonic_s()
        try:
            return replace(obeyed, accounts=await effects.until_shown(max(left_s, EFFECT_SECONDS_MIN)))
        except RetryableError as error:
            who = ", ".join(obeyed.obeyed_by)
            raise NoAnswerError(
                f"{scope}: {level.value} is obeyed by {who}; what it has come to could not be read: {error}"
            ) from error

    async def hold_known(self, scope: str) -> None:
        """Raises UnknownScopeError for an account, a strategy or a service that nobody knows."""
        await self._hold_known(scope, (await read_statuses(self._operator))[0])

    async def asked(self) -> dict[str, AskedLevel]:
        """Every scope that was asked to be at another level than NORMAL, or is somewhere, by name."""
        statuses, _ = await read_statuses(self._operator)
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

    async def _ask(self, scope: str, level: ControlLevel, reason: str, written: Written) -> int:
        """Publish the level; returns its offset."""
        ends = await self._bus.end_offsets([CONTROLS])
        event_id = await self._operator.control(scope, level, reason)
        await written()
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


EFFECT_SECONDS_MIN = 0.5
"""How long accounts are looked at, even where the services took all the time to answer."""
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
