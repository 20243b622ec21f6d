"""Market data for research: candles, marks, funding and instruments from files, checked, never mended."""

from tradewire.backtest.data.candles import Candles, Gap
from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.files import MarketFiles
from tradewire.backtest.data.inspection import (
    Finding,
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
    "Finding",
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
