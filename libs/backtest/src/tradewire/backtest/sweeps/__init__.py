"""Parameter search with honest evidence: many runs, kept on disk, judged on bars that the search has not seen."""

from tradewire.backtest.sweeps.plan import SweepPlan
from tradewire.backtest.sweeps.report import Ranked, Stitched, SweepReport, WindowResult
from tradewire.backtest.sweeps.search import SEARCHES, Search
from tradewire.backtest.sweeps.space import Space, parse_space
from tradewire.backtest.sweeps.spans import WalkForward, parse_walk_forward
from tradewire.backtest.sweeps.store import SweepChangedError, SweepStore
from tradewire.backtest.sweeps.sweeping import run_sweep
from tradewire.backtest.sweeps.tasks import SweepSpan
from tradewire.backtest.sweeps.workers import Workers, processes

__all__ = [
    "SEARCHES",
    "Ranked",
    "Search",
    "Space",
    "Stitched",
    "SweepChangedError",
    "SweepPlan",
    "SweepReport",
    "SweepSpan",
    "SweepStore",
    "WalkForward",
    "WindowResult",
    "Workers",
    "parse_space",
    "parse_walk_forward",
    "processes",
    "run_sweep",
]
