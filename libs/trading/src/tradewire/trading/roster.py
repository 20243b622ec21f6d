"""Who trades what, as of an event time: the active strategy versions of every account.

Built from ``StrategyStatusChanged`` alone, so that every service that reads that topic has the same answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from tradewire.ports.events import ActiveVersion, RiskAssessed, StrategyEvaluated, StrategyStatusChanged
from tradewire.trading.language.intervals import INTERVALS_US, origin_us

Market = tuple[str, str]
"""Venue and symbol."""
VERSION_IN_FORCE = "version_in_force"
"""The rule that a version in force decides on the bar of an evaluation."""


class Stream(NamedTuple):
    """One strategy's decisions on one symbol at one interval. A version with another interval begins another stream."""

    strategy_id: str
    symbol: str
    interval_us: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """A stream with what one version says about it.

    ``since_us``, ``until_us``: the version decides on it from then until before then. ``begins_us``: since when the
    stream is decided on without a break, by this version or those before it; ``ends``: does no version continue it?
    """

    stream: Stream
    venue: str
    version: int
    since_us: int
    until_us: int | None
    begins_us: int
    ends: bool

    @property
    def interval_us(self) -> int:
        """Length of its bars."""
        return self.stream.interval_us


def slot_us(time_us: int, every_us: int) -> int:
    """The last bar close at or before ``time_us`` that a stream owes; weekly bars close on Mondays."""
    return time_us - (time_us - origin_us(every_us)) % every_us


@dataclass(frozen=True, slots=True)
class _Span:
    """An account between two changes of its strategies.

    ``subscriptions``: those in force; ``ended``: last bar close and subscription of those that ended before, newest
    first; ``shortest``: the shortest interval in force, by market.
    """

    since_us: int
    until_us: int | None
    subscriptions: tuple[Subscription, ...]
    ended: tuple[tuple[int, Subscription], ...]
    shortest: dict[Market, int]

    def holds(self, time_us: int) -> bool:
        """Is ``time_us`` in the span?"""
        return self.since_us <= time_us and (self.until_us is None or time_us < self.until_us)


@dataclass(slots=True)
class _Tables:
    """What the versions say, by account and by market; ``spans``: of each account the one that was used last.

    ``decided``: by account, strategy, venue and symbol.
    """

    subscriptions: dict[str, list[Subscription]] = field(default_factory=lambda: defaultdict(list))
    accounts: dict[Market, set[str]] = field(default_factory=lambda: defaultdict(set))
    strategies: dict[Market, set[str]] = field(default_factory=lambda: defaultdict(set))
    decided: dict[tuple[str, str, str, str], list[Subscription]] = field(default_factory=lambda: defaultdict(list))
    spans: dict[str, _Span] = field(default_factory=dict)


class Roster:
    """Active versions by strategy, each in force from its ``effective_from_us`` until the next one's.

    Its tables are made when they are first asked for after a change; a record costs the same however many symbols
    others trade.
    """

    def __init__(self) -> None:
        self._versions: dict[str, tuple[ActiveVersion, ...]] = {}
        self._newest: dict[str, int] = {}
        self._answered_us: dict[str, int] = {}
        self._made: _Tables | None = None

    def apply(self, status: StrategyStatusChanged) -> None:
        """Take in an answer about a strategy, unless a later one is known: see ``stands``."""
        if not self.stands(status):
            return
        self._answered_us[status.strategy_id] = status.answered_at_us
        self._versions[status.strategy_id] = status.active
        self._newest[status.strategy_id] = max([status.version, *(version.version for version in status.active)])
        self._made = None

    def stands(self, status: StrategyStatusChanged) -> bool:
        """Is no later answer about the strategy known? A member that was stopped may write one late (ADR 30)."""
        return status.answered_at_us >= self._answered_us.get(status.strategy_id, -1)

    def knows(self, strategy_id: str, version: int) -> bool:
        """Was this version answered? What follows from an answer may be read before it: topics have no common order."""
        return version <= self._newest.get(strategy_id, -1)

    @property
    def _tables(self) -> _Tables:
        if self._made is None:
            self._made = made = _Tables()
            for strategy_id in sorted(self._versions):
                _enter(made, strategy_id, self._versions[strategy_id])
        return self._made

    def accounts(self) -> list[str]:
        """Accounts that have or had a version, sorted."""
        return sorted(self._tables.subscriptions)

    def accounts_on(self, venue: str, symbol: str) -> list[str]:
        """Accounts that trade a market, or did, or will; sorted."""
        return sorted(self._tables.accounts.get((venue, symbol), ()))

    def strategies_on(self, venue: str, symbol: str) -> list[str]:
        """Strategies that trade a market, or did, or will; sorted."""
        return sorted(self._tables.strategies.get((venue, symbol), ()))

    def subscriptions(self, account_id: str, time_us: int) -> tuple[Subscription, ...]:
        """What the account's strategies decide on at ``time_us``, by strategy and symbol."""
        return self._span(account_id, time_us).subscriptions

    def owed(self, account_id: str, time_us: int, after_us: int) -> Iterator[tuple[Subscription, int]]:
        """Each stream of the account that owes an answer, with the newest bar close in (after_us, time_us] it owes.

        A stream owes nothing before it begins and nothing between two closes of its interval. One that ended owes its
        last bar, if it ended right behind one: otherwise nobody saw a bar there, and there may have been none.
        """
        span = self._span(account_id, time_us)
        for subscription in span.subscriptions:
            close_us = slot_us(time_us, subscription.stream.interval_us)
            if close_us > after_us and close_us >= subscription.begins_us:
                yield subscription, close_us
        for close_us, subscription in span.ended:
            if close_us <= after_us:
                return
            yield subscription, close_us

    def subscriptions_until(self, account_id: str, time_us: int) -> Iterator[Subscription]:
        """What the account's strategies decide on at ``time_us``, or once did."""
        return (item for item in self._tables.subscriptions.get(account_id, ()) if item.since_us <= time_us)

    def subscriptions_after(self, account_id: str, time_us: int) -> Iterator[Subscription]:
        """What the account's strategies will begin to decide on after ``time_us``, as far as is known."""
        return (item for item in self._tables.subscriptions.get(account_id, ()) if item.since_us > time_us)

    def symbols(self, account_id: str, time_us: int) -> dict[Market, int]:
        """(venue, symbol) → shortest interval in µs of the account's subscriptions at ``time_us``."""
        return self._span(account_id, time_us).shortest

    def _span(self, account_id: str, time_us: int) -> _Span:
        spans = self._tables.spans
        span = spans.get(account_id)
        if span is None or not span.holds(time_us):
            span = spans[account_id] = _span_at(self._tables.subscriptions.get(account_id, ()), time_us)
        return span

    def version(self, strategy_id: str, time_us: int) -> ActiveVersion | None:
        """The version of a strategy in force at ``time_us``."""
        found = None
        for version in self._versions.get(strategy_id, ()):
            if version.effective_from_us <= time_us:
                found = version
        return found

    def decides(self, strategy_id: str, market: Market, interval: str, time_us: int) -> ActiveVersion | None:
        """The version in force at ``time_us``, if it decides on bars of this market and interval."""
        version = self.version(strategy_id, time_us)
        if version is None or version.interval != interval:
            return None
        return version if version.venue == market[0] and market[1] in version.symbols else None

    def owes(self, event: StrategyEvaluated) -> bool:
        """Does the strategy decide for the account on the bar of an evaluation, as the answers about it say?

        An instance of strategy that had not heard that a version ended decided on later bars. Between two closes of its
        interval there is no bar.
        """
        interval_us = INTERVALS_US[event.interval]
        return any(item.interval_us == interval_us for item in self._deciding(event))

    def owes_elsewhere(self, event: StrategyEvaluated) -> bool:
        """Does the very version of an evaluation decide on its bar, at another interval? Then nobody evaluated it."""
        return any(item.version == event.config_version for item in self._deciding(event)) and not self.owes(event)

    def owes_some_bar(self, event: RiskAssessed) -> bool:
        """Does the strategy decide for the account on a bar, of any interval, that an assessment may be about?"""
        return next(self._deciding(event), None) is not None

    def _deciding(self, event: StrategyEvaluated | RiskAssessed) -> Iterator[Subscription]:
        key, time_us = (event.account_id, event.strategy_id, event.venue, event.symbol), event.event_time_us
        for item in self._tables.decided.get(key, ()):
            if _closes(time_us, item) and (item.until_us is None or time_us < item.until_us):
                yield item

    def shared(self, event: StrategyEvaluated) -> bool:
        """Do other strategies of the account trade the symbol too?"""
        streams = (item.stream for item in self.subscriptions(event.account_id, event.event_time_us))
        return any(stream.symbol == event.symbol and stream.strategy_id != event.strategy_id for stream in streams)

    def versions_of(self, strategy_id: str) -> tuple[ActiveVersion, ...]:
        """The versions of a strategy that are kept, by the time from which each is in force."""
        return self._versions.get(strategy_id, ())

    def strategies_of(self, account_id: str) -> list[str]:
        """Strategies with a version on an account that is kept, sorted."""
        return sorted(
            strategy_id
            for strategy_id, versions in self._versions.items()
            if any(version.account_id == account_id for version in versions)
        )

    def versions(self) -> Iterator[tuple[str, ActiveVersion]]:
        """Every version in force or about to be, by strategy."""
        for strategy_id in sorted(self._versions):
            for version in self._versions[strategy_id]:
                yield strategy_id, version


def _enter(tables: _Tables, strategy_id: str, versions: Sequence[ActiveVersion]) -> None:
    """Enter the streams of one strategy's versions, which follow one another, into the tables."""
    running: dict[tuple[str, str, Stream], int] = {}
    for version, after in zip_longest(versions, versions[1:]):
        since_us, before, running = version.effective_from_us, running, {}
        until_us = after.effective_from_us if after is not None else None
        continued = _streams(strategy_id, after) if after is not None else {}
        for key in _streams(strategy_id, version):
            account_id, venue, stream = key
            running[key] = begins_us = before.get(key, since_us)
            ends = until_us is not None and key not in continued
            subscription = Subscription(stream, venue, version.version, since_us, until_us, begins_us, ends)
            tables.subscriptions[account_id].append(subscription)
            tables.accounts[venue, stream.symbol].add(account_id)
            tables.strategies[venue, stream.symbol].add(strategy_id)
            tables.decided[account_id, strategy_id, venue, stream.symbol].append(subscription)


def _streams(strategy_id: str, version: ActiveVersion) -> dict[tuple[str, str, Stream], None]:
    """Account, venue and stream of each symbol of a version, in its order."""
    interval_us = INTERVALS_US[version.interval]
    streams = (Stream(strategy_id, symbol, interval_us) for symbol in version.symbols)
    return dict.fromkeys((version.account_id, version.venue, stream) for stream in streams)


def _span_at(subscriptions: Sequence[Subscription], time_us: int) -> _Span:
    """The span of an account that holds ``time_us``."""
    marks = {mark for item in subscriptions for mark in (item.since_us, item.until_us) if mark is not None}
    begun = [item for item in subscriptions if item.since_us <= time_us]
    ended = [
        (item.until_us - 1, item)
        for item in begun
        if item.ends and item.until_us is not None and item.until_us <= time_us and _closes(item.until_us - 1, item)
    ]
    current = tuple(item for item in begun if item.until_us is None or time_us < item.until_us)
    shortest: dict[Market, int] = {}
    for item in current:
        market = (item.venue, item.stream.symbol)
        shortest[market] = min(item.interval_us, shortest.get(market, item.interval_us))
    return _Span(
        since_us=max((mark for mark in marks if mark <= time_us), default=-1),
        until_us=min((mark for mark in marks if mark > time_us), default=None),
        subscriptions=current,
        ended=tuple(sorted(ended, key=lambda item: item[0], reverse=True)),
        shortest=shortest,
    )


def _closes(time_us: int, item: Subscription) -> bool:
    """Does a bar of the item close at ``time_us``, while it is decided on?"""
    return item.since_us <= time_us and slot_us(time_us, item.interval_us) == time_us
