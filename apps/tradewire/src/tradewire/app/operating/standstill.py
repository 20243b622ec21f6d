"""Why an account stands still: what the services report of it, and whether its market has bars to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tradewire.app.operating.control_statuses import Statuses
from tradewire.app.operating.newest_records import newest_of_keys
from tradewire.app.operating.operator import Operator
from tradewire.app.operating.reported_account import ReportedAccount
from tradewire.ports.bounds import PAUSABLE
from tradewire.ports.bus import Place
from tradewire.ports.events import CandleClosed, ControlLevel
from tradewire.ports.topics import BY_EVENT
from tradewire.runtime.bus.partitioner import partition_of
from tradewire.runtime.observe.instance_status import InstanceStatus, seen_instances

CANDLES = BY_EVENT[CandleClosed].name
IN_CHARGE = ("execution", "risk")
WORKS = "ready"


@dataclass(frozen=True, slots=True)
class Standstill:
    """What the services' newest reports say."""

    operator: Operator
    statuses: Statuses
    instances: tuple[InstanceStatus, ...]

    @classmethod
    async def read(cls, operator: Operator, statuses: Statuses) -> Standstill:
        """The reports as they are now. Raises RetryableError."""
        return cls(operator, statuses, tuple(await seen_instances(operator.bus, operator.codec, operator.clock)))

    def of(self, account_id: str) -> str:
        """What holds an account up, as the services in charge report it; else which of them does no work, if any."""
        named = [text for one in self._running(IN_CHARGE) for text in self._named(one, account_id, one.waits_for)]
        return "; ".join(named or self._idle(IN_CHARGE))

    async def of_market(self, view: ReportedAccount, waits: Collection[tuple[str, str]]) -> str:
        """Why no bar closes an account's positions in these (venue, symbol); nothing where bars may come."""
        ended = await self._ended(waits)
        if view.state is not None and view.state.last_of_stream:
            ended = sorted(symbol for _, symbol in waits)
        if ended:
            return f"the market data of {', '.join(ended)} has ended, no bar follows"
        for service in PAUSABLE:
            held = [
                level
                for levels in self.statuses.levels(service, ())
                for level in levels.values()
                if level.level is ControlLevel.PAUSED
            ]
            if held:
                scopes = sorted({level.scope for level in held})
                lifts = " and ".join(f"`tradewire resume{_option(scope)}`" for scope in scopes)
                return f"{service} holds market data back (PAUSED by {', '.join(scopes)}): {lifts} lets bars come"
        stuck = [text for one in self._running(IN_CHARGE) for text in self._named(one, view.account_id, one.why)]
        return "; ".join(stuck or self._idle(PAUSABLE))

    def _running(self, services: Collection[str]) -> Iterator[InstanceStatus]:
        return (one for one in self.instances if one.service in services and one.state in (WORKS, "not ready"))

    @staticmethod
    def _named(one: InstanceStatus, account_id: str, texts: Iterable[str]) -> Iterator[str]:
        """Those of an instance's texts that are about the account."""
        marks = (f": {account_id}: ", f"letters of {account_id} from ")
        return (f"{one.service} waits for {text}" for text in texts if any(mark in text for mark in marks))

    def _idle(self, services: Iterable[str]) -> list[str]:
        """Services of which no instance does its work, with why."""
        found = []
        for service in services:
            mine = [one for one in self.instances if one.service == service]
            if any(one.state == WORKS for one in mine):
                continue
            last = min(mine, key=lambda one: one.reported_seconds_ago, default=None)
            why = f"is {last.state}: {'; '.join(last.why)}" if last is not None else "never reported itself"
            found.append(f"{service} {why}")
        return found

    async def _ended(self, wanted: Collection[tuple[str, str]]) -> list[str]:
        """Symbols whose newest bar is the last one of a recorded stream."""
        bus, keys = self.operator.bus, {f"{venue}:{symbol}": symbol for venue, symbol in wanted}
        count = await bus.partitions(CANDLES)
        places: defaultdict[Place, set[str]] = defaultdict(set)
        for key in keys:
            places[Place(CANDLES, partition_of(key.encode(), count))].add(key)
        last, _ = await newest_of_keys(bus, places)
        ended = []
        for key in sorted(last.keys() & keys.keys()):
            candle = await self.operator.decoded(last[key])
            if isinstance(candle, CandleClosed) and candle.last_of_stream:
                ended.append(keys[key])
        return ended


def _option(scope: str) -> str:
    """A scope as it is typed behind a command; nothing for everything."""
    kind, _, name = scope.partition(":")
    return f" --{kind} {name}" if name else ""
