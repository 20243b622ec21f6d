"""When a status says that an account needs candles which were let go: who is to read them again, and from when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tradewire.execution.domain.arrivals import Feed
from tradewire.execution.domain.following import Following
from tradewire.execution.domain.positions import CandlePositions
from tradewire.ports.events import ActiveVersion, StrategyStatusChanged
from tradewire.ports.ledger import ReadPosition
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.roster import Roster


class CatchingUp:
    """Rewinds ``positions`` for versions whose bars nobody followed. ``time_of``: an account's partition, and the last
    event time that happened to it.
    """

    def __init__(
        self,
        positions: CandlePositions,
        roster: Roster,
        following: Following,
        time_of: Callable[[str], tuple[int, int]],
    ) -> None:
        self._positions, self._roster, self._following, self._time_of = positions, roster, following, time_of
        self._newest_us: dict[Feed, int] = {}
        self._status_offsets: dict[str, int] = {}

    def passed(self, feed: Feed, close_time_us: int) -> None:
        """A candle was handled, needed or not."""
        self._newest_us[feed] = max(close_time_us, self._newest_us.get(feed, -1))

    def unfollowed(self, event: StrategyStatusChanged) -> list[ActiveVersion]:
        """Before a status is applied: its versions with a market that the account does not follow yet."""
        return [version for version in event.active if not all(self._follows(version))]

    def applied(self, event: StrategyStatusChanged, offset: int, unfollowed: Iterable[ActiveVersion]) -> None:
        """A status was applied."""
        self._status_offsets[event.strategy_id] = offset
        self._positions.applied(offset)
        for version in unfollowed:
            self._rewind(version)

    def own(self, partition: int, position: ReadPosition | None) -> None:
        """Take a partition over. What statuses behind its position ask for may have been let go by others."""
        self._positions.own(partition, position)
        for strategy_id, version in self._roster.versions():
            if self._time_of(version.account_id)[0] != partition:
                continue
            if position is None or self._status_offsets[strategy_id] >= position.statuses:
                self._rewind(version)

    def _follows(self, version: ActiveVersion) -> Iterator[bool]:
        for feed in _feeds(version):
            yield self._following.decides_on(version.account_id, feed, version.effective_from_us)

    def _rewind(self, version: ActiveVersion) -> None:
        """Read again bars that are in force for a version, unless all are known to be still to come."""
        partition, time_us = self._time_of(version.account_id)
        since_us = max(version.effective_from_us, time_us + 1)
        if partition not in self._positions.owned:
            return
        if any(self._newest_us.get(feed, since_us) >= since_us for feed in _feeds(version)):
            self._positions.rewind(partition, since_us)


def _feeds(version: ActiveVersion) -> list[Feed]:
    return [(version.venue, symbol, INTERVALS_US[version.interval]) for symbol in version.symbols]
