"""One piece of a sweep: some parameter sets over some of the bars, as any worker runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.documents import document_of
from tradewire.backtest.futures import FuturesEngine
from tradewire.backtest.merging import merged
from tradewire.backtest.sweeps.space import ParamSet
from tradewire.backtest.vectorized import VectorizedEngine
from tradewire.backtest.vectorized.outcomes import block_counts, summarise
from tradewire.backtest.warmup import earlier_part
from tradewire.ports.backtest import BacktestPort, BacktestRequest, MarketHistory, MarkHistory
from tradewire.trading.exchange import to_e8
from tradewire.trading.language import compile_strategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

MEASURES = ("total_return", "max_drawdown", "trades", "fees", "sharpe", "final_equity", "ruined")
"""First columns of a row; then the sums of bar returns by block, then their squares. As in `Outcomes`."""
ENGINES: Mapping[str, type[BacktestPort]] = {"vectorized": VectorizedEngine, "futures": FuturesEngine}


@dataclass(frozen=True, slots=True)
class SweepSpan:
    """Open times from ``begin_us`` up to ``end_us``, µs UTC."""

    begin_us: int
    end_us: int

    @property
    def scope(self) -> str:
        """Its name in a store."""
        return f"{self.begin_us}:{self.end_us}"


@dataclass(frozen=True, slots=True)
class Task:
    """Sets to run over a span. ``numbers``: their places in the search's order."""

    span: SweepSpan
    numbers: tuple[int, ...]
    sets: tuple[ParamSet, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What all tasks of a sweep share."""

    request: BacktestRequest
    engine: str
    names: tuple[str, ...]
    blocks: int

    def run(self, task: Task) -> FloatArray:
        """Rows of the task's sets, shape (k, measures + 2 blocks), equal everywhere. Raises: as BacktestPort.run."""
        request = replace(self.request, markets=cut(self.request.markets, task.span))
        if self.engine == VectorizedEngine.name:
            return self._at_once(request, task.sets)
        return np.array([self._alone(request, values) for values in task.sets])

    def _at_once(self, request: BacktestRequest, sets: Sequence[ParamSet]) -> FloatArray:
        values = np.array(sets, dtype=np.float64)
        columns = {name: np.ascontiguousarray(values[:, place]) for place, name in enumerate(self.names)}
        found = VectorizedEngine().run_many(request, columns, blocks=self.blocks)
        measures = np.column_stack([getattr(found, name) for name in MEASURES])
        return np.hstack([measures, found.block_sum, found.block_sum_sq])

    def _alone(self, request: BacktestRequest, values: ParamSet) -> FloatArray:
        given = self.with_params(request, values)
        strategy = compile_strategy(document_of(given.strategy), given.params)
        result = FuturesEngine().simulate(given, strategy)  # those that are ranked are checked (`figures.trade`)
        counts = block_counts(len(result.time_us), self.blocks)
        sums, squares = np.zeros(self.blocks), np.zeros(self.blocks)
        capital_e8 = to_e8(request.account.capital)
        fall, sharpe, ruined = summarise(result.equity_e8, capital_e8, counts, sums, squares)
        last_e8 = int(result.equity_e8[-1]) if len(result.equity_e8) else capital_e8
        gained = last_e8 / capital_e8 - 1.0 if capital_e8 else 0.0
        return np.hstack(
            [[gained, fall, len(result.trades), float(result.fees), sharpe, last_e8 / 1e8, ruined], sums, squares]
        )

    def asked(self, values: ParamSet, span: SweepSpan) -> BacktestRequest:
        """One set over a span."""
        return self.with_params(replace(self.request, markets=cut(self.request.markets, span)), values)

    def with_params(self, request: BacktestRequest, values: ParamSet) -> BacktestRequest:
        """The request with a set's values."""
        return replace(request, params={**request.params, **dict(zip(self.names, values, strict=True))})


def cut(markets: Sequence[MarketHistory], span: SweepSpan) -> tuple[MarketHistory, ...]:
    """The markets' bars of a span, as views, and those before it to warm up on."""
    return tuple(_cut(market, span) for market in markets)


def _cut(market: MarketHistory, span: SweepSpan) -> MarketHistory:
    first, end = np.searchsorted(market.open_time_us, [span.begin_us, span.end_us])
    part = slice(int(first), int(end))
    mark, funding = market.mark, market.funding_rate
    return replace(
        market,
        **{name: getattr(market, name)[part] for name in ("open_time_us", "open", "high", "low", "close", "volume")},
        mark=None if mark is None else MarkHistory(mark.open[part], mark.high[part], mark.low[part], mark.close[part]),
        funding_rate=None if funding is None else funding[part],
        earlier=earlier_part(market, int(first)),
    )


def closes(markets: Sequence[MarketHistory], span: SweepSpan) -> IntArray:
    """Open times at which any market has a bar, increasing."""
    times = [market.open_time_us for market in cut(markets, span)]
    return merged(times) if times else np.zeros(0, dtype=np.int64)
