"""Reads the rows of a CSV text that are plain digits, in one pass over its bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled_inside, compiled_on_borrowed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.ports.backtest import FloatArray, IntArray

    Bytes = NDArray[np.uint8]

SKIPPED, TIME = -1, 0
"""What a column of the file may be; 1 to 5 are rows of the numbers."""
MOST_DIGITS = 15
"""Digits of a number: no two such decimals share a float64, and both it without its point and the power of ten are
float64 themselves, so that their quotient is the float64 nearest to the decimal."""
MOST_TIME_DIGITS = 18
NOT_PLAIN = -1
_POWERS = tuple(10.0**count for count in range(MOST_DIGITS + 1))
_NEWLINE, _POINT, _ZERO, _NINE, _TAB, _SPACE, _QUOTE, _DELETE = b'\n.09\t "\x7f'


@compiled_on_borrowed
def read_plain_rows(text: Bytes, delimiter: int, columns: IntArray, times: IntArray, numbers: FloatArray) -> int:
    """Read rows of as many cells as there are ``columns``; NOT_PLAIN where a row or cell leaves room for doubt.

    Parameters: text: bytes of rows that end with a line feed, all but the last one; columns: what each is, shape
    (c,); times, shape (n,), and numbers, shape (5, n), are filled. Returns: the number of rows.
    """
    at, row, column = 0, 0, 0
    while at < len(text):
        what = columns[column]
        end = _end_of_digits(text, at) if what >= TIME else _end_of_cell(text, at, delimiter)
        if end < 0 or (what >= TIME and not _put(text[at:end], what, row, times, numbers)):
            return NOT_PLAIN
        closes_row = end == len(text) or text[end] == _NEWLINE
        column += 1
        if closes_row != (column == len(columns)) or not (closes_row or text[end] == delimiter):
            return NOT_PLAIN
        if closes_row:
            row, column = row + 1, 0
        at = end + 1
    return NOT_PLAIN if column else row


@compiled_inside
def _end_of_digits(text: Bytes, at: int) -> int:
    """Where digits and points end."""
    while at < len(text) and (_ZERO <= text[at] <= _NINE or text[at] == _POINT):
        at += 1
    return at


@compiled_inside
def _end_of_cell(text: Bytes, at: int, delimiter: int) -> int:
    """Where a cell that is not read ends; -1 where it has a quote, or a control character other than a tab."""
    while at < len(text) and text[at] != delimiter and text[at] != _NEWLINE:
        if (text[at] < _SPACE and text[at] != _TAB) or text[at] == _QUOTE or text[at] == _DELETE:
            return -1
        at += 1
    return at


@compiled_inside
def _put(cell: Bytes, what: int, row: int, times: IntArray, numbers: FloatArray) -> bool:
    """Write the number of a cell of digits and points; whether it is one, and short enough."""
    units, point = 0, len(cell)
    for place in range(len(cell)):
        if cell[place] != _POINT:
            units = int(units * 10 + np.int64(cell[place]) - _ZERO)
        elif point == len(cell):
            point = place
        else:
            return False
    pointed = point < len(cell)
    digits = len(cell) - int(pointed)
    if what == TIME:
        times[row] = units
        return 0 < digits <= MOST_TIME_DIGITS and not pointed
    if not 0 < digits <= MOST_DIGITS:
        return False
    numbers[what - 1, row] = units / _POWERS[digits - point] if pointed else float(units)
    return True
