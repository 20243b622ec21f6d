"""What the compiled loops know of a run: the market, the account, the venue's terms, and what they write."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT, REVERSE_TO_LONG, REVERSE_TO_SHORT = 1, 2, 3, 4, 5, 6
"""Signal codes, as in `tradewire.trading.language.SIGNALS`."""
WALLET, REALIZED, FEES, FUNDING, PEAK = range(5)
"""Places in ``totals``, quote 1e-8: funding as received, and the highest equity at any close."""
FILLS, PAYMENTS, ORDERS, REFUSALS, HOLDINGS, MONEY, ANSWERED, ENTRIES, EXITS, CUT, NOTHING_LEFT = range(11)
"""Places in the tape's ``counts``; orders are all that the venue ever took from the account.

``ANSWERED``: signals that asked for anything; of what they asked for, entries and exits sent, entries cut by a cap on
leverage, and reduce-only orders that found no position.
"""
COUNTS = 11


OPEN, HIGH, LOW, CLOSE, VOLUME, RATE, MARKS = range(7)
"""Rows of bars, 1e-8 units; marks, where there are any, are four rows from `MARKS` on, in the order of the prices."""
BAR_ROWS = 10
OPEN_US = RATE
"""In place of a rate, where finer bars have their open time, UTC µs."""


class MarketArrays(NamedTuple):
    """Bars of all symbols: ``rows`` (6 or 10, s, t); ``signal`` (s, t) are the codes that may be acted on.

    ``mark_row``: the row of the marks' opens, 0 where no symbol has marks. ``close_us`` (t,): UTC µs. Without
    ``has_mark`` (s, t) the mark follows the last price.
    """

    span_us: int
    mark_row: int
    close_us: Ints
    present: Flags
    has_mark: Flags
    rows: Ints
    signal: NDArray[np.int8]


class Inside(NamedTuple):
    """Finer bars of all symbols, one after the other: ``rows`` (10, m).

    Those of bar ``at`` of symbol ``s`` are [``places[0, s, at]``, ``places[1, s, at]``), each of ``span_us[s]``;
    ``any`` is False where no symbol has any. ``told`` (s,): whether the symbol's finer marks are known.
    """

    any: bool
    places: Ints
    span_us: Ints
    told: Flags
    rows: Ints


class Held(NamedTuple):
    """Positions, shape (s,), 1e-8 units. ``last`` and ``mark``: prices as of now, carried along by the loops."""

    qty: Ints
    cost: Ints
    entry_price: Ints
    cross: Flags
    margin: Ints
    leverage: Ints
    last: Ints
    mark: Ints


class Brackets(NamedTuple):
    """Maintenance brackets by symbol, shape (s, b), padded: caps, rates, amounts (1e-8 units), leverages."""

    caps: Ints
    rates: Ints
    amounts: Ints
    max_leverages: Ints


class Terms(NamedTuple):
    """Filters and fees by symbol, shape (s,), 1e-8 units; ``open``: whether it takes orders at all, and enough of them.

    ``collar``: the stricter of the instrument's and the account's.
    """

    tick: Ints
    step: Ints
    min_qty: Ints
    max_qty: Ints
    min_notional: Ints
    taker_fee: Ints
    collar: Ints
    trading: Flags
    roomy: Flags


class Model(NamedTuple):
    """The fill model: rates 1e-8, time in µs."""

    slippage: int
    volume_share: int
    latency_us: int


class EntryArrays(NamedTuple):
    """How entries are sized and guarded: ``sizing`` is the method's code, the amount, the cap on leverage.

    ``measure`` (s, t): the stop distance or volatility that the method divides by, without any where it does not.
    ``distances`` (3, s, t): of the stop, the take profit and the trailing stop from the close, quote per base, NaN for
    none; without any where nothing is ever guarded.
    """

    sizing: tuple[int, float, float]
    measure: Floats
    distances: Floats


class Limits(NamedTuple):
    """The account's limits: notionals in quote 1e-8, the others ratios; infinite where there is none.

    ``daily_loss`` and ``orders_per_minute`` are the largest integers that pass. ``any``: whether there is one.
    """

    any: bool
    order_notional: float
    position_notional: float
    gross: float
    net: float
    leverage: float
    concentration: float
    drawdown: float
    daily_loss: int
    orders_per_minute: int


class InstrumentArrays(NamedTuple):
    """What decisions and fills go by until an instrument changes.

    ``covered``: whether the loop knows all that entries are sized, guarded and judged by.
    """

    terms: Terms
    brackets: Brackets
    model: Model
    asked: EntryArrays
    limits: Limits
    covered: bool


class LogArrays(NamedTuple):
    """What happened, one row each: columns of `Log.fills` and of `Log.payments`; ``counts`` says how many.

    ``refusals``: entries that a rule refused: the close, the symbol and the rule. ``holdings`` and ``money``: what
    fills and payments changed, columns of `AccountHistory`.
    """

    fills: Ints
    funding: Ints
    refusals: Ints
    holdings: Ints
    money: Ints
    counts: Ints


class AccountArrays(NamedTuple):
    """All that a bar changes of an account, and how much of the tape is written."""

    held: Held
    totals: Ints
    book: Ints
    counts: Ints


class Room(NamedTuple):
    """Where a bar is worked on: `pieces` tells the columns of ``piece``; ``worst`` and ``budget`` by symbol, 1e-8.

    ``exposure`` (3, s): held, buys and sells of a close's decisions, quote 1e-8.
    """

    piece: Ints
    worst: Ints
    budget: Ints
    exposure: Floats
