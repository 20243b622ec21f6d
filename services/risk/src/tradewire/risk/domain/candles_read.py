"""Which candles evaluations say that they answer: two bars of a stream are never one candle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tradewire.ports.events import StrategyEvaluated
from tradewire.risk.domain.saved_values import saved_int, saved_text
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.roster import Stream


class CandleRead(NamedTuple):
    """The venue that a candle is of, its offset, and its close (µs)."""

    venue: str
    offset: int
    close_us: int


class CandlesRead:
    """By stream, the candle of the newest bar answered, and those of evaluations that wait.

    Of two bars that are said to be one candle the one read later, when it is the later one, is ahead of the market.
    """

    def __init__(self, rows: Iterable[Any] = ()) -> None:
        """``rows``: what ``saved`` returned. Raises ValueError, TypeError, … for anything else."""
        self._answered: dict[Stream, CandleRead] = {}
        self._waiting: dict[tuple[Stream, str, int], int] = {}
        for strategy_id, symbol, interval_us, venue, offset, close_us in rows:
            stream = Stream(saved_text(strategy_id), saved_text(symbol), saved_int(interval_us))
            self._answered[stream] = CandleRead(saved_text(venue), saved_int(offset), saved_int(close_us))

    def wait(self, stream: Stream, event: StrategyEvaluated) -> None:
        """An evaluation waits for its answer."""
        key = (stream, event.venue, event.candle_offset)
        self._waiting[key] = min(event.event_time_us, self._waiting.get(key, event.event_time_us))

    def answer(self, stream: Stream, event: StrategyEvaluated) -> None:
        """An evaluation was answered in its step."""
        self.leave_out(stream, event)
        self._answered[stream] = CandleRead(event.venue, event.candle_offset, event.event_time_us)

    def leave_out(self, stream: Stream, event: StrategyEvaluated) -> None:
        """An evaluation does not wait any more."""
        key = (stream, event.venue, event.candle_offset)
        if self._waiting.get(key) == event.event_time_us:
            del self._waiting[key]

    def belie(self, event: StrategyEvaluated) -> bool:
        """Does an evaluation name the candle of an earlier bar?"""
        stream = Stream(event.strategy_id, event.symbol, INTERVALS_US[event.interval])
        answered = self._answered.get(stream)
        if answered is not None and (answered.venue, answered.offset) == (event.venue, event.candle_offset):
            return answered.close_us < event.event_time_us
        waiting_us = self._waiting.get((stream, event.venue, event.candle_offset))
        return waiting_us is not None and waiting_us < event.event_time_us

    def saved(self) -> list[list[Any]]:
        """As JSON."""
        return [[*stream, *candle] for stream, candle in sorted(self._answered.items())]
