"""Who trades what, as of an event time: the active strategy versions of every account.

Built from ``StrategyStatusChanged`` alone, so that every service that reads that topic has the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tradewire.ports.events import ActiveVersion, StrategyStatusChanged
from tradewire.trading.language.intervals import INTERVALS_US, origin_us


class Stream(NamedTuple):
    """One strategy's stream of decisions on one symbol."""

    strategy_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Leg:
    """A stream with what its version says about it."""

    stream: Stream
    venue: str
    interval_us: int
    version: int


def slot_us(time_us: int, every_us: int) -> int:
    """The last bar close at or before ``time_us`` that a stream owes; weekly bars close on Mondays."""
    return time_us - (time_us - origin_us(every_us)) % every_us


Market = tuple[str, str]
"""Venue and symbol."""


@dataclass(slots=True)
class _Tables:
    """What the versions say, by account and by market; ``marks``: every event time at which something changes."""

    legs: dict[str, list[tuple[int, int | None, Leg]]] = field(default_factory=lambda: defaultdict(list))
    accounts: dict[Market, set[str]] = field(default_factory=lambda: defaultdict(set))
    strategies: dict[Market, set[str]] = field(default_factory=lambda: defaultdict(set))
    marks: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    symbols: dict[str, tuple[int, int | None, dict[Market, int]]] = field(default_factory=dict)


class Roster:
    """Active versions by strategy, each in force from its ``effective_from_us`` until the next one's.

    Its tables are made when they are first asked for after a change; a record costs the same however many symbols
    others trade.
    """

    def __init__(self) -> None:
        self._versions: dict[str, tuple[ActiveVersion, ...]] = {}
        self._made: _Tables | None = None

    def apply(self, status: StrategyStatusChanged) -> None:
        """Take in the platform's newest answer about a strategy."""
        self._versions[status.strategy_id] = status.active
        self._made = None

    def remove(self, strategy_id: str) -> None:
        """Forget a strategy whose status was deleted."""
        if self._versions.pop(strategy_id, None) is not None:
            self._made = None

    @property
    def _tables(self) -> _Tables:
        if self._made is None:
            self._made = made = _Tables()
            for strategy_id in sorted(self._versions):
                versions = self._versions[strategy_id]
                for index, version in enumerate(versions):
                    until_us = versions[index + 1].effective_from_us if index + 1 < len(versions) else None
                    _enter(made, strategy_id, version, until_us)
        return self._made

    def accounts(self) -> list[str]:
        """Accounts that have or had a version, sorted."""
        return sorted(self._tables.legs)

    def accounts_on(self, venue: str, symbol: str) -> list[str]:
        """Accounts that trade a market, or did, or will; sorted."""
        return sorted(self._tables.accounts.get((venue, symbol), ()))

    def strategies_on(self, venue: str, symbol: str) -> list[str]:
        """Strategies that trade a market, or did, or will; sorted."""
        return sorted(self._tables.strategies.get((venue, symbol), ()))

    def legs(self, account_id: str, time_us: int) -> Iterator[Leg]:
        """What the account's strategies decide on at ``time_us``, by strategy and symbol."""
        for since_us, until_us, leg in self._tables.legs.get(account_id, ()):
            if since_us <= time_us and (until_us is None or time_us < until_us):
                yield leg

    def legs_until(self, account_id: str, time_us: int) -> Iterator[Leg]:
        """What the account's strategies decide on at ``time_us``, or once did."""
        return (leg for since_us, _, leg in self._tables.legs.get(account_id, ()) if since_us <= time_us)

    def legs_after(self, account_id: str, time_us: int) -> Iterator[Leg]:
        """What the account's strategies will begin to decide on after ``time_us``, as far as is known."""
        return (leg for since_us, _, leg in self._tables.legs.get(account_id, ()) if since_us > time_us)

    def symbols(self, account_id: str, time_us: int) -> dict[Market, int]:
        """(venue, symbol) → shortest interval in µs of the account's legs at ``time_us``."""
        tables = self._tables
        since_us, until_us, shortest = tables.symbols.get(account_id, (0, 0, {}))
        if since_us <= time_us and (until_us is None or time_us < until_us):
            return shortest
        shortest = {}
        for leg in self.legs(account_id, time_us):
            key = (leg.venue, leg.stream.symbol)
            shortest[key] = min(leg.interval_us, shortest.get(key, leg.interval_us))
        changes_us = tables.marks.get(account_id, [])
        since_us = max((mark for mark in changes_us if mark <= time_us), default=-1)
        until_us = min((mark for mark in changes_us if mark > time_us), default=None)
        tables.symbols[account_id] = (since_us, until_us, shortest)
        return shortest

    def version(self, strategy_id: str, time_us: int) -> ActiveVersion | None:
        """The version of a strategy in force at ``time_us``."""
        found = None
        for version in self._versions.get(strategy_id, ()):
            if version.effective_from_us <= time_us:
                found = version
        return found

    def versions(self) -> Iterator[tuple[str, ActiveVersion]]:
        """Every version in force or about to be, by strategy."""
        for strategy_id in sorted(self._versions):
            for version in self._versions[strategy_id]:
                yield strategy_id, version


def _enter(tables: _Tables, strategy_id: str, version: ActiveVersion, until_us: int | None) -> None:
    """Enter one version's streams into the tables."""
    interval_us = INTERVALS_US[version.interval]
    tables.marks[version.account_id] += [version.effective_from_us, *([until_us] if until_us is not None else [])]
    for symbol in version.symbols:
        leg = Leg(Stream(strategy_id, symbol), version.venue, interval_us, version.version)
        tables.legs[version.account_id].append((version.effective_from_us, until_us, leg))
        tables.accounts[version.venue, symbol].add(version.account_id)
        tables.strategies[version.venue, symbol].add(strategy_id)
