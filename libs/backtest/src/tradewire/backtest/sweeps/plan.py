"""What a sweep is to do; all of it decides whether a stored sweep may go on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tradewire.backtest.accepted import accepted_strategy
from tradewire.backtest.digits import plain
from tradewire.backtest.documents import document_of
from tradewire.backtest.report.provenance import data_hash
from tradewire.backtest.sweeps.figures import OBJECTIVES
from tradewire.backtest.sweeps.search import Search
from tradewire.backtest.sweeps.space import Space
from tradewire.backtest.sweeps.spans import WalkForward, Window, held_out
from tradewire.backtest.sweeps.tasks import ENGINES, Job, SweepSpan, closes
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.language import INTERVALS_US, compile_strategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray

BLOCKS = 16
"""Blocks of returns for the probability of backtest overfitting, as its authors use."""


@dataclass(frozen=True)
class SweepPlan:
    """``holdout``: last share of the closes that the search never sees; ``embargo``: bars between, None: the warm-up.

    ``top``: sets that are ranked with their evidence. Raises: ValueError for a setting out of range;
    StrategyErrors for a strategy whose results can not be believed.
    """

    request: BacktestRequest
    space: Space
    search: Search = field(default_factory=Search)
    engine: str = "vectorized"
    objective: str = "sharpe"
    holdout: float = 0.25
    walk_forward: WalkForward | None = None
    embargo: int | None = None
    top: int = 10

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.engine not in ENGINES:
            raise ValueError(f"--engine: found {self.engine!r}, allowed {', '.join(ENGINES)}")
        if self.objective not in OBJECTIVES:
            raise ValueError(f"--objective: found {self.objective!r}, allowed {', '.join(OBJECTIVES)}")
        if len(self.times_us) < 2 * BLOCKS:
            raise ValueError(f"found {len(self.times_us)} closes, allowed {2 * BLOCKS} or more")
        accepted_strategy(self.request)

    @property
    def job(self) -> Job:
        """What the tasks share."""
        return Job(self.request, self.engine, self.space.names, BLOCKS)

    @cached_property
    def times_us(self) -> IntArray:
        """Open times of all closes."""
        return closes(self.request.markets, SweepSpan(-(2**62), 2**62))

    @property
    def interval_us(self) -> int:
        """Length of a bar."""
        return INTERVALS_US[document_of(self.request.strategy).interval]

    @cached_property
    def embargo_us(self) -> int:
        """Bars between search and judgement: by default the warm-up of the space's highest values."""
        if self.embargo is not None:
            return self.embargo * self.interval_us
        highest = {name: max(levels) for name, levels in self.space.levels.items()}
        strategy = compile_strategy(document_of(self.request.strategy), {**self.request.params, **highest})
        return strategy.warmup_bars * self.interval_us

    @cached_property
    def window(self) -> Window | None:
        """The held-out end; None when nothing is held out."""
        return held_out(self.times_us, self.interval_us, self.holdout, self.embargo_us)

    @property
    def searched(self) -> SweepSpan:
        """Bars that the main search sees."""
        if self.window is not None:
            return self.window.train
        return SweepSpan(int(self.times_us[0]), int(self.times_us[-1]) + self.interval_us)

    def windows(self) -> list[Window]:
        """Windows that walk forward over the bars searched, so that the held-out end stays unseen; none without a walk
        forward.
        """
        if self.walk_forward is None:
            return []
        span = self.searched
        return self.walk_forward.windows(span.begin_us, span.end_us, self.embargo_us)

    def manifest(self) -> Mapping[str, object]:
        """Everything that results depend on, JSON-able."""
        account, walk = self.request.account, self.walk_forward
        return {
            "strategy": hashlib.sha256(self.request.strategy.encode()).hexdigest(),
            "data": data_hash(self.request.markets),
            "settings": {
                "params": dict(self.request.params),
                "capital": plain(account.capital),
                "leverage": account.leverage,
                "margin_mode": str(account.margin_mode),
                "slippage_bps": plain(account.slippage_bps),
                "fees": [None if fee is None else plain(fee) for fee in (account.taker_fee, account.maker_fee)],
                "volume_share": plain(account.volume_share),
                "latency_us": account.latency_us,
                "limits": None if account.limits is None else account.limits.model_dump(mode="json"),
            },
            "engine": self.engine,
            "space": {name: list(levels) for name, levels in self.space.levels.items()},
            "where": [constraint.text for constraint in self.space.constraints],
            "search": [self.search.kind, self.search.trials, self.search.seed],
            "objective": self.objective,
            "holdout": self.holdout,
            "embargo_us": self.embargo_us,
            "walk_forward": None if walk is None else [walk.train_us, walk.test_us, walk.step_us, walk.anchored],
        }
