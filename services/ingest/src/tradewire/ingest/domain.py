"""What leaves ingest: closed bars in order, and a report of everything else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tradewire.ports.bounds import OutOfBoundsError
from tradewire.ports.checks import CHECKS
from tradewire.ports.events import CandleClosed, GapDetected, GapKind, MarkPriceUpdated
from tradewire.ports.intervals import INTERVALS_US, ORIGINS_US
from tradewire.ports.message import Event
from tradewire.trading.bars_csv import BarFault, DecimalBar, RawBar, bar_of
from tradewire.trading.candle_chain import longest_chain

Verdict = CandleClosed | GapDetected
CERTAIN_LENGTH = 2
"""Candles of a chain that others can't be mistaken for: one that nobody wrote is named by none."""
NONE_BEFORE_US = -1

Market = tuple[str, str, str]
"""Venue, symbol and interval."""


def interval_us(interval: str) -> int:
    """Length in µs of an interval such as 1m, 4h, 1d, 1w. Raises ValueError for one that the platform does not have."""
    if interval not in INTERVALS_US:
        raise ValueError(f"interval: found {interval!r}, allowed {', '.join(INTERVALS_US)}")
    return INTERVALS_US[interval]


class CandleGate:
    """Judges the rows of one (venue, symbol, interval) in the order in which they arrive.

    A good row becomes ``CandleClosed``; a fault becomes ``GapDetected`` and the row does not pass. Nothing is
    repaired: of duplicates the first passes, rows that come late are dropped, missing bars are counted and
    stay missing (a refused row leaves a hole, which the next good one reports).

    ``last_open_us`` is the open time of the last bar that passed in an earlier life, None if there was none.
    Raises ValueError for an interval that is none.
    """

    def __init__(self, venue: str, symbol: str, interval: str, *, last_open_us: int | None = None) -> None:
        self.venue, self.symbol, self.interval = venue, symbol, interval
        self.interval_us = interval_us(interval)
        self._origin_us = ORIGINS_US[interval]
        self._last_open_us = last_open_us
        self._last: DecimalBar | None = None

    @property
    def due_us(self) -> int | None:
        """Open time (µs) of the bar that comes next; None before the first."""
        return None if self._last_open_us is None else self._last_open_us + self.interval_us

    def offer(self, row: RawBar | BarFault, *, now_us: int) -> tuple[Verdict, ...]:
        """What to publish for a row, in order: nothing else, or a gap and then the bar behind it."""
        bar = bar_of(row) if isinstance(row, RawBar) else row
        if isinstance(bar, BarFault):
            return (self._fault(GapKind.INVALID, bar.open_time_us, bar.row, bar.field, bar.found, bar.allowed),)
        fault = self._misplaced(bar, now_us) or self._repeated(bar)
        if fault:
            return (fault,)
        candle = self._candle(bar)
        try:
            CHECKS[CandleClosed](candle)
        except OutOfBoundsError as error:
            return (self._fault(GapKind.INVALID, bar.open_time_us, bar.row, error.field, error.found, error.allowed),)
        gap = self._gap_before(bar)
        self._last, self._last_open_us = bar, bar.open_time_us
        return (gap, candle) if gap else (candle,)

    def filled(self, *, first_open_us: int, count: int) -> GapDetected:
        """Says that ``count`` bars from ``first_open_us`` on, once missing, were asked for again and came."""
        return GapDetected(
            venue=self.venue,
            symbol=self.symbol,
            interval=self.interval,
            kind=GapKind.FILLED,
            event_time_us=first_open_us,
            after_us=first_open_us - self.interval_us,
            before_us=first_open_us + count * self.interval_us,
            missing=count,
        )

    def _misplaced(self, bar: DecimalBar, now_us: int) -> GapDetected | None:
        """The fault of a bar that is off the interval's grid, or that had not closed at ``now_us``."""
        opened_us = bar.open_time_us
        off_us = (opened_us - self._origin_us) % self.interval_us
        if off_us:
            allowed = f"a multiple of {self.interval}"
            found = f"{opened_us} µs, {off_us} µs past one"
            return self._fault(GapKind.OFF_GRID, opened_us, bar.row, "open_time", found, allowed)
        closes_us = opened_us + self.interval_us
        if closes_us > now_us:
            allowed = f"≤ now = {now_us} µs"
            return self._fault(GapKind.FUTURE, opened_us, bar.row, "close_time", f"{closes_us} µs", allowed)
        return None

    def _repeated(self, bar: DecimalBar) -> GapDetected | None:
        """The fault of a bar that is not later than the last one."""
        opened_us, last = bar.open_time_us, self._last
        if self._last_open_us is None or opened_us > self._last_open_us:
            return None
        if last is None or opened_us < last.open_time_us:
            found, allowed = f"{opened_us} µs", f"> {self._last_open_us} µs, the last bar's"
            return self._fault(GapKind.OUT_OF_ORDER, opened_us, bar.row, "open_time", found, allowed)
        if bar.numbers == last.numbers:
            allowed = "one bar per open time"
            return self._fault(GapKind.DUPLICATE, opened_us, bar.row, "open_time", f"{opened_us} µs again", allowed)
        return self._fault(GapKind.CONFLICT, opened_us, bar.row, "bar", _text(bar), f"{_text(last)} as first told")

    def _gap_before(self, bar: DecimalBar) -> GapDetected | None:
        """The gap between the last bar and this one, if any."""
        if self._last_open_us is None or self.due_us == bar.open_time_us:
            return None
        return GapDetected(
            venue=self.venue,
            symbol=self.symbol,
            interval=self.interval,
            kind=GapKind.MISSING,
            event_time_us=self._last_open_us + self.interval_us,
            after_us=self._last_open_us,
            before_us=bar.open_time_us,
            missing=(bar.open_time_us - self._last_open_us) // self.interval_us - 1,
            row=bar.row,
        )

    def _fault(
        self, kind: GapKind, opened_us: int, row: int | None, field: str, found: str, allowed: str
    ) -> GapDetected:
        return GapDetected(
            venue=self.venue,
            symbol=self.symbol,
            interval=self.interval,
            kind=kind,
            event_time_us=opened_us,
            missing=0,
            field=field,
            found=found,
            allowed=allowed,
            row=row,
        )

    def _candle(self, bar: DecimalBar) -> CandleClosed:
        return CandleClosed(
            venue=self.venue,
            symbol=self.symbol,
            interval=self.interval,
            open_time_us=bar.open_time_us,
            close_time_us=bar.open_time_us + self.interval_us,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
        )


def _text(bar: DecimalBar) -> str:
    return " ".join(f"{number:f}" for number in bar.numbers)


def position_us(verdict: Verdict) -> int:
    """When a verdict's turn is: the close (µs) of the bar it is about; for a gap, of the bar behind it."""
    if isinstance(verdict, CandleClosed):
        return verdict.close_time_us
    opened_us = verdict.before_us if verdict.before_us is not None else verdict.event_time_us
    return opened_us + interval_us(verdict.interval)


def mark_last(verdicts: Iterable[Verdict]) -> Iterator[Verdict]:
    """The verdicts of one recorded stream with ``last_of_stream`` set on its last bar.

    Looks one bar ahead. A fault about the bar held back goes out before it, so that whoever has the bar has
    had the faults up to it; later faults go out behind it.
    """
    held: CandleClosed | None = None
    behind: list[GapDetected] = []
    for verdict in verdicts:
        if isinstance(verdict, CandleClosed):
            if held:
                yield held
            yield from behind
            held, behind = verdict, []
        elif held is None or position_us(verdict) <= held.close_time_us:
            yield verdict
        else:
            behind.append(verdict)
    if held:
        yield held.model_copy(update={"last_of_stream": True})
    yield from behind


@dataclass(frozen=True, slots=True)
class Mark:
    """What a venue says of a perpetual at ``time_us``; ``rate`` is expected for ``next_funding_us``, not settled."""

    time_us: int
    mark_price: Decimal
    index_price: Decimal | None = None
    rate: Decimal | None = None
    next_funding_us: int | None = None


class FundingWatch:
    """Tells funding settlements from the marks of one (venue, symbol).

    Venues stream the rate expected at the next settlement. The settlement is over when the next one is announced;
    its rate is the last that was expected for it (Binance, "Mark Price Stream": fields r and T). It becomes a mark of
    its own, at the settlement's time and the first mark price known after it.
    """

    def __init__(self, venue: str, symbol: str) -> None:
        self._venue, self._symbol = venue, symbol
        self._previous: Mark | None = None

    def offer(self, mark: Mark) -> tuple[MarkPriceUpdated, ...]:
        """What to publish for a mark: a settlement first, if one lies behind it. Marks must not go back in time."""
        before, self._previous = self._previous, mark
        plain = self._event(mark, at_us=mark.time_us, rate=None)
        if before is None or before.rate is None or before.next_funding_us is None:
            return (plain,)
        announced_us = mark.next_funding_us or 0
        if not before.next_funding_us <= mark.time_us < announced_us or announced_us == before.next_funding_us:
            return (plain,)
        settled = self._event(mark, at_us=before.next_funding_us, rate=before.rate)
        return (settled,) if before.next_funding_us == mark.time_us else (settled, plain)

    def _event(self, mark: Mark, *, at_us: int, rate: Decimal | None) -> MarkPriceUpdated:
        return MarkPriceUpdated(
            venue=self._venue,
            symbol=self._symbol,
            event_time_us=at_us,
            mark_price=mark.mark_price,
            index_price=mark.index_price,
            funding_rate=rate,
            next_funding_time_us=mark.next_funding_us,
        )


class CandleLinks:
    """Each candle that leaves names the one before it of its market: what was published, or is found on the topic."""

    def __init__(self) -> None:
        self._last_us: dict[Market, int] = {}

    def resume(self, published: Sequence[Event]) -> int:
        """Go on behind what was published of a symbol; the newest close (µs) of its markets.

        A candle that does not belong to what was published (``longest_chain``) does not count.
        """
        for market, candles in _by_market(published).items():
            self._last_us[market], _ = longest_chain(candles)
        return max(self._last_us[market] + INTERVALS_US[market[2]] for market in _by_market(published))

    def linked(self, event: Event) -> Event:
        """The event, a candle with the one before it; one that is published again as it is."""
        if not isinstance(event, CandleClosed):
            return event
        market = (event.venue, event.symbol, event.interval)
        previous_us = self._last_us.get(market, event.previous_open_time_us)
        if previous_us is not None and event.open_time_us <= previous_us:
            return event
        self._last_us[market] = event.open_time_us
        return event.model_copy(
            update={"previous_open_time_us": NONE_BEFORE_US if previous_us is None else previous_us}
        )


def tells_where_to_go_on(published: Sequence[Event]) -> bool:
    """Is it certain where each market of a symbol goes on, whatever else is among its newest candles?

    Candles that name none, of a version before this one, say no more however many are read.
    """
    return all(
        longest_chain(candles)[1] >= CERTAIN_LENGTH or all(c.previous_open_time_us is None for c in candles)
        for candles in _by_market(published).values()
    )


def _by_market(events: Iterable[Event]) -> dict[Market, list[CandleClosed]]:
    found: dict[Market, list[CandleClosed]] = {}
    for event in events:
        assert isinstance(event, CandleClosed), "the topic carries no other"
        found.setdefault((event.venue, event.symbol, event.interval), []).append(event)
    return found
