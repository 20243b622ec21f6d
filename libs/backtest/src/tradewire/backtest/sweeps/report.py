"""What a sweep found, with the evidence for and against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tradewire.backtest.statistics.overfitting import Overfitting
from tradewire.backtest.sweeps.figures import SweepFigures
from tradewire.backtest.sweeps.tasks import SweepSpan
from tradewire.ports.activity import Activity


@dataclass(frozen=True, slots=True)
class Ranked:
    """A parameter set: on the bars searched, on the bars held out (None: none were), and its deflated Sharpe ratio."""

    params: Mapping[str, float]
    in_sample: SweepFigures
    out_of_sample: SweepFigures | None
    deflated_sharpe: float | None


@dataclass(frozen=True, slots=True)
class NeverTraded:
    """A parameter set without a trade on the bars searched, and in sentences what became of its signals."""

    params: Mapping[str, float]
    not_happened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WindowResult:
    """The best set of one window's training, and what it did in the test that followed."""

    train: SweepSpan
    test: SweepSpan
    params: Mapping[str, float]
    in_sample: SweepFigures
    out_of_sample: SweepFigures


@dataclass(frozen=True, slots=True)
class SkippedWindow:
    """A window without a result, and why."""

    train: SweepSpan
    test: SweepSpan
    why: str


@dataclass(frozen=True, slots=True)
class Stitched:
    """All tests as one account; ``promised_sharpe``: mean annualised in-sample Sharpe ratio of what was chosen."""

    out_of_sample: SweepFigures
    promised_sharpe: float | None
    bars: int


@dataclass(frozen=True, slots=True)
class SweepReport:
    """``ranked``: best first by the objective in sample. ``sets`` tried, like ``effective_trials`` unrelated ones;
    ``sets_without_trades`` are not ranked; ``never_traded``: the first few of them.

    ``ready_from_us``: by symbol, the close of the first bar searched at which the best set could decide, None for none.
    ``activity``: what the best set's signals came to on the bars searched; ``not_happened``: the same in sentences, a
    liquidation first. ``left_out``: what the engine did not model of what was asked for, a sentence each. ``no_bars``:
    where markets were not traded, as they have no bars there, a sentence each.
    """

    strategy_id: str
    objective: str
    search: str
    engine: str
    names: tuple[str, ...]
    searched: SweepSpan
    held_out: SweepSpan | None
    embargo_us: int
    sets: int
    sets_without_trades: int
    never_traded: tuple[NeverTraded, ...]
    effective_trials: float
    overfitting: Overfitting | None
    ranked: tuple[Ranked, ...]
    windows: tuple[WindowResult, ...]
    skipped_windows: tuple[SkippedWindow, ...]
    stitched: Stitched | None
    ready_from_us: Mapping[str, int | None]
    activity: Activity
    not_happened: tuple[str, ...]
    left_out: tuple[str, ...]
    no_bars: tuple[str, ...]

    @property
    def best(self) -> Ranked:
        """First of the ranked."""
        return self.ranked[0]
