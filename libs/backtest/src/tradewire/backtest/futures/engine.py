"""BacktestPort by the simulated exchange of the services: the same numbers, to the last unit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from tradewire.backtest.futures.decisions import Answers, Decider, FixedLimits
from tradewire.backtest.futures.grid import Grid, make_grid
from tradewire.backtest.futures.plain_terms import plain_terms
from tradewire.backtest.futures.results import result_of
from tradewire.backtest.futures.simulation import Simulation
from tradewire.backtest.futures.stepped import needs_steps
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestPort,
    BacktestRequest,
    BacktestResult,
    MarketHistory,
)
from tradewire.trading.exchange import FillModel, InstrumentSpec, MarginMode, SimulatedExchange, to_e8
from tradewire.trading.language import Bars, CompiledStrategy, compile_strategy, parse_strategy
from tradewire.trading.wire import spec_of


class FuturesEngine(BacktestPort):
    """Bars in which nothing can happen are passed in compiled code; every other bar is the exchange's own."""

    name = "futures"

    def run(self, request: BacktestRequest) -> BacktestResult:
        """As `BacktestPort.run`."""
        if needs_steps(request.markets):
            from tradewire.backtest.futures.stepped_engine import SteppedEngine  # it shares what is below

            return SteppedEngine().run(request)
        strategy = compile_strategy(parse_strategy(request.strategy), request.params)
        markets = markets_of(strategy, request.markets)
        account = request.account
        instruments = {market.symbol: account.priced(market.instrument) for market in markets}
        specs = [spec_of(instrument) for instrument in instruments.values()]
        grid = make_grid(markets)
        decider = Decider(strategy, instruments, FixedLimits(strategy.account, account.limits))
        answers = [answers_of(strategy, market, grid, row) for row, market in enumerate(markets)]
        plain = plain_terms(grid, specs, answers, decider, account, fill_model_of(account))
        simulation = Simulation(grid, exchange_of(strategy.account, account, specs), specs, answers, decider, plain)
        simulation.run()
        return result_of(request, strategy, simulation, fill_model_text(account), _last_marks(grid))


def markets_of(strategy: CompiledStrategy, markets: Sequence[MarketHistory]) -> list[MarketHistory]:
    """The strategy's markets by symbol. Raises: ValueError when one is missing, empty or of another interval."""
    given = {market.symbol: market for market in markets}
    missing = [symbol for symbol in strategy.symbols if symbol not in given]
    if missing:
        raise ValueError(f"no data for {', '.join(missing)}; found {', '.join(sorted(given)) or 'none'}")
    chosen = [given[symbol] for symbol in sorted(strategy.symbols)]
    for market in chosen:
        if market.interval != strategy.interval:
            raise ValueError(f"{market.symbol}: found bars of {market.interval}, allowed {strategy.interval}")
        if market.instrument.venue != strategy.venue:
            raise ValueError(f"{market.symbol}: found venue {market.instrument.venue}, allowed {strategy.venue}")
        if not len(market):
            raise ValueError(f"{market.symbol}: found no bars, at least one is needed")
    return chosen


def fill_model_of(account: AccountSettings) -> FillModel:
    """The exchange's fill model as the account asks for it."""
    return FillModel(
        slippage_rate_e8=to_e8(account.slippage_bps / Decimal(10_000)),
        volume_share_e8=to_e8(account.volume_share),
        latency_us=account.latency_us,
    )


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


def answers_of(strategy: CompiledStrategy, market: MarketHistory, grid: Grid, row: int) -> Answers:
    """What the strategy says at each close of the grid, in row ``row``."""
    arrays = strategy.evaluate_array(
        Bars(market.open_time_us, market.open, market.high, market.low, market.close, market.volume)
    )
    if len(arrays) == len(grid):  # a bar at every close
        return Answers(arrays, np.arange(len(grid)), arrays.signal * arrays.ready)
    index = np.cumsum(grid.present[row]) - 1
    acts = grid.present[row] & arrays.ready[np.maximum(index, 0)]
    return Answers(arrays, index, arrays.signal[np.maximum(index, 0)] * acts)


def _last_marks(grid: Grid) -> list[int]:
    newest = [int(np.flatnonzero(present)[-1]) for present in grid.present]
    return [int(marks[last]) for marks, last in zip(grid.mark_close, newest, strict=True)]
