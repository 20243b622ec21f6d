"""What the compiled loop keeps of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tradewire.backtest.compiled import compiled

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray


class Blocks(NamedTuple):
    """The blocks of an account's returns, shape (b,) each: closes, sum of returns and of their squares.

    Without any, shape (0,), the way of the account's worth is not looked at, nor its gauge made.
    """

    closes: IntArray
    total: FloatArray
    square: FloatArray


class RunRecord(NamedTuple):
    """What is kept of a run beside its outcome; or nothing, as `no_record` gives.

    Equity 1e-8, shape (t,); positions 1e-8, shape (t, m); fills, shape (f, FILL_COLUMNS), f as the book counts them.
    """

    equity: IntArray
    held: IntArray
    fills: IntArray


@compiled
def no_record() -> RunRecord:
    """Keep nothing."""
    return RunRecord(np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.int64), np.empty((0, 0), dtype=np.int64))
