"""Which accounts a candle may happen to, and whether it follows the last one that they took."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tradewire.execution.domain.account import ExecutionAccount
from tradewire.execution.domain.arrivals import Feed
from tradewire.execution.domain.following import Following
from tradewire.execution.domain.positions import CandlePositions
from tradewire.ports.events import CandleClosed
from tradewire.ports.message import Emit, Envelope
from tradewire.trading.candle_chain import BEGINNING, CandleVerdict, ChainEnd
from tradewire.trading.candle_watch import CandleWatch
from tradewire.trading.tracking import Tracked

_SEVERITY = tuple(CandleVerdict)
"""The verdicts, what says most against a candle last."""


class CandleIntake:
    """Of one process. ``time_of``: an account's partition, and the last event time that happened to it."""

    def __init__(
        self,
        accounts: Tracked[str, ExecutionAccount],
        following: Following,
        time_of: Callable[[str], tuple[int, int]],
        positions: CandlePositions,
    ) -> None:
        self._accounts, self._following, self._time_of, self._positions = accounts, following, time_of, positions
        self._seen: dict[Feed, ChainEnd] = {}
        self.watch = CandleWatch("execution")

    def needing(self, feed: Feed, time_us: int) -> list[str]:
        """Accounts that a bar of a feed may happen to."""
        found, owned = [], self._positions.owned
        for account_id in self._following.accounts_on(feed):
            if self._time_of(account_id)[0] not in owned:
                continue
            known = self._accounts.known(account_id)
            if self._following.may_need(account_id, feed, time_us):
                found.append(account_id)
            elif known is not None and _leaves(known, feed, time_us):
                self._accounts[account_id].order_of_candles.leave(feed)
        return found

    def check(self, feed: Feed, needing: Sequence[str], candle: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """Say what a candle is to those that know most against it.

        An account that has only begun to follow a market takes whatever comes first. One beside it may know better, and
        so may what was read of the market since the start, whoever needed it. That may have begun with an odd candle:
        where accounts take one that is older than it alone, it goes on from there as they do. Raises
        RefusedRecordError for one that does not follow.
        """
        seen = self._seen.get(feed, BEGINNING)
        verdict, end = of_seen = (seen.judge(candle, envelope.offset), seen)
        accounts = [_end_of(self._accounts.known(account_id), feed) for account_id in needing]
        verdicts = [(end.judge(candle, envelope.offset), end) for end in accounts]
        if verdicts:
            of_accounts = max(verdicts, key=_severity)
            if verdict is CandleVerdict.OLDER and of_accounts[0].is_taken:
                of_seen = of_accounts
            verdict, end = max(of_seen, of_accounts, key=_severity)
        yield from self.watch.say(verdict, end, candle, envelope)
        if of_seen[0].is_taken:
            self._seen[feed] = of_seen[1].after(candle, envelope.offset)


def _leaves(account: ExecutionAccount, feed: Feed, time_us: int) -> bool:
    """Is a bar that the account does not need behind all that it took of the feed? None of them waits, either."""
    end = account.order_of_candles.end(feed)
    return feed in account.order_of_candles and not account.candles.get(feed) and time_us > end.open_us + feed[2]


def _end_of(account: ExecutionAccount | None, feed: Feed) -> ChainEnd:
    return BEGINNING if account is None else account.order_of_candles.end(feed)


def _severity(item: tuple[CandleVerdict, ChainEnd]) -> int:
    return _SEVERITY.index(item[0])
