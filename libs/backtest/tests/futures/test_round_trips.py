"""Trades found in columns are those that `trades_of` finds in fills of any kind."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.backtest.futures.log import FILL_COLUMNS, PAYMENT_COLUMNS
from tradewire.backtest.futures.results import fill_objects, payment_objects, trade_objects
from tradewire.backtest.futures.round_trips import round_trips, slippages
from tradewire.backtest.trades import trades_of
from tradewire.trading.exchange import from_e8

SYMBOLS = ("ADA", "BTC")
amounts = st.integers(1, 10**12)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    """Fills in whole turns, some at one time, and payments on what is held, at times of fills too."""
    fills, payments, held, time_us = [], [], [0, 0], 0
    for _ in range(draw(st.integers(0, 20))):
        time_us += draw(st.integers(0, 2))
        symbol = draw(st.integers(0, 1))
        if draw(st.booleans()):
            if held[symbol]:
                payments.append([time_us, symbol, draw(st.integers(-50, 50)), held[symbol]])
            continue
        sign = (-1 if held[symbol] > 0 else 1) if held[symbol] else draw(st.sampled_from((-1, 1)))
        qty = abs(held[symbol]) or draw(amounts)
        held[symbol] += sign * qty
        realized = 0 if held[symbol] else draw(st.integers(-(10**9), 10**9))
        price, shown, fee, maker = draw(amounts), draw(amounts), draw(st.integers(0, 10**6)), draw(st.integers(0, 1))
        fills.append([time_us, symbol, 0, sign, maker, qty, price, fee, realized, held[symbol], shown, 0])
    return fills, payments


@settings(deadline=None, max_examples=300)
@given(history=histories(), marks=st.tuples(amounts, amounts))
def test_whole_turns_are_the_same_trades(
    history: tuple[list[list[int]], list[list[int]]], marks: tuple[int, int]
) -> None:
    fills = np.array(history[0], dtype=np.int64).reshape(-1, len(FILL_COLUMNS))
    payments = np.array(history[1], dtype=np.int64).reshape(-1, len(PAYMENT_COLUMNS))
    slippage = slippages(fills)
    found = round_trips(fills, payments, slippage, np.array(marks, dtype=np.int64))
    assert found is not None
    priced: dict[str, Decimal] = {symbol: from_e8(mark) for symbol, mark in zip(SYMBOLS, marks, strict=True)}
    told = tuple(fill_objects(fills, [str(number) for number in range(len(fills))], SYMBOLS))
    assert tuple(trade_objects(fills, found, SYMBOLS)) == trades_of(
        told, tuple(payment_objects(payments, SYMBOLS)), priced
    )


def test_a_position_built_up_in_parts_is_not_for_columns() -> None:
    parts = np.array([[0, 0, 0, 1, 0, 5, 7, 0, 0, 5, 7, 0], [1, 0, 0, 1, 0, 5, 7, 0, 0, 10, 7, 0]], dtype=np.int64)
    none = np.empty((0, len(PAYMENT_COLUMNS)), dtype=np.int64)
    assert round_trips(parts, none, slippages(parts), np.array([7])) is None
