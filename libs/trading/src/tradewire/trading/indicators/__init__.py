"""Indicators, each written once and given in two bit-equal forms: bar by bar, and over whole arrays."""

from tradewire.trading.indicators.catalogue import BUILT_IN, INDICATORS, indicator
from tradewire.trading.indicators.model import (
    FloatArray,
    Indicator,
    IndicatorError,
    IndicatorStream,
    InvalidParam,
    Kernel,
    Param,
    UnknownIndicator,
)

__all__ = [
    "BUILT_IN",
    "INDICATORS",
    "FloatArray",
    "Indicator",
    "IndicatorError",
    "IndicatorStream",
    "InvalidParam",
    "Kernel",
    "Param",
    "UnknownIndicator",
    "indicator",
]
