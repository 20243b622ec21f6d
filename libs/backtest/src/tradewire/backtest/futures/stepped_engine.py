"""BacktestPort by the simulated exchange alone, bar by bar: paths inside bars, instruments that change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tradewire.backtest.futures.decisions import Decider, FixedLimits
from tradewire.backtest.futures.engine import answers_of, exchange_of, fill_model_text, markets_of
from tradewire.backtest.futures.grid import make_grid
from tradewire.backtest.futures.results import result_of
from tradewire.backtest.futures.stepped import Stepped
from tradewire.ports.backtest import (
    BacktestPort,
    BacktestRequest,
    BacktestResult,
    MarketHistory,
)
from tradewire.trading.language import compile_strategy, parse_strategy
from tradewire.trading.wire import spec_of


class SteppedEngine(BacktestPort):
    """The futures engine without its compiled loops: equal where both can, and slower by far."""

    name = "futures"

    def run(self, request: BacktestRequest) -> BacktestResult:
        """As `BacktestPort.run`."""
        strategy = compile_strategy(parse_strategy(request.strategy), request.params)
        markets = markets_of(strategy, request.markets)
        account = request.account
        instruments = {market.symbol: account.priced(market.instrument) for market in markets}
        grid = make_grid(markets)
        decider = Decider(strategy, instruments, FixedLimits(strategy.account, account.limits))
        answers = [answers_of(strategy, market, grid, row) for row, market in enumerate(markets)]
        specs = [spec_of(instrument) for instrument in instruments.values()]
        exchange = exchange_of(strategy.account, account, specs)
        stepped = Stepped(grid, exchange, answers, decider, instruments, account, markets)
        stepped.run()
        told = "; ".join([fill_model_text(account), *_details(markets)])
        held = exchange.account.positions
        return result_of(request, strategy, stepped, told, [held[s].mark_e8 for s in grid.symbols])


def _details(markets: Sequence[MarketHistory]) -> Iterator[str]:
    """What the markets had beside bars, in words."""
    for market in markets:
        if market.path is not None:
            bar = np.searchsorted(market.open_time_us, market.path.open_time_us, side="right")
            told = f"{len(np.unique(bar)):,} of {len(market):,} bars"
            yield f"{market.symbol}: {told} walked along their {market.path.interval} bars, the others as guessed"
        if market.later_instruments:
            yield f"{market.symbol}: {1 + len(market.later_instruments)} versions of its filters, fees and brackets"
