"""All indicators by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tradewire.trading.indicators.bands import BANDS
from tradewire.trading.indicators.candlesticks import CANDLESTICKS
from tradewire.trading.indicators.composites import COMPOSITES
from tradewire.trading.indicators.differences import DIFFERENCES
from tradewire.trading.indicators.installed import Catalogue
from tradewire.trading.indicators.model import Indicator, UnknownIndicator
from tradewire.trading.indicators.momentum import MOMENTUM
from tradewire.trading.indicators.oscillators import OSCILLATORS
from tradewire.trading.indicators.price import PRICE
from tradewire.trading.indicators.ranges import RANGES
from tradewire.trading.indicators.regression import REGRESSION
from tradewire.trading.indicators.smoothers import SMOOTHERS
from tradewire.trading.indicators.spread import SPREAD
from tradewire.trading.indicators.stops import STOPS
from tradewire.trading.indicators.trend import TREND
from tradewire.trading.indicators.volume import VOLUME
from tradewire.trading.spelling import nearest_word

_FAMILIES = (
    TREND,
    DIFFERENCES,
    SMOOTHERS,
    MOMENTUM,
    RANGES,
    BANDS,
    STOPS,
    OSCILLATORS,
    COMPOSITES,
    PRICE,
    VOLUME,
    SPREAD,
    REGRESSION,
    CANDLESTICKS,
)

BUILT_IN: Mapping[str, Indicator] = MappingProxyType(
    {indicator.name: indicator for family in _FAMILIES for indicator in family}
)
assert len(BUILT_IN) == sum(map(len, _FAMILIES)), "two indicators share a name"
INDICATORS = Catalogue(BUILT_IN)
"""The built-in indicators and the installed ones."""


def indicator(name: str) -> Indicator:
    """Return the indicator called `name`; raises UnknownIndicator with the closest name."""
    found = INDICATORS.get(name)
    if found is None:
        raise UnknownIndicator(name, nearest_word(name, INDICATORS))
    return found
