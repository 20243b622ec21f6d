"""Indicators over whole series, whichever library computes them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]


class IndicatorPort(Protocol):
    """Computes indicators by their names in the catalogue of `tradewire.trading.indicators`."""

    @abstractmethod
    def supports(self, name: str) -> bool:
        """Whether `compute` knows `name`."""

    @abstractmethod
    def compute(self, name: str, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
        """Apply an indicator to whole series.

        Parameters: inputs: free series, then bar fields, as the catalogue lists them, each shape (n,),
        float64, NaN at most in front; params: as the catalogue lists them, defaults filled in from the right.
        Returns: one array of shape (n,) per output, in the catalogue's order, NaN while warming up.
        Raises: ValueError when the name is not supported, or params or shapes are not allowed.
        """
