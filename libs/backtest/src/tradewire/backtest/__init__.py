"""Research on the strategy files that the services trade: backtests, sweeps, statistics and reports.

import tradewire.backtest as tb
run = tb.run("strategies/ema-cross-btc.yaml", data=frame)
run.stats, run.trades, run.plot()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradewire.backtest.running import Run, run

__all__ = ["Run", "run"]


def __getattr__(name: str) -> Any:
    """Import the facade when it is asked for: engines alone do without pandas and plotly."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tradewire.backtest import running

    return getattr(running, name)
