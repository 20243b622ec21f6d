"""Market data for research: candles, marks, funding and instruments from files, checked, never mended."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewire.backtest.data.candles import Candles, Gap
    from tradewire.backtest.data.errors import MarketDataError
    from tradewire.backtest.data.files import MarketFiles
    from tradewire.backtest.data.inspection import (
        DataFinding,
        Inspection,
        candles_of,
        error_of,
        inspect_file,
        inspect_table,
        load_candles,
    )
    from tradewire.backtest.data.markets import assumptions, load_markets, remarks

__all__ = [
    "Candles",
    "DataFinding",
    "Gap",
    "Inspection",
    "MarketDataError",
    "MarketFiles",
    "assumptions",
    "candles_of",
    "error_of",
    "inspect_file",
    "inspect_table",
    "load_candles",
    "load_markets",
    "remarks",
]
_MODULES = {
    "Candles": "candles",
    "DataFinding": "inspection",
    "Gap": "candles",
    "Inspection": "inspection",
    "MarketDataError": "errors",
    "MarketFiles": "files",
    "assumptions": "markets",
    "candles_of": "inspection",
    "error_of": "inspection",
    "inspect_file": "inspection",
    "inspect_table": "inspection",
    "load_candles": "inspection",
    "load_markets": "markets",
    "remarks": "markets",
}


def __getattr__(name: str) -> Any:
    """Import a part when it is asked for: a check of a file does without instruments and messages."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
