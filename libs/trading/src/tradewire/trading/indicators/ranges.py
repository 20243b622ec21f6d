"""True range and Wilder's directional movement."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators.averages import AVERAGE_SIZE, rma
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.windows import NAN

RANGE_SIZE = 2  # slots of `true_range`: count, previous close
MOVEMENT_SIZE = 7  # slots of `movement`: count, previous high, low, close, smoothed +DM, -DM, true range

_BAR = ("high", "low", "close")
_WILDER = "Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib"


def larger(a: float, b: float) -> float:
    """The larger of two numbers, a on a tie: `max` may treat the sign of zero differently when compiled."""
    return a if a >= b else b


def widest(high: float, low: float, before: float) -> float:
    """True range of a bar after a bar that closed at `before`."""
    return larger(larger(high - low, abs(high - before)), abs(low - before))


def true_range(s: list[float], k: int, high: float, low: float, close: float) -> float:
    """True range; NaN on the first bar, which has no close before it."""
    before = s[k + 1]
    s[k + 1] = close
    if s[k] == 0.0:
        s[k] = 1.0
        return NAN
    return widest(high, low, before)


def movement(s: list[float], k: int, n: int, high: float, low: float, close: float) -> bool:
    """Advance Wilder's smoothed +DM, -DM and true range; True once they cover n changes.

    As TA-Lib does it, the first n - 1 changes are summed and every later one replaces an n-th of the sum.
    """
    rise = high - s[k + 1]
    fall = s[k + 2] - low
    span = widest(high, low, s[k + 3])
    s[k + 1] = high
    s[k + 2] = low
    s[k + 3] = close
    if s[k] < n + 1.0:
        s[k] += 1.0
    if s[k] == 1.0:
        return False
    if s[k] > n:
        s[k + 4] -= s[k + 4] / n
        s[k + 5] -= s[k + 5] / n
        s[k + 6] -= s[k + 6] / n
    if rise > 0.0 and rise > fall:
        s[k + 4] += rise
    if fall > 0.0 and fall > rise:
        s[k + 5] += fall
    s[k + 6] += span
    return s[k] > n


def strength(s: list[float], k: int) -> float:
    """Share of `movement` per true range, in percent: slot k + 4 up, k + 5 down; 0.0 without any range."""
    return 100.0 * (s[k] / s[k + 6]) if s[k + 6] > 0.0 else 0.0


def _trange(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = true_range(s, 1, x[0], x[1], x[2])


def _atr(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = rma(s, 1 + RANGE_SIZE, int(p[0]), true_range(s, 1, x[0], x[1], x[2]))


def _adx(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    if not movement(s, 1, n, x[0], x[1], x[2]):
        return
    k = 1 + MOVEMENT_SIZE
    both = s[5] + s[6]
    if s[k] < n:  # a bar without movement counts as 0 in the seed, and later leaves the average as it is
        o[0] = rma(s, k, n, 100.0 * abs(s[5] - s[6]) / both if both > 0.0 and s[7] > 0.0 else 0.0)
    elif both > 0.0 and s[7] > 0.0:
        o[0] = rma(s, k, n, 100.0 * abs(s[5] - s[6]) / both)
    else:
        o[0] = s[k + 1]


TRANGE = Indicator(
    name="trange",
    title="True range",
    formula="max(high - low, |high - close[t-1]|, |low - close[t-1]|)",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(),
    outputs=("value",),
    kernel=Kernel(_trange, size=lambda: 1 + RANGE_SIZE, warmup=lambda: 1),
)
ATR = Indicator(
    name="atr",
    title="Average true range",
    formula="rma(trange, n)",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_atr, size=lambda n: 1 + RANGE_SIZE + AVERAGE_SIZE, warmup=lambda n: n),
)
ADX = Indicator(
    name="adx",
    title="Average directional movement index",
    formula="rma(dx, n), dx = 100 · |+DM - -DM| / (+DM + -DM), both smoothed over n changes",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_adx, size=lambda n: 1 + MOVEMENT_SIZE + AVERAGE_SIZE, warmup=lambda n: 2 * n - 1),
)

RANGES = (TRANGE, ATR, ADX)
