"""Which bars an account needs: those that it decides on, and those of markets that it left while something is open.

A strategy that is retired, or goes on in another market, leaves positions and orders behind. Their stops must work and
their margin must be watched, so the bars that they were followed by are followed on until a step ends with the account
flat there: a moment of event time, the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.arrivals import Arrived, Feed, Key
from tradewire.ports.events import RiskAssessed
from tradewire.trading.exchange import Bar
from tradewire.trading.exchange.bars import constant_mark
from tradewire.trading.refused_bars import Streams
from tradewire.trading.roster import Roster, Subscription, slot_us

Feeds = frozenset[Feed]


class Following:
    """The feeds of all accounts, by the roster and by what each account has open.

    ``Account.follows`` holds what the last step left; ``begin`` and ``end`` tell when an account is taken and given.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._decided: dict[str, tuple[Mapping[Key, int], Feeds]] = {}
        self._needed: dict[str, tuple[Feeds, Feeds, Feeds]] = {}
        self._followers: dict[Feed, set[str]] = {}

    def begin(self, account: ExecutionAccount) -> None:
        """An account was restored."""
        for feed in account.follows:
            self._followers.setdefault(feed, set()).add(account.account_id)

    def end(self, account: ExecutionAccount) -> None:
        """An account is written by another from now on."""
        for feed in account.follows:
            self._followers[feed].discard(account.account_id)

    # ---- what is needed ----

    def accounts_on(self, feed: Feed) -> list[str]:
        """Accounts that trade the feed's market, or did, or will, or have something open there; sorted."""
        return sorted({*self._roster.accounts_on(feed[0], feed[1]), *self._followers.get(feed, ())})

    def may_need(self, account_id: str, feed: Feed, time_us: int) -> bool:
        """May a bar of ``feed`` that closes at ``time_us`` happen to the account?

        Sure is what is decided on then. Of what was decided on before, ``feeds`` tells at the bar's turn.
        """
        if account_id in self._followers.get(feed, ()) or feed in self._decided_on(account_id, time_us):
            return True
        return any(_feed(item) == feed for item in self._roster.subscriptions_until(account_id, time_us))

    def decides_on(self, account_id: str, feed: Feed, time_us: int) -> bool:
        """Does a strategy of the account decide on bars of ``feed`` at ``time_us``, as far as is known?"""
        return feed in self._decided_on(account_id, time_us)

    def feeds(self, account: ExecutionAccount, time_us: int) -> Feeds:
        """The feeds that must answer for ``time_us``, once all that comes before has happened."""
        decided = self._decided_on(account.account_id, time_us)
        if account.follows is decided:
            return decided
        known = self._needed.get(account.account_id)
        if known is None or known[0] is not decided or known[1] is not account.follows:
            closing = _elsewhere(account.follows, decided)
            known = (decided, account.follows, decided | closing if closing else decided)
            self._needed[account.account_id] = known
        return known[2]

    def owed(self, account: ExecutionAccount, time_us: int, feeds: Feeds) -> Iterator[tuple[Feed, int]]:
        """Which bar closes must be known before a step at ``time_us``: the newest of ``feeds``, and those before it
        that strategies which have left decided on last.
        """
        for subscription, close_us in self._roster.owed(account.account_id, time_us, account.time_us):
            yield _feed(subscription), close_us
        for feed in feeds - self._decided_on(account.account_id, time_us):
            yield feed, slot_us(time_us, feed[2])

    def decides(self, account: ExecutionAccount, time_us: int) -> bool:
        """Did a bar at ``time_us`` happen to the account that a strategy of it decides on?"""
        decided = self._decided_on(account.account_id, time_us)
        return any(account.happened_us.get(feed) == time_us for feed in decided)

    def absent(self, account: ExecutionAccount) -> Iterator[Feed]:
        """Feeds on which a strategy decides at the account's time, where their bar was due and did not come."""
        at_us = account.time_us
        for feed in self._decided_on(account.account_id, at_us):
            if account.happened_us.get(feed) != at_us and slot_us(at_us, feed[2]) == at_us:
                yield feed

    def deciding(self, account: ExecutionAccount) -> Streams:
        """Strategies that decide on a bar which was the last to happen to the account, each with symbol and version."""
        subscriptions = self._roster.subscriptions(account.account_id, account.time_us)
        here = [item for item in subscriptions if account.happened_us.get(_feed(item)) == account.time_us]
        return {(item.stream.strategy_id, item.stream.symbol, item.version) for item in here}

    def is_past(self, account: ExecutionAccount, event: RiskAssessed) -> bool:
        """Has the account gone on without the event's step, or will it never come to it?

        It has when nobody was known to decide then: strategy's answer came too late to some service. Where that answer
        is not here yet, it says.
        """
        time_us = event.event_time_us
        if time_us < account.time_us or time_us <= account.assessed_us:
            return True
        if account.awaits_us == time_us or not self._roster.knows(event.strategy_id, event.config_version):
            return False
        return time_us == account.time_us or not self.feeds(account, time_us)

    def settle(self, account: ExecutionAccount, feeds: Feeds, time_us: int) -> bool:
        """Leave what a step at ``time_us`` ended flat in and nothing is decided on; is no bar left to come?"""
        decided = self._decided_on(account.account_id, time_us)
        kept = decided
        if feeds is not decided:
            still_open = account.open_symbols()
            kept |= {feed for feed in feeds - decided if feed[1] in still_open}
        if kept is not account.follows and kept != account.follows:
            self.end(account)
            account.follows = kept
            self.begin(account)
        if not account.ended.issuperset(kept):
            return False
        later = self._roster.subscriptions_after(account.account_id, time_us)
        return all(_feed(item) in account.ended for item in later)

    def closing(self, account: ExecutionAccount) -> list[str]:
        """Symbols followed although nothing is decided on there as of the last step, sorted; for /health."""
        decided = self._decided_on(account.account_id, account.time_us)
        return sorted({symbol for _, symbol, _ in _elsewhere(account.follows, decided)})

    def _decided_on(self, account_id: str, time_us: int) -> Feeds:
        """What the account's strategies decide on at ``time_us``; found anew when the roster's answer is another."""
        shortest = self._roster.symbols(account_id, time_us)
        known = self._decided.get(account_id)
        if known is None or known[0] is not shortest:
            feeds = frozenset(map(_feed, self._roster.subscriptions(account_id, time_us)))
            known = self._decided[account_id] = (shortest, feeds)
        return known[1]


def news(account: ExecutionAccount, arrived: dict[Feed, Arrived]) -> dict[str, Arrived]:
    """What a step's bars, in canonical order, tell of each symbol and the bars before did not.

    Of the bars of a symbol the shortest counts: a longer one tells again what the shorter told, and only says that a
    decision is due. Where the shorter are missing, have ended or not begun, the longer one moves the account. If it
    began before what has already happened, its close alone is known to be new: its open, extremes, volume and funding
    may be of bars that happened.
    """
    shortest = {feed[1]: item for feed, item in reversed(arrived.items())}
    for symbol, item in shortest.items():
        if item.bar.open_time_us < account.execution.last_close_us(symbol):
            shortest[symbol] = _close_of(item)
    return shortest


def _close_of(item: Arrived) -> Arrived:
    """The candle as if it had lasted for its last µs only."""
    close_e8, closes_us = item.bar.close_e8, item.bar.close_time_us
    bar = Bar(closes_us - 1, closes_us, close_e8, close_e8, close_e8, close_e8)
    mark = constant_mark(item.mark.close_e8) if item.mark is not None else None
    return item._replace(bar=bar, mark=mark, funding_e8=0)


def _elsewhere(follows: Feeds, decided: Feeds) -> Feeds:
    """Feeds of markets on which nothing is decided."""
    if follows <= decided:
        return frozenset()
    markets = {feed[:2] for feed in decided}
    return frozenset(feed for feed in follows if feed[:2] not in markets)


def _feed(subscription: Subscription) -> Feed:
    return subscription.venue, subscription.stream.symbol, subscription.interval_us
