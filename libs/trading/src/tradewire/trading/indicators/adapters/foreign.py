"""What the adapters of foreign libraries share: checks by the catalogue before, and of shapes after."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tradewire.ports.indicator import IndicatorPort
from tradewire.trading.indicators.catalogue import indicator
from tradewire.trading.indicators.model import FloatArray, IndicatorError

# Calls a library with the inputs and the checked parameters; gives the outputs in the catalogue's order.
Call = Callable[..., Any]


class ForeignIndicators(IndicatorPort):
    """Looks an indicator up in a table of calls into a library."""

    library: str

    @property
    @abstractmethod
    def calls(self) -> Mapping[str, Call]:
        """Calls by the catalogue's names."""

    @abstractmethod
    def call(self, function: Call, inputs: list[FloatArray], params: tuple[float, ...]) -> Any:
        """Hand inputs and parameters to the library; whatever it raises means that it refuses them."""

    def supports(self, name: str) -> bool:
        """Whether the library computes what the catalogue defines under `name`."""
        return name in self.calls

    def compute(self, name: str, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
        """See `IndicatorPort.compute`; raises UnknownIndicator, InvalidParam or IndicatorError."""
        described = indicator(name)
        checked = described.checked(params)
        function = self.calls.get(name)
        if function is None:
            raise IndicatorError(f"{self.library} has no {name}; allowed are {', '.join(sorted(self.calls))}")
        columns = [np.ascontiguousarray(column, dtype=np.float64) for column in inputs]
        shapes = {column.shape for column in columns}
        if len(columns) != len(described.inputs) or len(shapes) != 1 or columns[0].ndim != 1:
            raise IndicatorError(
                f"{name}: inputs of shapes {[column.shape for column in columns]} were given, allowed are "
                f"{len(described.inputs)} of one shape (n,): {', '.join(described.inputs)}"
            )
        start = _first_valid(columns)
        try:
            found = self.call(function, [column[start:] for column in columns], checked)
        except Exception as e:
            raise IndicatorError(f"{self.library} refuses {name}{checked}: {e}") from e
        outputs = found if isinstance(found, tuple) else (found,)
        known = start + described.warmup(*checked)
        return tuple(_late(np.asarray(output, dtype=np.float64), start, known) for output in outputs)


def _first_valid(columns: Sequence[FloatArray]) -> int:
    """First bar on which all inputs are known; 0 if there is none."""
    unknown = np.isnan(np.array(columns)).any(axis=0)
    return int(np.argmin(unknown)) if unknown.size else 0


def _late(values: FloatArray, start: int, known: int) -> FloatArray:
    """Put back the bars before `start`, and blank what other outputs of the indicator still warm up for."""
    output = np.full(start + len(values), np.nan)
    output[start:] = values
    output[:known] = np.nan
    return output
