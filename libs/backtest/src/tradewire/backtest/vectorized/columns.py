"""The values of many parameter sets as columns, and which sets share which values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.trading.language import StrategyDocument

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """``code``: of each set, equal for sets that share the values; ``first``: of each code, the first set with it."""

    code: IntArray
    first: IntArray


class ParamColumns:
    """k sets: ``columns`` hold one value a set, shape (k,) each; ``fixed`` what all sets share."""

    def __init__(self, fixed: Mapping[str, float], columns: Mapping[str, FloatArray], sets: int) -> None:
        self._fixed = fixed
        self._columns = columns
        self._sets = sets
        self._shares: dict[tuple[str, ...], Shares] = {}

    def __len__(self) -> int:
        return self._sets

    def params(self, number: int) -> dict[str, float]:
        """Values of one set."""
        return {**self._fixed, **{name: float(values[number]) for name, values in self._columns.items()}}

    def shares(self, names: tuple[str, ...]) -> Shares:
        """Which sets have the same values of these parameters."""
        if names not in self._shares:
            code = np.zeros(self._sets, dtype=np.int64)
            for name in names:
                if name in self._columns:
                    values, place = np.unique(self._columns[name], return_inverse=True)
                    code = np.unique(code * len(values) + place, return_inverse=True)[1]
            self._shares[names] = Shares(code, np.unique(code, return_index=True)[1])
        return self._shares[names]

    def allowed(self, document: StrategyDocument) -> bool:
        """Whether every value is one that the document's parameters may have."""
        return all(
            name in document.params and self._within(values, document, name)
            for name, values in ((name, np.atleast_1d(values)) for name, values in self._all())
        )

    def _all(self) -> list[tuple[str, FloatArray | float]]:
        return [*self._fixed.items(), *self._columns.items()]

    def _within(self, values: FloatArray, document: StrategyDocument, name: str) -> bool:
        span = document.params[name]
        fits = (values >= span.low) & (values <= span.high)
        return bool(np.all(fits & (values == np.rint(values)) if span.whole else fits))
