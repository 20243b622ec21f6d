"""An account's state at every close, made of what changed and the marks when it is asked for.

Between two fills or payments an account's states differ by the marks alone. So a run keeps what an account held after
each change, in rows, and not what the fingerprint takes: thirteen numbers of each close.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tradewire.backtest.compiled import compiled, compiled_on_borrowed
from tradewire.backtest.futures.arrays import FUNDING, Brackets, Held
from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.futures.log import IntegerTable
from tradewire.backtest.futures.margin import over, tier_of
from tradewire.backtest.loops.arithmetic import SCALE, mul_div_ceil, notional
from tradewire.backtest.loops.units import IntMatrix
from tradewire.trading.fingerprint import POSITION_COLUMNS, STATE_COLUMNS

HOLDING_COLUMNS = ("close", "symbol", "qty", "cost", "entry_price", "margin")
"""Of `AccountHistory.holdings`: the first close that saw it, by number; what is held of a symbol from then on, 1e-8."""
MONEY_COLUMNS = ("close", "wallet", "realized", "fees", "funding")
"""Of `AccountHistory.money`: the same of the account, in the order of ``totals``."""
GAIN, INITIAL, MAINTENANCE = 3, 4, 5
"""Columns of a symbol's lines: the last of a position's, and its margins behind them, quote 1e-8."""
CLOSES_AT_ONCE = 1 << 16
"""Closes whose states are made together: a few MiB."""


@dataclass(slots=True)
class AccountHistory:
    """What an account held, whenever that changed; ``brackets`` are those in force, each from a close on."""

    grid: Grid
    holdings: IntegerTable = field(default_factory=lambda: IntegerTable(len(HOLDING_COLUMNS)))
    money: IntegerTable = field(default_factory=lambda: IntegerTable(len(MONEY_COLUMNS)))
    brackets: list[tuple[int, Brackets]] = field(default_factory=list)
    _held: IntMatrix = field(init=False)
    _money: IntMatrix = field(init=False)
    _terms: Held = field(init=False)

    def __post_init__(self) -> None:
        self._held = np.zeros((4, len(self.grid.symbols)), dtype=np.int64)
        self._money = np.zeros(FUNDING + 1, dtype=np.int64)

    def note(self, at: int, held: Held, totals: IntMatrix) -> None:
        """Take what differs from what was known as what close ``at`` sees."""
        held_before, money_before = self._held, self._money
        self.know(held, totals)
        for s in np.flatnonzero((self._held != held_before).any(axis=0)).tolist():
            self.holdings.add((at, s, *self._held[:, s].tolist()))
        if at == 0 or (self._money != money_before).any():
            self.money.add((at, *self._money.tolist()))

    def know(self, held: Held, totals: IntMatrix) -> None:
        """Take it as known: it is written down already."""
        self._held = np.stack([held.qty, held.cost, held.entry_price, held.margin])
        self._money = totals[: FUNDING + 1].copy()
        self._terms = held

    def states(self) -> Iterator[IntMatrix]:
        """The account's states as the fingerprint takes them, (t, 9) in all, some closes at a time."""
        money, held = self.money.matrix(), self._held_rows()
        for first, stop, brackets in self._pieces():
            states = np.zeros((stop - first, len(STATE_COLUMNS)), dtype=np.int64)
            for s, rows in held.items():
                _add_position(self._lines(first, stop, s, rows, brackets), states)
            _add_money(first, self.grid.close_time_us[first:stop], money, states)
            yield states

    def positions(self) -> Mapping[str, Iterator[IntMatrix]]:
        """The same of each symbol that was ever held at a close, (t, 4) in all."""
        return {self.grid.symbols[s]: self._positions(s, rows) for s, rows in self._held_rows().items()}

    def _positions(self, s: int, rows: IntMatrix) -> Iterator[IntMatrix]:
        for first, stop, brackets in self._pieces():
            yield self._lines(first, stop, s, rows, brackets)[:, : len(POSITION_COLUMNS)]

    def _lines(self, first: int, stop: int, s: int, rows: IntMatrix, brackets: Brackets) -> IntMatrix:
        """A symbol at the closes [first, stop); ``rows`` of `holdings`, its own."""
        terms, marks = self._terms, self._marks(first, stop, s)
        own = Brackets(*(column[s : s + 1] for column in brackets))
        lines: IntMatrix = _lines_of(first, rows, marks, own, bool(terms.cross[s]), int(terms.leverage[s]))
        return lines

    def _marks(self, first: int, stop: int, s: int) -> IntMatrix:
        """A symbol's marks as of the closes; where it has no bar, that of the bar before."""
        present, closes = self.grid.present[s], np.arange(first, stop)
        if not present[first:stop].all():
            before = first - 1 - int(np.argmax(present[:first][::-1])) if first else 0
            closes = np.maximum.accumulate(np.where(present[first:stop], closes, before))
        marks: IntMatrix = self.grid.mark_close[s, closes]
        return marks

    def _held_rows(self) -> Mapping[int, IntMatrix]:
        """What is held of each symbol that was ever held at a close, by number."""
        rows = self.holdings.matrix()
        rows = rows[np.argsort(rows[:, 1], kind="stable")]
        numbers, starts = np.unique(rows[:, 1], return_index=True)
        bounds = pairwise([*starts.tolist(), len(rows)])
        parts = {s: rows[slice(*own)] for s, own in zip(numbers.tolist(), bounds, strict=True)}
        return {s: part for s, part in parts.items() if part[:, 2].any()}

    def _pieces(self) -> Iterator[tuple[int, int, Brackets]]:
        """Closes [first, stop) with the same brackets in force."""
        closes = len(self.grid)
        changes = [at for at, _ in self.brackets]
        bounds = [*sorted({*range(0, closes, CLOSES_AT_ONCE), *(at for at in changes if at < closes)}), closes]
        for first, stop in pairwise(bounds):
            yield first, stop, [brackets for at, brackets in self.brackets if at <= first][-1]


@compiled
def _lines_of(
    first: int, rows: IntMatrix, marks: IntMatrix, brackets: Brackets, cross: bool, leverage: int
) -> IntMatrix:
    """A symbol at the closes from ``first`` on, one for each mark: columns of `POSITION_COLUMNS`, then its margins."""
    lines = np.zeros((len(marks), MAINTENANCE + 1), dtype=np.int64)
    row = -1
    for at in range(len(lines)):
        while row + 1 < len(rows) and rows[row + 1, 0] <= first + at:
            row += 1
        if row < 0 or rows[row, 2] == 0:
            continue
        qty, cost = rows[row, 2], rows[row, 3]
        value = notional(qty, marks[at])
        size = abs(value)
        tier = tier_of(brackets.caps, 0, size)
        line = lines[at]
        line[0], line[1], line[2] = qty, rows[row, 4], marks[at]
        line[GAIN] = value - cost if qty > 0 else value + cost
        line[INITIAL] = over(size, leverage) if cross else rows[row, 5]
        line[MAINTENANCE] = mul_div_ceil(size, brackets.rates[0, tier], SCALE) - brackets.amounts[0, tier]
    return lines


@compiled_on_borrowed
def _add_position(lines: IntMatrix, states: IntMatrix) -> None:
    """Add a symbol's lines to the account's states."""
    for at in range(len(states)):
        states[at, 2] += lines[at, GAIN]
        states[at, 4] += lines[at, INITIAL]
        states[at, 5] += lines[at, MAINTENANCE]


@compiled_on_borrowed
def _add_money(first: int, times_us: IntMatrix, money: IntMatrix, states: IntMatrix) -> None:
    """Write what the account had at the closes from ``first`` on, and its equity; ``money`` has a row from close 0."""
    row = 0
    for at in range(len(states)):
        while row + 1 < len(money) and money[row + 1, 0] <= first + at:
            row += 1
        wallet = money[row, 1]
        states[at, 0], states[at, 1], states[at, 3] = times_us[at], wallet, wallet + states[at, 2]
        states[at, 6], states[at, 7], states[at, 8] = money[row, 2], money[row, 3], -money[row, 4]
