"""Parameter search with honest evidence: many runs, kept on disk, judged on bars that the search has not seen."""

from tradewire.backtest.sweep.plan import SweepPlan
from tradewire.backtest.sweep.report import Ranked, Stitched, SweepReport, WindowResult
from tradewire.backtest.sweep.search import SEARCHES, Search
from tradewire.backtest.sweep.space import Space, parse_space
from tradewire.backtest.sweep.spans import WalkForward, parse_walk_forward
from tradewire.backtest.sweep.store import SweepChangedError, SweepStore
from tradewire.backtest.sweep.sweeping import run_sweep
from tradewire.backtest.sweep.tasks import Span
from tradewire.backtest.sweep.workers import Workers, processes

__all__ = [
    "SEARCHES",
    "Ranked",
    "Search",
    "Space",
    "Span",
    "Stitched",
    "SweepChangedError",
    "SweepPlan",
    "SweepReport",
    "SweepStore",
    "WalkForward",
    "WindowResult",
    "Workers",
    "parse_space",
    "parse_walk_forward",
    "processes",
    "run_sweep",
]
