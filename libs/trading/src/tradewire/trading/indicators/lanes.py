"""Array forms of recursive averages, in several lanes at once; see `stretches`.

Each value of a recursive average waits for the one before, some nine cycles of a processor that could do much more
meanwhile. So the bars are cut into lanes that run side by side. A later lane does not know the value that it starts
from: it begins SETTLING windows earlier with a guess, of which nothing is left at its own first bar, roundings
included. That is checked, not believed: the lane before ends on exactly that bar, and where its value is another one,
the bars behind it are done again. The result is that of the plain loop in every case. (Zeros of either sign count as
equal: the next bar makes the same of them.)
"""

from __future__ import annotations

from tradewire.trading.indicators.decimals import ULP, distance, unit_within
from tradewire.trading.indicators.model import FloatArray
from tradewire.trading.indicators.stretches import Columns, Params, fill_unknown, mean_of, positive, unit_of_sums, whole

BLOCK = 256  # bars whose changes are still in the nearest cache when they are followed
SETTLING = 40
"""Windows until a guess is forgotten: it weighs e⁻⁴⁰ then in Wilder's average, e⁻⁸⁰ in the exponential one."""


def follow(x: FloatArray, start: int, value: float, weight: float, out: FloatArray) -> None:
    """Exponential average from bar `start` on, `value` being that of the bar before."""
    for i in range(start, len(x)):
        value += (x[i] - value) * weight
        out[i] = value


Eight = tuple[float, float, float, float, float, float, float, float]


def follow_eight(x: FloatArray, lane: int, bars: int, values: Eight, weight: float, out: FloatArray) -> Eight:
    """The first `bars` of eight lanes that lie `lane` apart; `values`: averages before them, and (returned) after."""
    a, b, c, d, e, f, g, h = values
    xa, xb, xc, xd = x, x[lane:], x[2 * lane :], x[3 * lane :]
    xe, xf, xg, xh = x[4 * lane :], x[5 * lane :], x[6 * lane :], x[7 * lane :]
    oa, ob, oc, od = out, out[lane:], out[2 * lane :], out[3 * lane :]
    oe, of, og, oh = out[4 * lane :], out[5 * lane :], out[6 * lane :], out[7 * lane :]
    for i in range(bars):
        a += (xa[i] - a) * weight
        b += (xb[i] - b) * weight
        c += (xc[i] - c) * weight
        d += (xd[i] - d) * weight
        e += (xe[i] - e) * weight
        f += (xf[i] - f) * weight
        g += (xg[i] - g) * weight
        h += (xh[i] - h) * weight
        oa[i], ob[i], oc[i], od[i], oe[i], of[i], og[i], oh[i] = a, b, c, d, e, f, g, h
    return a, b, c, d, e, f, g, h


def settle_eight(x: FloatArray, lane: int, bars: int, weight: float, out: FloatArray) -> Eight:
    """Averages after `bars` of eight lanes, each begun with its first value as a guess; `out` is to be done again."""
    p, q, r, s = x[0], x[lane], x[2 * lane], x[3 * lane]
    guesses = (p, q, r, s, x[4 * lane], x[5 * lane], x[6 * lane], x[7 * lane])
    return follow_eight(x, lane, bars, guesses, weight, out)


def length_of_eight(bars: int, settling: int) -> int:
    """Bars of each of eight lanes; 0 when they are not worth it."""
    lane = bars // 8
    lane -= (lane - 8) % 64  # one line of the cache off a page, so that no two lanes are in each other's way
    return 0 if lane < 2 * settling else lane


def right_of_eight(ends: Eight, starts: Eight) -> int:
    """How many lanes, from the first on, began with the value that the lane before ended on."""
    right = 1
    for end, start in zip(ends[:7], starts[1:]):  # noqa: B905 - numba knows no `strict`
        if end != start:
            break
        right += 1
    return right


def follow_in_lanes(x: FloatArray, start: int, value: float, weight: float, out: FloatArray, settling: int) -> int:
    """The same as `follow` in eight lanes; returns the first bar that `follow` is still to do. `out` is not `x`."""
    lane = length_of_eight(len(x) - start, settling)
    if lane == 0:
        return start
    early = start + lane - settling
    b, c, d, e, f, g, h, _ = settle_eight(x[early:], lane, settling, weight, out[early:])
    starts = (value, b, c, d, e, f, g, h)
    ends = follow_eight(x[start:], lane, lane, starts, weight, out[start:])
    return start + right_of_eight(ends, starts) * lane


def averaged(x: FloatArray, n: int, weight: float, out: FloatArray) -> bool:
    """Exponential average of any weight, seeded with the mean of the first n values."""
    if not positive(x):
        return False
    fill_unknown(out, n - 1)
    if len(x) >= n:
        value = mean_of(x, 0, n)
        out[n - 1] = value
        start = follow_in_lanes(x, n, value, weight, out, SETTLING * n)
        follow(x, start, out[start - 1], weight, out)
    return True


def ema(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Exponential average of n bars."""
    n = int(params[0])
    return averaged(columns[0], n, 2.0 / (n + 1.0), outputs[0])


def rma(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Wilder's average of n bars."""
    n = int(params[0])
    return averaged(columns[0], n, 1.0 / n, outputs[0])


def take_changes(x: FloatArray, start: int, stop: int, out: FloatArray) -> None:
    """Changes of the bars from `start` ≥ 1 to before `stop`; see `decimals.distance`."""
    now, before, changes = x[start:stop], x[start - 1 : stop - 1], out[start:stop]
    unit = unit_of_sums(now, before)
    if unit == 0.0:
        for i in range(len(changes)):
            changes[i] = distance(now[i], before[i])
        return
    for i in range(len(changes)):
        changes[i] = unit_within(now[i] - before[i], abs(now[i]) + abs(before[i]), 3.0 * ULP, unit)


def strength(gain: float, loss: float) -> float:
    """The index of average gain and loss; 0 without either."""
    both = gain + loss
    return 100.0 * (gain / both) if both != 0.0 else 0.0


Triple = tuple[float, float, float]


def weigh(bars: tuple[int, int], averages: Triple, weight: float, out: FloatArray) -> Triple:
    """The index from the first of `bars` to before the second, in the place of the changes; kept where there is none.

    averages: gain, loss and index before, and (returned) after.
    """
    gain, loss, index = averages
    single = weight == 1.0
    for i in range(bars[0], bars[1]):
        change = out[i]
        gain += ((change if change > 0.0 else 0.0) - gain) * weight
        loss += ((-change if change < 0.0 else 0.0) - loss) * weight
        index = strength(gain, loss) if change != 0.0 or single else index
        out[i] = index
    return gain, loss, index


def weigh_beside(
    bars: tuple[int, int], lane: int, averages: tuple[Triple, Triple], weight: float, out: FloatArray
) -> tuple[Triple, Triple]:
    """The same for these bars and those that are `lane` later, side by side."""
    (gain, loss, index), (late_gain, late_loss, late_index) = averages
    late = out[lane:]
    single = weight == 1.0
    for i in range(bars[0], bars[1]):
        change, late_change = out[i], late[i]
        gain += ((change if change > 0.0 else 0.0) - gain) * weight
        loss += ((-change if change < 0.0 else 0.0) - loss) * weight
        late_gain += ((late_change if late_change > 0.0 else 0.0) - late_gain) * weight
        late_loss += ((-late_change if late_change < 0.0 else 0.0) - late_loss) * weight
        index = strength(gain, loss) if change != 0.0 or single else index
        late_index = strength(late_gain, late_loss) if late_change != 0.0 or single else late_index
        out[i], late[i] = index, late_index
    return (gain, loss, index), (late_gain, late_loss, late_index)


def weigh_in_lanes(
    x: FloatArray, start: int, averages: Triple, weight: float, out: FloatArray, settling: int
) -> tuple[int, Triple]:
    """The same in two lanes; returns the first bar that `weigh` is still to do, and the averages before it.

    x: prices, of which changes are taken here.
    """
    lane = (len(x) - start) // 2
    if lane < 2 * settling:
        return start, averages
    middle = start + lane
    take_changes(x, middle - settling, middle, out)
    guess = weigh((middle - settling, middle), (0.0, 0.0, 0.0), weight, out)
    both = (averages, guess)
    for block in range(start, middle, BLOCK):
        end = min(block + BLOCK, middle)
        take_changes(x, block, end, out)
        take_changes(x, block + lane, end + lane, out)
        both = weigh_beside((block, end), lane, both, weight, out)
    if both[0] == guess:
        return middle + lane, both[1]
    return middle, both[0]


def rsi(columns: Columns, params: Params, outputs: Columns) -> bool:
    """Wilder's relative strength index."""
    x, out = columns[0], outputs[0]
    n = int(params[0])
    if not whole(x):
        return False
    if len(x) > n:
        gain, loss = 0.0, 0.0
        take_changes(x, 1, n + 1, out)
        for i in range(1, n + 1):
            change = out[i]
            gain += ((change if change > 0.0 else 0.0) - gain) / i
            loss += ((-change if change < 0.0 else 0.0) - loss) / i
        weight, averages = 1.0 / n, (gain, loss, strength(gain, loss))
        out[n] = averages[2]
        start, averages = weigh_in_lanes(x, n + 1, averages, weight, out, SETTLING * n)
        take_changes(x, start, len(x), out)
        weigh((start, len(x)), averages, weight, out)
    fill_unknown(out, n)
    return True
