"""The vectorized engine: whole histories as arrays, one compiled loop over the account, many parameter sets at once."""

from tradewire.backtest.vectorized.engine import VectorizedEngine
from tradewire.backtest.vectorized.outcomes import Outcomes
from tradewire.backtest.vectorized.signals import SimulatedPortfolio, simulate_signals

__all__ = ["Outcomes", "SimulatedPortfolio", "VectorizedEngine", "simulate_signals"]
