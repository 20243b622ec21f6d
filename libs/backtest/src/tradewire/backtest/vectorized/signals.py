"""Signals in, orders out: many independent long-only portfolios over plain arrays, without a strategy file.

Here numbers are float64 and there are no instruments: no tick, step, or smallest order. Use `VectorizedEngine` for
what will be traded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.ports.backtest import FloatArray, IntArray

    BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedPortfolio:
    """What m portfolios did.

    Orders in order of row, then column, shape (o,) each: ``row``, ``column``, ``size`` (base, negative for a sale),
    ``price`` and ``fee`` (quote). ``value``: cash and position at the last close, quote, shape (m,); ``total_return``
    likewise, as ratio.
    """

    row: IntArray
    column: IntArray
    size: FloatArray
    price: FloatArray
    fee: FloatArray
    value: FloatArray
    total_return: FloatArray

    def __len__(self) -> int:
        return len(self.row)


def simulate_signals(
    close: FloatArray,
    entries: BoolArray,
    exits: BoolArray,
    *,
    price: FloatArray | None = None,
    cash: float = 100.0,
    size: float = np.inf,
    fee: float = 0.0,
    slippage: float = 0.0,
) -> SimulatedPortfolio:
    """Buy where an entry is true and the column is flat, sell all where an exit is true and it is not.

    An exit and an entry in one row cancel each other. An order fills in the row of its signal: shift signals that
    are known at a close only by a row yourself, as ``price=open``.

    Parameters: close: shape (n, m) or (n,), float64, above 0; entries, exits: bool, the same shape; price: what orders
    fill at, the same shape, ``close`` where not given; cash: of each column, quote; size: base, bought as far as the
    cash reaches (infinity: for all of it); fee: ratio of an order's notional; slippage: ratio that worsens the price.
    Raises: ValueError when shapes differ or a number is out of range.
    """
    columns = [np.ascontiguousarray(close, dtype=np.float64)]
    columns.append(columns[0] if price is None else np.ascontiguousarray(price, dtype=np.float64))
    flags = [np.ascontiguousarray(part, dtype=np.bool_) for part in (entries, exits)]
    shapes = {part.shape for part in (*columns, *flags)}
    if len(shapes) != 1 or columns[0].ndim not in (1, 2):
        raise ValueError(f"arrays of shapes {sorted(shapes)} were given; one shape (n, m) or (n,) is needed")
    if not (cash > 0.0 and size > 0.0 and 0.0 <= fee < 1.0 and 0.0 <= slippage < 1.0):
        raise ValueError(
            f"cash {cash}, size {size}: allowed above 0; fee {fee}, slippage {slippage}: from 0 to below 1"
        )
    wide = (len(columns[0]), -1) if columns[0].size else (0, 1)
    shown, filled = (part.reshape(wide) for part in columns)
    enter, leave = (part.reshape(wide) for part in flags)
    most = int(np.count_nonzero(enter) + np.count_nonzero(leave))
    place, amounts, value = _simulate(shown, filled, enter, leave, most, float(cash), float(size), fee, slippage)
    return SimulatedPortfolio(
        place[:, 0], place[:, 1], amounts[:, 0], amounts[:, 1], amounts[:, 2], value, value / cash - 1.0
    )


@compiled
def _simulate(
    close: FloatArray,
    price: FloatArray,
    entries: BoolArray,
    exits: BoolArray,
    most: int,
    cash: float,
    size: float,
    fee: float,
    slippage: float,
) -> tuple[IntArray, FloatArray, FloatArray]:
    rows, columns = close.shape
    place, amounts = np.empty((most, 2), dtype=np.int64), np.empty((most, 3))
    money, held = np.full(columns, cash), np.zeros(columns)
    count = 0
    for i in range(rows):
        for j in range(columns):
            enter, leave = entries[i, j], exits[i, j]
            if enter == leave or enter == (held[j] > 0.0):
                continue
            if enter:
                paid = price[i, j] * (1.0 + slippage)
                signed = min(size, money[j] / (paid * (1.0 + fee)))
                if not signed > 0.0:
                    continue
            else:
                paid = price[i, j] * (1.0 - slippage)
                signed = -held[j]
            charged = abs(signed) * paid * fee
            money[j] -= signed * paid + charged
            held[j] += signed
            place[count, 0], place[count, 1] = i, j
            amounts[count, 0], amounts[count, 1], amounts[count, 2] = signed, paid, charged
            count += 1
    value = money.copy()
    if rows:
        value += held * close[rows - 1]
    return place[:count], amounts[:count], value
