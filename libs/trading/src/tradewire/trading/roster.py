"""Who trades what, as of an event time: the active strategy versions of every account.

Built from ``StrategyStatusChanged`` alone, so that every service that reads that topic has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


class Roster:
    """Active versions by strategy, each in force from its ``effective_from_us`` until the next one's."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[ActiveVersion, ...]] = {}
        self._legs: dict[str, list[tuple[int, int | None, Leg]]] = {}

    def apply(self, status: StrategyStatusChanged) -> None:
        """Take in the platform's newest answer about a strategy."""
        self._versions[status.strategy_id] = status.active
        self._legs = {}
        for strategy_id in sorted(self._versions):
            versions = self._versions[strategy_id]
            for index, version in enumerate(versions):
                until = versions[index + 1].effective_from_us if index + 1 < len(versions) else None
                for symbol in version.symbols:
                    leg = Leg(
                        Stream(strategy_id, symbol),
                        version.venue,
                        INTERVALS_US[version.interval],
                        version.version,
                    )
                    self._legs.setdefault(version.account_id, []).append((version.effective_from_us, until, leg))

    def remove(self, strategy_id: str) -> None:
        """Forget a strategy whose status was deleted."""
        if self._versions.pop(strategy_id, None) is not None:
            for account, rows in self._legs.items():
                self._legs[account] = [row for row in rows if row[2].stream.strategy_id != strategy_id]

    def accounts(self) -> list[str]:
        """Accounts that have or had a version, sorted."""
        return sorted(self._legs)

    def legs(self, account_id: str, time_us: int) -> Iterator[Leg]:
        """What the account's strategies decide on at ``time_us``, by strategy and symbol."""
        for since, until, leg in self._legs.get(account_id, ()):
            if since <= time_us and (until is None or time_us < until):
                yield leg

    def symbols(self, account_id: str, time_us: int) -> dict[tuple[str, str], int]:
        """(venue, symbol) → shortest interval in µs of the account's legs at ``time_us``."""
        shortest: dict[tuple[str, str], int] = {}
        for leg in self.legs(account_id, time_us):
            key = (leg.venue, leg.stream.symbol)
            shortest[key] = min(leg.interval_us, shortest.get(key, leg.interval_us))
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
