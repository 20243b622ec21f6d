"""Indicators by this project's own code."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.ports.indicator import IndicatorPort
from tradewire.trading.indicators.catalogue import INDICATORS, indicator
from tradewire.trading.indicators.model import FloatArray


class NativeIndicators(IndicatorPort):
    """The whole catalogue, bit-equal to what the services compute bar by bar."""

    def supports(self, name: str) -> bool:
        """Whether the catalogue lists `name`."""
        return name in INDICATORS

    def compute(self, name: str, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
        """See `IndicatorPort.compute`; raises UnknownIndicator, InvalidParam or IndicatorError."""
        return indicator(name).array(inputs, params)
