"""What a reader says of candles that do not follow the last one of their market: none is dropped in silence.

A refused candle becomes a dead letter; one that is older than what was taken, or follows a hole, becomes an audit
event. Until a candle of the market is taken again the instance is not ready: which of the two writers is right, nobody
knows before the next bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tradewire.ports.errors import RefusedRecordError
from tradewire.ports.events import AuditRecorded, CandleClosed, Severity
from tradewire.ports.message import Emit, Envelope, WaitReason, Work
from tradewire.ports.metrics import Figure, Metric
from tradewire.trading.candle_chain import CandleVerdict, ChainEnd

Market = tuple[str, str, str]
"""Venue, symbol and interval."""
CANDLES = Metric(
    "tradewire_candles_not_following_total",
    "counter",
    ("service", "verdict"),
    "Candles that do not follow the last of their market: hole is taken; older, unlinked, contradicts are not.",
)
METRICS = (CANDLES,)
_TOLD = (CandleVerdict.HOLE, CandleVerdict.OLDER, CandleVerdict.UNLINKED, CandleVerdict.CONTRADICTS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Doubt(NamedTuple):
    """The first candle of a market that was not taken since the last that was."""

    candle: CandleClosed
    last_us: int
    partition: int
    offset: int

    def __str__(self) -> str:
        read = f"the one of {time_of(self.candle.open_time_us)} (partition {self.partition} offset {self.offset})"
        return f"a candle that follows that of {time_of(self.last_us)}; {read} does not, nor any since"


class CandleWatch:
    """Counts and says what ``judge`` of a market's chain finds, for one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._counts = dict.fromkeys(_TOLD, 0)
        self._doubts: dict[Market, Doubt] = {}

    def say(self, verdict: CandleVerdict, end: ChainEnd, candle: CandleClosed, envelope: Envelope) -> Iterator[Emit]:
        """What is to be said of a candle that was judged against ``end``.

        Raises RefusedRecordError for one that becomes a dead letter.
        """
        market = (candle.venue, candle.symbol, candle.interval)
        if verdict in self._counts:
            self._counts[verdict] += 1
        if verdict.is_taken:
            self._doubts.pop(market, None)
        elif verdict in (CandleVerdict.OLDER, CandleVerdict.UNLINKED):
            said = market in self._doubts
            self._doubts.setdefault(market, Doubt(candle, end.open_us, envelope.partition, envelope.offset))
            if verdict is CandleVerdict.OLDER and said:
                return  # the first of them was said; all are counted
        if verdict.is_refused:
            raise RefusedRecordError(_text(verdict, end, candle))
        if verdict in (CandleVerdict.OLDER, CandleVerdict.HOLE):
            yield self._audited(verdict, end, candle, envelope)

    def forget(self, partition: int) -> None:
        """Another instance reads the partition now."""
        self._doubts = {market: doubt for market, doubt in self._doubts.items() if doubt.partition != partition}

    def clear(self) -> None:
        """Whose markets these are has changed: what stands is found again with their next candles."""
        self._doubts.clear()

    def waits(self) -> Iterator[WaitReason]:
        """Markets whose newest candle was not taken."""
        for market, doubt in self._doubts.items():
            yield WaitReason("market", f"{':'.join(market)}: {doubt}")

    def figures(self) -> Iterator[Figure]:
        """Every verdict that is told, from the start."""
        for verdict, count in self._counts.items():
            yield Figure(CANDLES, (self._service, verdict.value), count)

    def _audited(self, verdict: CandleVerdict, end: ChainEnd, candle: CandleClosed, envelope: Envelope) -> Emit:
        name = "candles.missing" if verdict is CandleVerdict.HOLE else "candle.not_newer"
        text = _text(verdict, end, candle)
        event = AuditRecorded(
            source=self._service,
            severity=Severity.ERROR,
            name=name.replace(".", "_"),
            message=f"{text}; partition {envelope.partition} offset {envelope.offset}",
            event_time_us=candle.close_time_us,
            attributes={"venue": candle.venue, "symbol": candle.symbol, "interval": candle.interval},
        )
        ordinal = f"{self._service}.{name}:{envelope.partition}:{envelope.offset}"
        return Emit(event, envelope, ordinal=ordinal, work=Work(name, {"reason": text}, logged=True))


def _text(verdict: CandleVerdict, end: ChainEnd, candle: CandleClosed) -> str:
    """What was found, and what was allowed."""
    what = f"candle of {candle.venue}:{candle.symbol} {candle.interval} at {time_of(candle.open_time_us)}"
    last, previous_us = time_of(end.open_us), candle.previous_open_time_us
    names = "names no candle before it" if previous_us in (None, -1) else f"follows {time_of(previous_us or 0)}"
    match verdict:
        case CandleVerdict.UNLINKED:
            return f"{what} {names}; allowed: what follows {last}, the last that was taken"
        case CandleVerdict.CONTRADICTS:
            return f"{what} has other figures than the one of this time that was taken; the first counts"
        case CandleVerdict.OLDER:
            return f"{what} is not newer than {last}, the last that was taken: left out"
        case _:
            return f"{what} {names}; the last that was taken is of {last}: candles between them are missing"


def time_of(time_us: int) -> str:
    """UTC; what is no time, as its number."""
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{time_us} µs"
