"""BacktestPort by the simulated exchange of the services: the same numbers, to the last unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tradewire.backtest.accepted import accepted_strategy
from tradewire.backtest.futures.counting import activity_of_run
from tradewire.backtest.futures.decisions import Answers, Decider, FixedLimits
from tradewire.backtest.futures.finer import finer_bars
from tradewire.backtest.futures.grid import Grid, make_grid
from tradewire.backtest.futures.results import result_of
from tradewire.backtest.futures.simulation import Simulation
from tradewire.backtest.futures.terms import fill_model_of
from tradewire.backtest.loops.units import IntMatrix
from tradewire.backtest.traded import traded_markets
from tradewire.backtest.warmup import answers_on
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestPort,
    BacktestRequest,
    BacktestResult,
    MarketHistory,
)
from tradewire.trading.exchange import InstrumentSpec, MarginMode, SimulatedExchange, to_e8
from tradewire.trading.language import CompiledStrategy
from tradewire.trading.wire import spec_of


class FuturesEngine(BacktestPort):
    """One account in a compiled loop, and in the exchange of the services every bar that the loop can't be sure of."""

    name = "futures"

    def run(self, request: BacktestRequest) -> BacktestResult:
        """As `BacktestPort.run`."""
        return self.simulate(request, accepted_strategy(request))

    def simulate(self, request: BacktestRequest, strategy: CompiledStrategy) -> BacktestResult:
        """Run the request's strategy, whether its results can be believed or not. Raises as `run`, but for that."""
        markets = traded_markets(strategy, request.markets)
        account = request.account
        instruments = {market.symbol: account.priced(market.instrument) for market in markets}
        later = [version for market in markets for version in market.later_instruments]
        volume_counts = account.volume_share > 0
        grid = make_grid(markets, volume_counts=volume_counts)
        closes = np.arange(len(grid))
        simulation = Simulation(
            grid,
            finer_bars(markets, volume_counts=volume_counts),
            exchange_of(strategy.account, account, [spec_of(instrument) for instrument in instruments.values()]),
            [answers_of(strategy, market, grid, row, closes) for row, market in enumerate(markets)],
            Decider(strategy, instruments, FixedLimits(strategy.account, account.limits)),
            account,
            instruments,
            sorted(later, key=lambda version: (version.valid_from_us, version.symbol)),
        )
        simulation.run()
        told = "; ".join([fill_model_text(account), *_details(markets)])
        activity = activity_of_run(markets, simulation.answers, simulation.log, simulation.exchange.orders)
        return result_of(request, strategy, simulation, told, _last_marks(grid), activity)


def _details(markets: Sequence[MarketHistory]) -> Iterator[str]:
    """What the markets had beside bars, in words."""
    for market in markets:
        if market.path is not None:
            bar = np.searchsorted(market.open_time_us, market.path.open_time_us, side="right")
            told = f"{len(np.unique(bar)):,} of {len(market):,} bars"
            yield f"{market.symbol}: {told} walked along their {market.path.interval} bars, the others as guessed"
        if market.later_instruments:
            yield f"{market.symbol}: {1 + len(market.later_instruments)} versions of its filters, fees and brackets"


def fill_model_text(account: AccountSettings) -> str:
    """The fill model in words."""
    share = f"at most {account.volume_share} of a bar's volume" if account.volume_share else "no bound by volume"
    return (
        "decided at a bar's close, filled at the next bar's open at the earliest; stops at the level reached on the "
        "path open, adverse extreme, other extreme, close, or at the open after a gap; takers pay "
        f"{account.slippage_bps} bp of slippage, then the tick; {share}; orders arrive after {account.latency_us} µs; "
        f"{account.margin_mode.value.lower()} margin at {account.leverage}x, liquidation at the mark"
    )


def exchange_of(account_id: str, account: AccountSettings, specs: Sequence[InstrumentSpec]) -> SimulatedExchange:
    """The exchange of the services with one account, as the account asks for it."""
    return SimulatedExchange(
        account_id,
        to_e8(account.capital),
        specs,
        leverages={spec.symbol: account.leverage for spec in specs},
        margin_modes={spec.symbol: MarginMode(account.margin_mode.value) for spec in specs},
        fill_model=fill_model_of(account),
    )


def answers_of(strategy: CompiledStrategy, market: MarketHistory, grid: Grid, row: int, closes: IntMatrix) -> Answers:
    """What the strategy says at each close of the grid, in row ``row``; ``closes`` numbers them all."""
    arrays = answers_on(strategy, market)
    if len(arrays) == len(grid):  # a bar at every close
        return Answers(arrays, closes, arrays.signal)
    index = np.cumsum(grid.present[row]) - 1
    return Answers(arrays, index, arrays.signal[np.maximum(index, 0)] * grid.present[row])


def _last_marks(grid: Grid) -> list[int]:
    newest = [int(np.flatnonzero(present)[-1]) for present in grid.present]
    return [int(marks[last]) for marks, last in zip(grid.mark_close, newest, strict=True)]
