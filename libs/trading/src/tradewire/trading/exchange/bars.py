"""Market data of one step and the path that a price is taken to follow inside a bar.

Path rule, worst case first. A bar says where the price was, not in which order. The order is decided once per
bar, right after the orders that act at its open have acted:

1. With a position in the symbol the adverse extreme comes first: long O-L-H-C, short O-H-L-C. So a stop is
   always tried before the take-profit.
2. Without a position, the orders that would open one decide, by the larger open quantity. Buys: O-H-L-C, so
   that after a fill, be it by a stop on the way up or a limit on the way down, the low is still to come.
   Sells mirrored: O-L-H-C.
3. With neither (or a draw), a bar that closes at or above its open goes O-L-H-C, one that closes below,
   O-H-L-C.

A finer timeframe, where given (``Bar.path``), replaces the guess: its bars are walked in turn and the rule
is applied to each of them.

Times on the path are modelled too: the open is at ``open_time_us`` and each of the three legs takes a third
of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tradewire.trading.bounds import PRICE_BOUND, PRICE_BOUND_E8
from tradewire.trading.exchange.fixed_point import SCALE


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed bar of last prices; ``path`` optionally holds the finer bars it is made of, in time order.

    Raises: ValueError when low, open, close and high do not nest, a price is not positive or too large, or time does
    not pass.
    """

    open_time_us: int
    close_time_us: int
    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    volume_e8: int = 0
    path: tuple[Bar, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.low_e8 <= self.open_e8 <= self.high_e8:
            raise ValueError(f"bar at {self.open_time_us}: open {self.open_e8} outside low..high")
        if not self.low_e8 <= self.close_e8 <= self.high_e8:
            raise ValueError(f"bar at {self.open_time_us}: close {self.close_e8} outside low..high")
        if self.high_e8 >= PRICE_BOUND_E8:
            raise ValueError(f"bar at {self.open_time_us}: {_too_high(self.high_e8)}")
        if self.volume_e8 < 0 or self.close_time_us <= self.open_time_us:
            raise ValueError(f"bar at {self.open_time_us}: negative volume or no duration")
        if self.path:
            self._check_path()

    def _check_path(self) -> None:
        previous_us = self.open_time_us
        for inner in self.path:
            if inner.open_time_us < previous_us or inner.close_time_us > self.close_time_us or inner.path:
                raise ValueError(f"bar at {self.open_time_us}: finer bars overlap, leave the bar or nest")
            previous_us = inner.close_time_us


@dataclass(frozen=True, slots=True)
class MarkBar:
    """Mark prices over the same span as a `Bar`; with a finer path, one entry for each finer bar."""

    open_e8: int
    high_e8: int
    low_e8: int
    close_e8: int
    path: tuple[MarkBar, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.low_e8 <= min(self.open_e8, self.close_e8):
            raise ValueError(f"mark bar: low {self.low_e8} above open or close, or not positive")
        if self.high_e8 < max(self.open_e8, self.close_e8):
            raise ValueError(f"mark bar: high {self.high_e8} below open or close")
        if self.high_e8 >= PRICE_BOUND_E8:
            raise ValueError(f"mark bar: {_too_high(self.high_e8)}")


def _too_high(price_e8: int) -> str:
    return f"found high {price_e8 / SCALE:g}, allowed is less than {PRICE_BOUND:,}"


class Quote(NamedTuple):
    """Where a symbol's last bar left it: its close time and the last and mark price there."""

    close_time_us: int
    last_e8: int
    mark_e8: int


class Leg(NamedTuple):
    """A straight move of last and mark price; with ``mark_follows`` the mark is the last price at every
    point.
    """

    start_us: int
    end_us: int
    last_from_e8: int
    last_to_e8: int
    mark_from_e8: int
    mark_to_e8: int
    mark_follows: bool
    is_open: bool


def constant_mark(mark_e8: int) -> MarkBar:
    """Mark bar of a mark price that holds for the whole span."""
    return MarkBar(mark_e8, mark_e8, mark_e8, mark_e8)


def low_comes_first(bar: Bar, *, position_e8: int, opening_buys_e8: int, opening_sells_e8: int) -> bool:
    """Apply the path rule of this module: whether the low is visited before the high."""
    if position_e8:
        return position_e8 > 0
    if opening_buys_e8 != opening_sells_e8:
        return opening_sells_e8 > opening_buys_e8
    return bar.close_e8 >= bar.open_e8


def open_leg(bar: Bar, mark: MarkBar | None) -> Leg:
    """Leg of no length at the bar's open, where gaps show and new orders arrive."""
    mark_e8 = bar.open_e8 if mark is None else mark.open_e8
    time_us = bar.open_time_us
    return Leg(time_us, time_us, bar.open_e8, bar.open_e8, mark_e8, mark_e8, mark is None, is_open=True)


def inner_legs(bar: Bar, mark: MarkBar | None, *, low_first: bool) -> tuple[Leg, Leg, Leg]:
    """Three legs from open over both extremes to close; the mark visits its own in the same order."""
    span_us = bar.close_time_us - bar.open_time_us
    times = [bar.open_time_us + span_us * third // 3 for third in range(4)]
    lasts = _waypoints(bar, low_first=low_first)
    marks = lasts if mark is None else _waypoints(mark, low_first=low_first)
    first, second, third = (
        Leg(
            times[i],
            times[i + 1],
            lasts[i],
            lasts[i + 1],
            marks[i],
            marks[i + 1],
            mark is None,
            is_open=False,
        )
        for i in range(3)
    )
    return first, second, third


def _waypoints(bar: Bar | MarkBar, *, low_first: bool) -> tuple[int, int, int, int]:
    if low_first:
        return bar.open_e8, bar.low_e8, bar.high_e8, bar.close_e8
    return bar.open_e8, bar.high_e8, bar.low_e8, bar.close_e8
