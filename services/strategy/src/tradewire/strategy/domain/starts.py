"""From when a version may decide, and until when the one before it did. Pure.

One market's time says nothing about another's: recorded markets begin and end years apart. What counts are the bars
that a version itself decides on, and those that happen to its account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import NamedTuple

from tradewire.ports.events import ActiveVersion
from tradewire.strategy.domain.history import (
    VERSIONS_BYTES_MAX,
    Versions,
    left,
    size_bytes,
    still_needed,
)
from tradewire.trading.language import INTERVALS_US, CompiledStrategy
from tradewire.trading.roster import Roster

Feed = tuple[str, str, str]
"""Venue, symbol and interval of a stream of bars."""


SHOWN_MAX = 3
"""Markets that a reason names."""


class Behind(NamedTuple):
    """An event time that a start must be behind: of the newest bar of ``feed``, or, None, of ``what``.

    ``what``: with a feed, who decides on it; empty: the version itself.
    """

    time_us: int
    feed: Feed | None
    what: str

    def told(self) -> str:
        """In words."""
        if self.feed is None:
            return f"{self.what}, {_told(self.time_us)}"
        whose = f", which {self.what}" if self.what else ""
        return f"the newest bar of {_name(self.feed)}{whose}, {_told(self.time_us)}"


@dataclass(frozen=True, slots=True)
class Start:
    """When a version begins. ``earliest_us``: not before then; ``reason``: why it misses bars of its own markets, as a
    sentence; None when it begins with the next bar of each, or when it was asked to.
    """

    time_us: int
    earliest_us: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class ToLookUp:
    """What has to be looked up before an answer: the newest bars of ``feeds``, and how far ``accounts`` have come."""

    feeds: frozenset[Feed] = frozenset()
    accounts: frozenset[str] = frozenset()

    def covers(self, other: ToLookUp) -> bool:
        """Was all of the other looked up?"""
        return self.feeds >= other.feeds and self.accounts >= other.accounts


class SeenBars:
    """The newest bar of each feed that anybody may have evaluated. ``newest_us``: of all of them."""

    def __init__(self) -> None:
        self.newest_us = -1
        self._by_feed: dict[Feed, int] = {}
        self._too_far_back: set[Feed] = set()

    def saw(self, feed: Feed, time_us: int) -> None:
        """A bar may have been evaluated, here or by another."""
        self._by_feed[feed] = max(time_us, self._by_feed.get(feed, -1))
        self._too_far_back.discard(feed)
        self.reached(time_us)

    def reached(self, time_us: int) -> None:
        """A bar of whichever feed may have been evaluated."""
        self.newest_us = max(self.newest_us, time_us)

    def is_too_far_back(self, feed: Feed) -> bool:
        """May there be bars that are no longer kept, or further back than anybody looks?"""
        return feed in self._too_far_back

    def not_found(self, feeds: Iterable[Feed]) -> None:
        """No bar of these is among what was looked through, which is not all that there was."""
        self._too_far_back.update(feed for feed in feeds if feed not in self._by_feed)

    def of(self, feed: Feed) -> int:
        """Close of the newest bar of a feed, UTC µs; -1 if it has none; if nobody knows, the newest of any feed."""
        return self.newest_us if feed in self._too_far_back else self._by_feed.get(feed, -1)


class Starts:
    """When versions begin and end, by the bars that were seen and by how far accounts have come."""

    def __init__(self, roster: Roster) -> None:
        self.seen = SeenBars()
        self._roster = roster
        self._passed_us: dict[str, int] = {}

    def passed(self, account_id: str, time_us: int) -> None:
        """An account was seen in its state as of an event time."""
        self._passed_us[account_id] = max(time_us, self._passed_us.get(account_id, -1))

    def wanted(self, active: Versions, compiled: CompiledStrategy | None) -> ToLookUp:
        """What the answer to a question depends on. ``compiled``: None: a retirement, or what can't be read."""
        feeds = {feed for version in active for feed in feeds_of(version)}
        accounts = {version.account_id for version in active[:-1]}
        if compiled is not None:
            others = [version for _, version, _ in self._of_account(compiled.account)]
            feeds.update(own_feeds(compiled), *(feeds_of(version) for version in others))
            accounts |= {version.account_id for version in others}
        return ToLookUp(frozenset(feeds), frozenset(accounts))

    def needed(self, versions: Versions) -> Versions:
        """Those that a bar may need which is not yet answered by all."""
        return still_needed(versions, self._passed_us)

    def start(self, active: Versions, compiled: CompiledStrategy, asked_us: int) -> Start:
        """The time asked for, but behind every bar that was evaluated or has happened to the account."""
        own = own_feeds(compiled)
        bars = [Behind(self.seen.of(feed), feed, "") for feed in own]
        account, gone = self._behind_account(compiled.account), _behind_end(active)
        behind = max((*bars, *account, *gone), key=lambda item: item.time_us)
        earliest_us = behind.time_us + 1
        missed = [feed for feed in own if self._misses(feed, earliest_us)] if earliest_us > asked_us else []
        reason = None
        if missed:
            stands = ", ".join(f"{_name(feed)} at {_told(self.seen.of(feed))}" for feed in missed[:SHOWN_MAX])
            more = f" and {len(missed) - SHOWN_MAX} more" if len(missed) > SHOWN_MAX else ""
            reason = f"begins behind {behind.told()}; its own markets stand before that: {stands}{more}"
        return Start(max(asked_us, earliest_us), earliest_us, reason)

    def _misses(self, feed: Feed, start_us: int) -> bool:
        """Does a start leave out the next bar of a feed?"""
        newest_us = self.seen.of(feed)
        return newest_us >= 0 and newest_us + INTERVALS_US[feed[2]] < start_us

    def _behind_account(self, account_id: str) -> Iterator[Behind]:
        """What an account is past, or may be when the version begins: its strategies' bars, and its own state."""
        for strategy_id, version, until_us in self._of_account(account_id):
            for feed in feeds_of(version):
                seen_us = self.seen.of(feed)
                time_us = seen_us if until_us is None else min(seen_us, until_us - 1)
                yield Behind(time_us, feed, f"{strategy_id} trades on account {account_id}")
        yield Behind(self._passed_us.get(account_id, -1), None, f"the newest state of account {account_id}")

    def _of_account(self, account_id: str) -> Iterator[tuple[str, ActiveVersion, int | None]]:
        """Versions of all strategies on an account, each with the time at which the next one of its strategy begins."""
        for strategy_id in self._roster.strategies_of(account_id):
            versions = self._roster.versions_of(strategy_id)
            for version, after in zip_longest(versions, versions[1:]):
                if version.account_id == account_id:
                    yield strategy_id, version, after.effective_from_us if after is not None else None

    # ---- ends ----

    def left(self, active: Versions) -> Versions:
        """What was in force, and that it leaves each market after the newest bar of it: all stop at the same bar.

        Not later: should the next bar be missing, nobody would answer for it. Empty when nothing was in force yet.
        """
        begun = next((number for number in range(len(active), 0, -1) if self._has_begun(active[:number])), 0)
        return self.needed(self.without(active[:begun], active[begun - 1])) if begun else ()

    def _has_begun(self, versions: Versions) -> bool:
        """Was a bar seen on which the last one decides, or keeps those before it from deciding?

        One without symbols is the end of those before it.
        """
        last, feeds = versions[-1], {feed for version in versions for feed in feeds_of(version)}
        return not last.symbols or any(self.seen.of(feed) >= last.effective_from_us for feed in feeds)

    def without(self, versions: Versions, last: ActiveVersion) -> Versions:
        """The versions up to the one in force, each of whose streams ends right behind the newest bar of its market.

        Where no bar is known, it never began: nobody may wait for a first one that is missing. Where its newest bar is
        not known, or there are too many different ends for one message, it ends at no bar's close: then nobody waits
        for the last bar (``Roster.owed``).
        """
        nowhere_us = self.seen.newest_us + 2
        ends_us = {
            feed[1]: nowhere_us if self.seen.is_too_far_back(feed) else self.seen.of(feed) + 1
            for feed in feeds_of(last)
        }
        exact = left(versions, ends_us)
        if size_bytes(exact) <= VERSIONS_BYTES_MAX:
            return exact
        return left(versions, dict.fromkeys(ends_us, nowhere_us))


def _behind_end(active: Versions) -> Iterator[Behind]:
    """A retired strategy begins again behind its end."""
    if active and not active[-1].symbols:
        yield Behind(active[-1].effective_from_us - 1, None, f"the end of version {active[-1].version}")


def own_feeds(compiled: CompiledStrategy) -> list[Feed]:
    """The feeds that a document decides on."""
    return _feeds(compiled.venue, compiled.symbols, compiled.interval)


def feeds_of(version: ActiveVersion) -> list[Feed]:
    """The feeds that a version decides on."""
    return _feeds(version.venue, version.symbols, version.interval)


def _feeds(venue: str, symbols: Collection[str], interval: str) -> list[Feed]:
    return [(venue, symbol, interval) for symbol in symbols]


def _name(feed: Feed) -> str:
    return f"{feed[0]}:{feed[1]} {feed[2]}"


def _told(time_us: int) -> str:
    return f"{datetime.fromtimestamp(time_us / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
