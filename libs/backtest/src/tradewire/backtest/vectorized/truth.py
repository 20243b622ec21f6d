"""The rules of many parameter sets over arrays, in one compiled pass over blocks of bars that stay in the cache.

Equal to `tradewire.trading.language.rules` and `evaluation` on every bar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import ZERO, compiled, compiled_inside
from tradewire.backtest.vectorized.addresses import numbers_at
from tradewire.trading.language import SIGNALS, Signal
from tradewire.trading.language.ties import SLACK

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray
    from tradewire.trading.language.evaluation import Int8Array

TRUE, FALSE = 1, 2
"""Bits of a truth: known to be true, known to be false; neither where it is unknown."""
COMPARE, CROSS, AND, OR, INVERT = range(5)
"""What a step does."""
COMPARISONS = {symbol: code for code, symbol in enumerate(("<", "<=", ">", ">=", "==", "!="))}
"""Comparison operators by their code."""
STEP_COLUMNS = 7
"""Of a step: what it does, the comparison (1 for a crossing from below), its two operands (of a comparison or crossing:
columns of the sets' rows; else registers), the register it writes to, and the columns of the operands' sizes, -1 where
floats are compared as they are (`tradewire.trading.language.ties`)."""
BLOCK_BARS = 2_048
"""Bars at a time: their truths stay in the first cache."""
_ENTER_LONG, _ENTER_SHORT = SIGNALS.index(Signal.ENTER_LONG), SIGNALS.index(Signal.ENTER_SHORT)
_EXIT_LONG, _EXIT_SHORT = SIGNALS.index(Signal.EXIT_LONG), SIGNALS.index(Signal.EXIT_SHORT)
_TO_LONG, _TO_SHORT = SIGNALS.index(Signal.REVERSE_TO_LONG), SIGNALS.index(Signal.REVERSE_TO_SHORT)


@compiled
def signals_of_sets(
    steps: IntArray, rules: IntArray, reads: IntArray, address: IntArray, since: IntArray, rows: IntArray, bars: int
) -> Int8Array:
    """Signal codes of k parameter sets on one symbol, int8, shape (k, n); without entries where a set is not ready.

    Parameters: steps: shape (p, STEP_COLUMNS); rules: registers of entry_long, exit_long, entry_short and exit_short,
    -1 where there is no such rule, shape (4,); reads: columns of ``rows`` whose series must have a value, and whether
    also a bar earlier, shape (r, 2); address and since: of the series, as in `SeriesTable`, shape (s,); rows: of the
    series that each set's columns stand for, shape (k, c); bars: n.
    """
    found = np.empty((len(rows), bars), dtype=np.int8)
    registers = np.zeros((len(steps) + 1, BLOCK_BARS), dtype=np.int8)  # the last one is that of a rule not there
    for k in range(len(rows)):
        begin = ZERO
        while begin < bars:
            end = min(begin + BLOCK_BARS, bars)
            for step in steps:
                _take(step, address, rows[k], begin, end, registers)
            _decide(rules, registers, found[k, begin:end])
            begin = end
        _withhold(reads, address, since, rows[k], found[k])
    return found


@compiled
def _take(step: IntArray, address: IntArray, rows: IntArray, begin: int, end: int, registers: Int8Array) -> None:
    """One step over one block."""
    does, code, first, second, target, size, other = step
    truth = registers[target, : end - begin]
    if size >= 0:
        left, right = numbers_at(address[rows[first]], end), numbers_at(address[rows[second]], end)
        behind = numbers_at(address[rows[size]], end), numbers_at(address[rows[other]], end)
        if does == COMPARE:
            _compare_sums(code, left, right, behind, truth)
        else:
            _cross_sums(code == 1, left, right, behind, truth)
    elif does == COMPARE:
        left, right = numbers_at(address[rows[first]], end), numbers_at(address[rows[second]], end)
        _compare(code, left[begin:], right[begin:], truth)
    elif does == CROSS:
        left, right = numbers_at(address[rows[first]], end), numbers_at(address[rows[second]], end)
        _cross(code == 1, left, right, truth)
    elif does == INVERT:
        for t in range(len(truth)):
            item = registers[first, t]
            truth[t] = (item >> 1) | ((item & 1) << 1)
    else:
        needs_both = TRUE if does == AND else FALSE
        for t in range(len(truth)):
            one, two = registers[first, t], registers[second, t]
            truth[t] = (one & two & needs_both) | ((one | two) & (3 - needs_both))


@compiled_inside
def _compare(code: int, left: FloatArray, right: FloatArray, truth: Int8Array) -> None:
    """``left operator right`` on every bar."""
    if code == 0:
        for t in range(len(truth)):
            truth[t] = _truth(left[t] < right[t], left[t] >= right[t])
    elif code == 1:
        for t in range(len(truth)):
            truth[t] = _truth(left[t] <= right[t], left[t] > right[t])
    elif code == 2:
        for t in range(len(truth)):
            truth[t] = _truth(left[t] > right[t], left[t] <= right[t])
    elif code == 3:
        for t in range(len(truth)):
            truth[t] = _truth(left[t] >= right[t], left[t] < right[t])
    else:
        for t in range(len(truth)):
            same, other = left[t] == right[t], (left[t] < right[t]) | (left[t] > right[t])
            truth[t] = _truth(same, other) if code == 4 else _truth(other, same)


@compiled_inside
def _truth(holds: bool, fails: bool) -> np.int8:
    """Neither holds nor fails what compares with a NaN."""
    return np.int8(holds | (fails << 1))


@compiled_inside
def _cross(above: bool, left: FloatArray, right: FloatArray, truth: Int8Array) -> None:
    """Whether ``left`` has come from one side of ``right`` (or from it) to the other; of the last bars of both."""
    begin = len(left) - len(truth)
    if begin == 0:
        truth[:1] = 0
        begin, truth = 1, truth[1:]
    now_left, now_right, was_left, was_right = left[begin:], right[begin:], left[begin - 1 : -1], right[begin - 1 : -1]
    if above:
        for t in range(len(truth)):
            a, b, c, d = now_left[t], now_right[t], was_left[t], was_right[t]
            truth[t] = _truth((c <= d) & (a > b), ((c > d) & (a == a) & (b == b)) | ((a <= b) & (c == c) & (d == d)))
    else:
        for t in range(len(truth)):
            a, b, c, d = now_left[t], now_right[t], was_left[t], was_right[t]
            truth[t] = _truth((c >= d) & (a < b), ((c < d) & (a == a) & (b == b)) | ((a >= b) & (c == c) & (d == d)))


@compiled_inside
def _apart(left: float, right: float, size: float, other: float) -> float:
    """How far the left number is above the right, 0 where they are equal."""
    distance = left - right
    return 0.0 if abs(distance) <= SLACK * (size + other) else distance


@compiled_inside
def _compare_sums(
    code: int, left: FloatArray, right: FloatArray, behind: tuple[FloatArray, FloatArray], truth: Int8Array
) -> None:
    """`_compare` of sums, differences and averages, of the last bars of both."""
    begin = len(left) - len(truth)
    below, same, above = code in (0, 1, 5), code in (1, 3, 4), code in (2, 3, 5)
    a, b, c, d = left[begin:], right[begin:], behind[0][begin:], behind[1][begin:]
    for t in range(len(truth)):
        distance = _apart(a[t], b[t], c[t], d[t])
        holds = (below & (distance < 0.0)) | (same & (distance == 0.0)) | (above & (distance > 0.0))
        truth[t] = _truth(holds, (not holds) & (distance == distance))


@compiled_inside
def _cross_sums(
    above: bool, left: FloatArray, right: FloatArray, behind: tuple[FloatArray, FloatArray], truth: Int8Array
) -> None:
    """`_cross` of sums, differences and averages."""
    begin = len(left) - len(truth)
    if begin == 0:
        truth[:1] = 0
        begin, truth = 1, truth[1:]
    sign, size, other = 1.0 if above else -1.0, behind[0], behind[1]
    a, b, c, d = left[begin:], right[begin:], size[begin:], other[begin:]
    e, f, g, h = left[begin - 1 : -1], right[begin - 1 : -1], size[begin - 1 : -1], other[begin - 1 : -1]
    for t in range(len(truth)):  # each bar by itself, so that many are worked on at a time
        now, was = sign * _apart(a[t], b[t], c[t], d[t]), sign * _apart(e[t], f[t], g[t], h[t])
        truth[t] = _truth((was <= 0.0) & (now > 0.0), ((was > 0.0) & (now == now)) | ((now <= 0.0) & (was == was)))


@compiled_inside
def _decide(rules: IntArray, registers: Int8Array, found: Int8Array) -> None:
    """Signal codes of one block after precedence, as if all its bars were ready.

    Masks (0 or -1, all bits) and no branches: the loop works on many bars at a time.
    """
    entry_long, exit_long = registers[rules[0]], registers[rules[1]]
    entry_short, exit_short = registers[rules[2]], registers[rules[3]]
    for t in range(len(found)):
        leave_long, leave_short = -(exit_long[t] & 1), -(exit_short[t] & 1)
        enter_long, enter_short = -(entry_long[t] & 1) & ~leave_long, -(entry_short[t] & 1) & ~leave_short
        to_long, to_short = enter_long & ~enter_short, enter_short & ~enter_long
        code = to_long & ((leave_short & _TO_LONG) | (~leave_short & _ENTER_LONG))
        code |= to_short & ((leave_long & _TO_SHORT) | (~leave_long & _ENTER_SHORT))
        leaves = ~(to_long | to_short)
        found[t] = code | (leaves & ((leave_long & _EXIT_LONG) | (~leave_long & leave_short & _EXIT_SHORT)))


@compiled
def _withhold(reads: IntArray, address: IntArray, since: IntArray, rows: IntArray, found: Int8Array) -> None:
    """No entry where a series that must have a value has none, or had none a bar earlier; in place."""
    ready = ZERO
    for r in range(len(reads)):
        ready = max(ready, since[rows[reads[r, 0]]] + reads[r, 1])
    for t in range(min(ready, len(found))):
        found[t] = _without_entry(found[t])
    for r in range(len(reads)):
        row = rows[reads[r, 0]]
        if since[row] < 0:
            values = numbers_at(address[row], len(found))
            for t in range(len(found)):
                missing = values[t] != values[t]
                if missing or (reads[r, 1] and (t == 0 or values[t - 1] != values[t - 1])):
                    found[t] = _without_entry(found[t])


@compiled_inside
def _without_entry(code: int) -> int:
    """What is left of a signal: its exit."""
    if code == _TO_LONG:
        return _EXIT_SHORT
    if code == _TO_SHORT:
        return _EXIT_LONG
    return 0 if code in (_ENTER_LONG, _ENTER_SHORT) else code
