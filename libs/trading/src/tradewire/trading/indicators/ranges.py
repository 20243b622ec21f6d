"""True range and Wilder's directional movement."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.trading.indicators import true_ranges, updates
from tradewire.trading.indicators.averages import AVERAGE_SIZE, rma
from tradewire.trading.indicators.decimals import FAINT, distance, settled
from tradewire.trading.indicators.model import Indicator, Kernel
from tradewire.trading.indicators.params import bars
from tradewire.trading.indicators.true_ranges import RANGE_SIZE, smaller, true_range, widest
from tradewire.trading.indicators.windows import NAN, delayed, ring_size

MOVEMENT_SIZE = 7  # slots of `movement`: count, previous high, low, close, smoothed +DM, -DM, true range

_BAR = ("high", "low", "close")
_WILDER = "Wilder (1978), New Concepts in Technical Trading Systems; TA-Lib"


def movement(s: list[float], k: int, n: int, high: float, low: float, close: float) -> bool:
    """Advance Wilder's smoothed +DM, -DM and true range; True once they cover n changes.

    As TA-Lib does it, the first n - 1 changes are summed and every later one replaces an n-th of the sum.
    """
    span = widest(high, low, s[k + 3])
    rise = smaller(distance(high, s[k + 1]), span)  # at prices of many digits they are rounded in different units
    fall = smaller(distance(s[k + 2], low), span)
    s[k + 1] = high
    s[k + 2] = low
    s[k + 3] = close
    if s[k] < n + 1.0:
        s[k] += 1.0
    if s[k] == 1.0:
        return False
    if s[k] > n and (span > 0.0 or s[k + 6] > FAINT):  # all three fade alike
        s[k + 4] -= s[k + 4] / n
        s[k + 5] -= s[k + 5] / n
        s[k + 6] -= s[k + 6] / n
    if rise > 0.0 and rise > fall:
        s[k + 4] += rise
    if fall > 0.0 and fall > rise:
        s[k + 5] += fall
    s[k + 6] += span
    return s[k] > n


def _trange(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = true_range(s, 1, x[0], x[1], x[2])


def _atr(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = rma(s, 1 + RANGE_SIZE, int(p[0]), true_range(s, 1, x[0], x[1], x[2]))


def directional(s: list[float], k: int, n: int) -> float:
    """DX of an advanced `movement`, percent; NaN when nothing moved.

    A bar rounds both sums by at most 4u, and what they hold is n bars old on average.
    """
    both = s[k + 4] + s[k + 5]
    one_way = settled(abs(s[k + 4] - s[k + 5]), both, 4.0 * n)
    return 100.0 * (one_way / both) if both > 0.0 and s[k + 6] > 0.0 else NAN


def averaged(s: list[float], k: int, n: int, high: float, low: float, close: float) -> float:
    """ADX; slots: MOVEMENT_SIZE and AVERAGE_SIZE.

    A bar without movement counts as 0 in the seed; later it leaves the average as it is, as in TA-Lib.
    """
    if not movement(s, k, n, high, low, close):
        return NAN
    dx = directional(s, k, n)
    average = k + MOVEMENT_SIZE
    if dx == dx:
        return rma(s, average, n, dx)
    return rma(s, average, n, 0.0) if s[average] < n else s[average + 1]


def _adx(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    o[0] = averaged(s, 1, int(p[0]), x[0], x[1], x[2])


def _adxr(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    n = int(p[0])
    adx = averaged(s, 1, n, x[0], x[1], x[2])
    o[0] = (adx + delayed(s, 1 + MOVEMENT_SIZE + AVERAGE_SIZE, n - 1, adx)) / 2.0


def _dx(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    if movement(s, 1, int(p[0]), x[0], x[1], x[2]):
        dx = directional(s, 1, int(p[0]))
        if dx == dx:
            s[1 + MOVEMENT_SIZE] = dx
        o[0] = s[1 + MOVEMENT_SIZE]


def _plus_di(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    if movement(s, 1, int(p[0]), x[0], x[1], x[2]):
        o[0] = 100.0 * (s[5] / s[7]) if s[7] > 0.0 else 0.0


def _minus_di(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    if movement(s, 1, int(p[0]), x[0], x[1], x[2]):
        o[0] = 100.0 * (s[6] / s[7]) if s[7] > 0.0 else 0.0


def _natr(s: list[float], p: tuple[float, ...], x: Sequence[float], o: list[float]) -> None:
    atr = rma(s, 1 + RANGE_SIZE, int(p[0]), true_range(s, 1, x[0], x[1], x[2]))
    o[0] = 100.0 * (atr / x[2]) if x[2] != 0.0 else 0.0 * atr


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
    kernel=Kernel(
        _atr,
        size=lambda n: 1 + RANGE_SIZE + AVERAGE_SIZE,
        warmup=lambda n: n,
        stretch=true_ranges.average,
        straight=updates.atr,
    ),
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

NATR = Indicator(
    name="natr",
    title="Average true range, percent of the close",
    formula="100 · atr(n) / close",
    source="Forman (2006), Cross-Market Evaluations; TA-Lib NATR",
    series=(),
    fields=_BAR,
    params=(bars(14),),
    outputs=("value",),
    kernel=Kernel(_natr, size=lambda n: 1 + RANGE_SIZE + AVERAGE_SIZE, warmup=lambda n: n),
)
ADXR = Indicator(
    name="adxr",
    title="Average directional movement index rating",
    formula="(adx[t] + adx[t-n+1]) / 2",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(
        _adxr, size=lambda n: 1 + MOVEMENT_SIZE + AVERAGE_SIZE + ring_size(n - 1), warmup=lambda n: 3 * n - 2
    ),
)
DX = Indicator(
    name="dx",
    title="Directional movement index",
    formula="100 · |+DM - -DM| / (+DM + -DM), both smoothed over n; without movement the value before",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_dx, size=lambda n: 2 + MOVEMENT_SIZE, warmup=lambda n: n),
)
PLUS_DI = Indicator(
    name="plus_di",
    title="Plus directional indicator",
    formula="100 · smoothed +DM / smoothed true range, over n; 0 without any range",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_plus_di, size=lambda n: 1 + MOVEMENT_SIZE, warmup=lambda n: n),
)
MINUS_DI = Indicator(
    name="minus_di",
    title="Minus directional indicator",
    formula="100 · smoothed -DM / smoothed true range, over n; 0 without any range",
    source=_WILDER,
    series=(),
    fields=_BAR,
    params=(bars(14, low=2),),
    outputs=("value",),
    kernel=Kernel(_minus_di, size=lambda n: 1 + MOVEMENT_SIZE, warmup=lambda n: n),
)

RANGES = (TRANGE, ATR, NATR, ADX, ADXR, DX, PLUS_DI, MINUS_DI)
