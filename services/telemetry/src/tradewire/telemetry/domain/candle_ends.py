"""Which candles are shown: those that follow the last of their market (``tradewire.trading.candle_chain``)."""

from __future__ import annotations

from collections.abc import Iterable

from tradewire.ports.events import CandleClosed
from tradewire.ports.message import Envelope
from tradewire.telemetry.domain.market import SERIES_KEPT
from tradewire.trading.candle_chain import BEGINNING, CandleVerdict, ChainEnd
from tradewire.trading.candle_watch import CandleWatch, Market


class CandleEnds:
    """The last candle of each market, within a bound: the one that is silent for longest goes first."""

    def __init__(self, markets_kept: int = SERIES_KEPT) -> None:
        self._kept = markets_kept
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._ends: dict[Market, tuple[ChainEnd, int]] = {}
        self.watch = CandleWatch("telemetry")

    def forget(self, partitions: Iterable[int]) -> None:
        """Let go of what another instance reads now."""
        gone = set(partitions)
        self._ends = {market: item for market, item in self._ends.items() if item[1] not in gone}
        for partition in gone:
            self.watch.forget(partition)

    def shows(self, candle: CandleClosed, envelope: Envelope, *, restoring: bool = False) -> bool:
        """Is a candle shown? A copy is, as what is read again was recorded before.

        Indicator reads the same partitions and writes what is to be said of those that are not. Raises
        RefusedRecordError for one that becomes a dead letter, but not while ``restoring``: then it is one already.
        """
        market = (candle.venue, candle.symbol, candle.interval)
        end, _ = self._ends.get(market, (BEGINNING, 0))
        verdict = end.judge(candle, envelope.offset)
        if not restoring:
            for _ in self.watch.say(verdict, end, candle, envelope):
                continue
        if verdict.is_taken:
            self._ends.pop(market, None)
            self._ends[market] = end.after(candle, envelope.offset), envelope.partition
            if len(self._ends) > self._kept:
                del self._ends[next(iter(self._ends))]
        return verdict.is_taken or verdict is CandleVerdict.COPY
