"""One strategy under many parameter sets: what they share is resolved and computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.loops.entry_sizes import METHOD_CODES
from tradewire.backtest.vectorized.columns import ParamColumns
from tradewire.backtest.vectorized.decisions import Decisions, at_closes, sizing_row
from tradewire.backtest.vectorized.market import Markets
from tradewire.backtest.vectorized.numbers import SeriesMaker, Wanted
from tradewire.backtest.vectorized.operands import Operand
from tradewire.backtest.vectorized.plans import Plan
from tradewire.backtest.vectorized.series import SeriesTable
from tradewire.backtest.vectorized.templates import Templates
from tradewire.backtest.vectorized.truth import signals_of_sets
from tradewire.trading.language import Sizing, StrategyDocument

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

FLOAT_BYTES = 8
BATCH_BYTES = 1 << 19
"""Signals made at once, a byte each: they stay in the second cache until the account has read them."""


class StrategyFamily:
    """The decisions of one strategy document over fixed markets, for any values of its parameters.

    Equal, bit for bit, to those of the strategy compiled with these values and evaluated by itself.
    """

    def __init__(self, document: StrategyDocument, markets: Markets, columns: ParamColumns, room_bytes: int) -> None:
        """``document``: without rules in Python; ``columns``: values that it allows; ``room_bytes``: for series."""
        self._markets = markets
        self._columns = columns
        self._defaults = {name: span.default for name, span in document.params.items()}
        self._templates = Templates(document, self._defaults)
        self._maker = SeriesMaker(markets, room_bytes // 4)
        self._table = SeriesTable([len(bars) for bars in markets.seen], room_bytes - room_bytes // 4)
        self._numbers: dict[tuple[Operand, Wanted, int], int] = {}

    def decisions(self) -> Iterator[Decisions]:
        """What the strategy decides with each set, some sets at a time, every set once.

        The arrays are valid until the next ones are asked for. Raises: StrategyErrors where a set makes no expression.
        """
        at_once = max(BATCH_BYTES // self._markets.tape.close.size, 1)
        for first in range(0, len(self._columns), at_once):
            yield from self._alike(np.arange(first, min(first + at_once, len(self._columns))))

    def _alike(self, numbers: IntArray) -> Iterator[Decisions]:
        """The decisions of sets, apart by the shape of their plans."""
        code = self._columns.shares(self._templates.direct).code[numbers]
        parts: dict[tuple[object, ...], list[tuple[Plan, Sizing, IntArray]]] = {}
        for group in np.unique(code).tolist():
            members = numbers[code == group]
            params = self._params(int(members[0]))
            plan = self._templates.plan(params)
            parts.setdefault(plan.shape, []).append((plan, self._templates.sizing(params), members))
        for part in parts.values():
            yield from self._fitting(part)

    def _fitting(self, part: Sequence[tuple[Plan, Sizing, IntArray]]) -> Iterator[Decisions]:
        """The decisions of sets whose plans have one shape, apart where their series do not fit into the table."""
        wanted = np.concatenate([self._wanted(plan, members) for plan, _, members in part])
        known, place = np.unique(wanted, return_inverse=True)
        if len(known) > self._table.room and len(wanted) > 1:
            yield from self._fitting(list(_half(part, 0)))
            yield from self._fitting(list(_half(part, 1)))
            return
        rows = np.array(self._table.rows(known.tolist(), self._maker.make), dtype=np.int64)[place.reshape(wanted.shape)]
        plan, sizing, _ = part[0]
        table = self._table
        lead = self._markets.lead
        found = [
            signals_of_sets(plan.steps, plan.rules, plan.reads, table.address[j], table.since[j], rows, len(bars))[
                :, lead[j] :
            ]
            for j, bars in enumerate(self._markets.seen)
        ]
        yield Decisions(
            np.concatenate([members for _, _, members in part]),
            at_closes(found, self._markets),
            table.address + lead[:, np.newaxis] * FLOAT_BYTES,
            _guards(plan, rows),
            METHOD_CODES[sizing.method],
            _sizings(part),
            table,
        )

    def _wanted(self, plan: Plan, members: IntArray) -> IntArray:
        """Numbers of the series that the sets' columns stand for, shape (k, c)."""
        columns = list(plan.operands)
        columns += [(item, Wanted.COMPLETE) for item in plan.readers]
        columns += [(item, Wanted.ABOVE_ZERO) for item in plan.measures if item is not None]
        wanted = np.empty((len(members), len(columns)), dtype=np.int64)
        for column, (item, what) in enumerate(columns):
            shares = self._columns.shares(item.behind)
            codes, place = np.unique(shares.code[members], return_inverse=True)
            first = shares.first[codes].tolist()
            wanted[:, column] = np.array([self._number(item, what, number) for number in first], dtype=np.int64)[place]
        return wanted

    def _number(self, item: Operand, what: Wanted, member: int) -> int:
        """Number of a series of the operand with the parameters of one set."""
        key = (item, what, member)
        if key not in self._numbers:
            params = self._params(member)
            named = {name: self._templates.indicator(name, params) for name in item.names}
            self._numbers[key] = self._maker.number(item.written_out(named), what)
        return self._numbers[key]

    def _params(self, number: int) -> dict[str, float]:
        return {**self._defaults, **self._columns.params(number)}


def _half(part: Sequence[tuple[Plan, Sizing, IntArray]], which: int) -> Iterator[tuple[Plan, Sizing, IntArray]]:
    """The first or second half of the sets."""
    whole = sum(len(members) for _, _, members in part)
    low, high = (0, whole // 2) if which == 0 else (whole // 2, whole)
    at = 0
    for plan, sizing, members in part:
        inside = members[max(low - at, 0) : max(high - at, 0)]
        at += len(members)
        if len(inside):
            yield plan, sizing, inside


def _guards(plan: Plan, rows: IntArray) -> IntArray:
    """Rows of each set's measures, shape (k, 4); -1 where not asked for."""
    guards = np.full((len(rows), len(plan.measures)), -1, dtype=np.int64)
    asked = [place for place, measure in enumerate(plan.measures) if measure is not None]
    if asked:
        guards[:, asked] = rows[:, -len(asked) :]
    return guards


def _sizings(part: Sequence[tuple[Plan, Sizing, IntArray]]) -> FloatArray:
    return np.concatenate([np.tile(sizing_row(sizing), (len(members), 1)) for _, sizing, members in part])
