"""Which library computes the indicators: a choice of research and of the running indicator service."""

from __future__ import annotations

from enum import StrEnum

from tradewire.ports.indicator import IndicatorPort


class Adapter(StrEnum):
    """Who computes."""

    NATIVE = "native"
    TALIB = "talib"
    PANDAS_TA = "pandas-ta"


def adapter_of(name: Adapter) -> IndicatorPort:
    """The adapter. Raises ImportError when its library is not installed."""
    if name is Adapter.TALIB:
        from tradewire.trading.indicators.adapters.ta_lib import TaLibIndicators

        return TaLibIndicators()
    if name is Adapter.PANDAS_TA:
        from tradewire.trading.indicators.adapters.pandas_ta import PandasTaIndicators

        return PandasTaIndicators()
    from tradewire.trading.indicators.adapters.native import NativeIndicators

    return NativeIndicators()
