"""Trailing stops that follow the price and turn over when it crosses them."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.averages import AVERAGE_SIZE, rma
from tradewire.trading.indicators.decimals import beyond, distance, half_way, zero_within
from tradewire.trading.indicators.gaps import STEP
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars, factor
from tradewire.trading.indicators.true_ranges import RANGE_SIZE, larger, true_range

# Slots of `mirrored`. A fall is followed as a rise of mirrored prices, so that each rule stands here once.
_SIDE = 3  # 1.0 rising, -1.0 falling
_GAP = 4  # from the stop to the extreme, never negative: the stop nears the extreme and never gets there
_EXTREME = 5
_PACE = 6
_SAR_SIZE = 8  # one slot to spare: a state of the first version had seven, and the stop in place of the gap


def _sar(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    before_high = s[1]
    before_low = s[2]
    s[1] = x[0]
    s[2] = x[1]
    if s[0] == 1.0:
        return
    if s[0] == 2.0:
        fall = distance(before_low, x[1])
        falling = fall > 0.0 and fall > distance(x[0], before_high)
        s[_SIDE] = -1.0 if falling else 1.0
        s[_GAP] = distance(before_high, x[1]) if falling else distance(x[0], before_low)
        s[_EXTREME] = x[1] if falling else x[0]
        s[_PACE] = 0.0
        before_high = x[0]  # on its first bar TA-Lib takes the bar itself for the one before
        before_low = x[1]
    if s[_SIDE] > 0.0:
        o[0] = mirrored(s, p[0], p[1], x[0], x[1], before_high, before_low)
    else:
        o[0] = mirrored(s, p[0], p[1], x[1], x[0], before_low, before_high)


def mirrored(
    s: list[float],
    start: float,
    limit: float,
    peak: float,
    foot: float,
    before_peak: float,
    before_foot: float,
) -> float:
    """Advance the parabola by one bar, `peak` being the high of a rise or the low of a fall.

    The stop is met where the bar's foot is at least a gap from the extreme. The gap is a product of the paces and
    decimals, off by some units of rounding of itself for each bar since the turn.
    """
    side = s[_SIDE]
    first = start if start < limit else limit
    if s[_PACE] == 0.0:
        s[_PACE] = first
    if not beyond(s[_GAP], side * distance(s[_EXTREME], foot)):
        stop = side * larger(larger(side * s[_EXTREME], side * before_peak), side * peak)
        s[_SIDE] = -side
        s[_EXTREME] = foot
        s[_PACE] = first
        gap = side * distance(stop, foot) * (1.0 - first)
        s[_GAP] = larger(larger(gap, side * distance(before_peak, foot)), side * distance(peak, foot))
        return stop
    stop = s[_EXTREME] - side * s[_GAP]
    if side * peak > side * s[_EXTREME]:
        s[_GAP] += side * distance(peak, s[_EXTREME])
        s[_EXTREME] = peak
        pace = s[_PACE] + first
        s[_PACE] = pace if pace < limit else limit
    gap = s[_GAP] * (1.0 - s[_PACE])
    s[_GAP] = larger(larger(gap, side * distance(s[_EXTREME], before_foot)), side * distance(s[_EXTREME], foot))
    return stop


def crossed(price: float, band: float, off: float) -> bool:
    """Is a price above a band by more than both are off by?"""
    return price - band > off + STEP * abs(price)


def _supertrend(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    before = s[2]
    k = 1 + RANGE_SIZE
    gap = p[1] * rma(s, k, int(p[0]), true_range(s, 1, x[0], x[1], x[2]))
    if gap != gap:
        return
    k += AVERAGE_SIZE
    side = s[k]
    median = half_way(x[0], x[1])
    off = STEP * (abs(median) + gap + s[0] * gap)  # a bar rounds the average range by at most 8u of itself
    upper = zero_within(median + gap, off)
    lower = zero_within(median - gap, off)
    upper_off = off
    lower_off = off
    if side == 0.0:
        side = 1.0
    else:
        if s[k + 1] < upper and not crossed(before, s[k + 1], s[k + 3]):
            upper = s[k + 1]
            upper_off = s[k + 3]
        if s[k + 2] > lower and not crossed(-before, -s[k + 2], s[k + 4]):
            lower = s[k + 2]
            lower_off = s[k + 4]
        if crossed(x[2], s[k + 1], s[k + 3]):
            side = 1.0
        elif crossed(-x[2], -s[k + 2], s[k + 4]):
            side = -1.0
    s[k] = side
    s[k + 1] = upper
    s[k + 2] = lower
    s[k + 3] = upper_off
    s[k + 4] = lower_off
    o[0] = lower if side > 0.0 else upper
    o[1] = side


SAR = Indicator(
    name="sar",
    title="Parabolic stop and reverse",
    formula=(
        "sar += pace · (extreme - sar), never beyond the last two bars; pace grows by `start` with each new extreme"
    ),
    source="Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib SAR",
    series=(),
    fields=("high", "low"),
    params=(factor(0.02, name="start", high=1.0), factor(0.2, name="limit", high=1.0)),
    outputs=("value",),
    kernel=Kernel(_sar, size=lambda start, limit: _SAR_SIZE, warmup=lambda start, limit: 1),
)
SUPERTREND = Indicator(
    name="supertrend",
    title="Supertrend",
    formula=(
        "bands medprice ± k · atr(n), each only tightening until the close crosses it; value is the "
        "band on the other side, direction 1 rising or -1 falling (starts rising)"
    ),
    source="Seban; TradingView ta.supertrend with the sign of direction turned",
    series=(),
    fields=("high", "low", "close"),
    params=(bars(10), factor(3.0)),
    outputs=("value", "direction"),
    kernel=Kernel(_supertrend, size=lambda n, k: 6 + RANGE_SIZE + AVERAGE_SIZE, warmup=lambda n, k: n),
)

STOPS = (SAR, SUPERTREND)
