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
            elif known is not None and feed in known.order_of_candles:
                self._accounts[account_id].order_of_candles.leave(feed)
        return found

    def check(self, feed: Feed, needing: Sequence[str], candle: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """Say what a candle is to those that know most against it.

        An account that has only begun to follow a market takes whatever comes first. One beside it may know better, and
        so may what was read of the market since the start, whoever needed it. Raises RefusedRecordError for one that
        does not follow.
        """
        known = [account for account in map(self._accounts.known, needing) if account is not None]
        seen = self._seen.get(feed, BEGINNING)
        ends = [seen, *(account.order_of_candles.end(feed) for account in known)]
        verdicts = [(end.judge(candle, envelope.offset), end) for end in ends]
        verdict, end = max(verdicts, key=lambda item: _SEVERITY.index(item[0]))
        yield from self.watch.say(verdict, end, candle, envelope)
        if verdicts[0][0].is_taken:
            self._seen[feed] = seen.after(candle, envelope.offset)
