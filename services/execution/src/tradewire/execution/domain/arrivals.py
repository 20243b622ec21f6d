"""What arrives for an account and waits to be joined in event time: candles and assessments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tradewire.ports.events import CandleClosed, RiskAssessed
from tradewire.ports.message import Envelope
from tradewire.trading.exchange import Bar, MarkBar
from tradewire.trading.language import INTERVALS_US
from tradewire.trading.refused_bars import Streams
from tradewire.trading.wire import bar_of, funding_of, mark_of

Key = tuple[str, str]
"""(venue, symbol)."""
Feed = tuple[str, str, int]
"""(venue, symbol, interval in µs): bars of one length. An account may decide on several of one symbol."""


class Arrived(NamedTuple):
    """A candle that has not happened to the account yet, as sent and as the exchange takes it.

    ``funding_e8``: the rate settled in it, 0 where none was.
    """

    candle: CandleClosed
    envelope: Envelope
    bar: Bar
    mark: MarkBar | None
    funding_e8: int

    @classmethod
    def of(cls, candle: CandleClosed, envelope: Envelope) -> Arrived:
        """Raises ContractViolationError when its prices do not nest."""
        return cls(candle, envelope, bar_of(candle), mark_of(candle), funding_of(candle))

    @property
    def feed(self) -> Feed:
        """The bars that it is one of."""
        return self.candle.venue, self.candle.symbol, INTERVALS_US[self.candle.interval]


class PendingAssessment(NamedTuple):
    """An assessment whose orders have not been placed yet."""

    event: RiskAssessed
    envelope: Envelope


def is_whole(step: Mapping[int, PendingAssessment], unowed: set[int], deciding: Callable[[], Streams]) -> bool:
    """Are the assessments of a step all here? ``unowed``: indices of those of bars that nobody decides on."""
    size = step[min(step)].event.step_size
    if len(step) >= size:
        return True
    if not unowed or len(step.keys() | unowed) < size:
        return False
    here = {(one.event.strategy_id, one.event.symbol) for one in step.values()}
    return here.issuperset((strategy_id, symbol) for strategy_id, symbol, _ in deciding())


def feeds_of(saved: list[Any]) -> Iterator[Feed]:
    """The feed of a saved row; of one that was saved without its interval, when a symbol had one, any feed."""
    venue, symbol, *interval_us = saved
    for length_us in interval_us or INTERVALS_US.values():
        yield venue, symbol, length_us
