"""Research on the strategy files that the services trade: backtests, sweeps, statistics and reports.

import tradewire.backtest as tb
run = tb.run("strategies/ema-cross-btc.yaml", data=frame)
run.stats, run.trades, run.plot()
tb.sweep("strategies/ema-cross-btc.yaml", frame, ["fast_len=5:60:5"]).ranked
tb.compare("strategies/ema-cross-btc.yaml", frame).table
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewire.backtest.comparing import EngineComparison, compare
    from tradewire.backtest.running import Run, run
    from tradewire.backtest.searching import Sweep, sweep

__all__ = ["EngineComparison", "Run", "Sweep", "compare", "run", "sweep"]
_MODULES = {
    "EngineComparison": "comparing",
    "Run": "running",
    "Sweep": "searching",
    "compare": "comparing",
    "run": "running",
    "sweep": "searching",
}


def __getattr__(name: str) -> Any:
    """Import the facade when it is asked for: engines alone do without pandas and plotly."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
