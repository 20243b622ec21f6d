"""The futures simulation: the exchange of the services over arrays of bars."""

from tradewire.backtest.futures.engine import FuturesEngine

__all__ = ["FuturesEngine"]
