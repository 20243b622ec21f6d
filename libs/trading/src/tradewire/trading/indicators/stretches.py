"""Array forms of the averages that most strategies use, over a stretch without holes.

Each does the arithmetic of its step in the same order, so the bits are the same, with its state in registers and its
window read from the input: as fast as TA-Lib's C. Compiled by numba; parameters are the checked ones, as floats, and
every output has the length of the inputs.
"""

from __future__ import annotations

import math

import numpy as np

from tradewire.trading.indicators.model import FloatArray

Columns = tuple[FloatArray, ...]
Params = tuple[float, ...]


def fill_unknown(out: FloatArray, end: int) -> None:
    """NaN before bar `end`."""
    out[: min(end, len(out))] = math.nan


def suffix_sums(x: FloatArray, start: int, sums: FloatArray) -> None:
    """Sums from each of the bars from `start` on to the last one that `sums` has room for."""
    running = 0.0
    for j in range(len(sums) - 1, -1, -1):
        running += x[start + j]
        sums[j] = running


def mean_of(x: FloatArray, start: int, n: int) -> float:
    """Mean of n values: the seed of a recursive average."""
    value = 0.0
    for i in range(start, start + n):
        value += x[i]
    return value / n


def sma(columns: Columns, params: Params, outputs: Columns) -> None:
    """Mean of the last n values: of the last full turn what is still in the window, and the running turn."""
    x, out = columns[0], outputs[0]
    n = int(params[0])
    fill_unknown(out, n - 1)
    back = np.empty(n)
    for start in range(0, len(x), n):
        if start > 0:
            running = 0.0
            for i in range(min(n - 1, len(x) - start)):
                running += x[start + i]
                out[start + i] = (back[i + 1] + running) / n
        if start + n <= len(x):
            suffix_sums(x, start, back)
            out[start + n - 1] = back[0] / n


def ema(columns: Columns, params: Params, outputs: Columns) -> None:
    """Exponential average of n bars."""
    x, out = columns[0], outputs[0]
    n = int(params[0])
    fill_unknown(out, n - 1)
    if len(x) < n:
        return
    value, weight = mean_of(x, 0, n), 2.0 / (n + 1.0)
    out[n - 1] = value
    for i in range(n, len(x)):
        value += (x[i] - value) * weight
        out[i] = value


def rsi(columns: Columns, params: Params, outputs: Columns) -> None:
    """Wilder's relative strength index."""
    x, out = columns[0], outputs[0]
    n = int(params[0])
    fill_unknown(out, n)
    gain, loss = 0.0, 0.0
    for i in range(1, min(n + 1, len(x))):
        change = x[i] - x[i - 1]
        gain += change if change > 0.0 else 0.0
        loss += -change if change < 0.0 else 0.0
    gain /= n
    loss /= n
    weight = 1.0 / n
    for i in range(n, len(x)):
        if i > n:
            change = x[i] - x[i - 1]
            gain += ((change if change > 0.0 else 0.0) - gain) * weight
            loss += ((-change if change < 0.0 else 0.0) - loss) * weight
        both = gain + loss
        out[i] = 100.0 * (gain / both) if both != 0.0 else 0.0


def bollinger(columns: Columns, params: Params, outputs: Columns) -> None:
    """Mean and standard deviations around it, of distances to the last value of the last full turn.

    Sums of the distances, the anchors and sums of the squares are left in the outputs first: what is made of them
    then is the same for every bar, so that the compiler does several at once.
    """
    x = columns[0]
    upper, middle, lower = outputs
    n, factor = int(params[0]), params[1]
    distances, squares = np.zeros(n + 1), np.zeros(n + 1)
    anchor = 0.0
    for start in range(0, len(x), n):
        plain, square = 0.0, 0.0
        for i in range(start, min(start + n, len(x))):
            d = x[i] - anchor
            plain += d
            square += d * d
            upper[i] = distances[i - start + 1] + plain
            middle[i] = anchor
            lower[i] = squares[i - start + 1] + square
        last = start + n - 1
        if last < len(x):
            anchor = x[last]
            for j in range(n - 1, -1, -1):
                d = x[start + j] - anchor
                distances[j] = distances[j + 1] + d
                squares[j] = squares[j + 1] + d * d
            upper[last], middle[last], lower[last] = distances[0], anchor, squares[0]
    for i in range(len(x)):
        mean = upper[i] / n
        spread = lower[i] / n - mean * mean
        width = factor * math.sqrt(spread if spread > 0.0 else 0.0)
        middle[i] += mean
        upper[i] = middle[i] + width
        lower[i] = middle[i] - width
    for out in outputs:
        fill_unknown(out, n - 1)


def macd(columns: Columns, params: Params, outputs: Columns) -> None:
    """Fast minus slow average, its own average, and their difference; all NaN before the last of them is known."""
    x = columns[0]
    line, signal, histogram = outputs
    fast, slow, n = int(min(params[0], params[1])), int(max(params[0], params[1])), int(params[2])
    known = slow + n - 2
    for out in outputs:
        fill_unknown(out, known)
    if known >= len(x):
        return
    near, far = mean_of(x, slow - fast, fast), mean_of(x, 0, slow)
    fast_weight, slow_weight, weight = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (n + 1.0)
    average = 0.0
    for i in range(slow - 1, known + 1):
        if i >= slow:
            near += (x[i] - near) * fast_weight
            far += (x[i] - far) * slow_weight
        average += near - far
    average /= n
    for i in range(known, len(x)):
        if i > known:
            near += (x[i] - near) * fast_weight
            far += (x[i] - far) * slow_weight
            average += (near - far - average) * weight
        line[i], signal[i], histogram[i] = near - far, average, near - far - average
