"""A strategy whose rules are Python: a close beyond the range of the bars before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tradewire.trading.indicators import FloatArray


class Breakout:
    """Long above the highest high of the n bars before, out below their lowest low.

    `demands` lists the series read, in canonical text: as `validate` prints them, without blanks.
    """

    demands: tuple[str, ...]

    def __init__(self, params: Mapping[str, float]) -> None:
        length = int(params["n"])
        self._ceiling = f"shift(highest(high,{length}),1)"
        self._floor = f"shift(lowest(low,{length}),1)"
        self.demands = (self._ceiling, self._floor)

    def rules(self, values: Mapping[str, float | None], previous: Mapping[str, float | None]) -> dict[str, bool | None]:
        """One bar. Every demand has a value here, now and a bar before."""
        close = _known(values["close"])
        return {"entry_long": close > _known(values[self._ceiling]), "exit_long": close < _known(values[self._floor])}

    def rules_array(
        self, values: Mapping[str, FloatArray], previous: Mapping[str, FloatArray]
    ) -> dict[str, NDArray[np.bool_]]:
        """Every bar of a history at once; must decide as `rules` does on each."""
        return {
            "entry_long": values["close"] > values[self._ceiling],
            "exit_long": values["close"] < values[self._floor],
        }


def _known(value: float | None) -> float:
    assert value is not None, "rules are asked only when every demand has a value"
    return value
