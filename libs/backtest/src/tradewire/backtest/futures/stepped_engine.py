"""BacktestPort by the simulated exchange alone, bar by bar: paths inside bars, instruments that change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tradewire.backtest.futures.decisions import Answers, Decider, FixedLimits
from tradewire.backtest.futures.engine import fill_model_of, fill_model_text, markets_of
from tradewire.backtest.futures.grid import Grid, make_grid
from tradewire.backtest.futures.stepped import Stepped
from tradewire.backtest.trades import trades_of
from tradewire.ports.backtest import (
    AccountSettings,
    BacktestFill,
    BacktestPort,
    BacktestRequest,
    BacktestResult,
    FundingPayment,
    MarketHistory,
)
from tradewire.ports.events import InstrumentChanged, Liquidity, Side
from tradewire.trading import exchange as venue
from tradewire.trading.exchange import MarginMode, SimulatedExchange, from_e8, to_e8
from tradewire.trading.exchange.fixed_point import SCALE, mul_div
from tradewire.trading.fingerprint import AccountRows, fill_text, fingerprint
from tradewire.trading.language import Bars, CompiledStrategy, compile_strategy, parse_strategy
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
        answers = [_answers(strategy, market, grid, row) for row, market in enumerate(markets)]
        exchange = _exchange(strategy.account, account, instruments)
        stepped = Stepped(grid, exchange, answers, decider, instruments, account, markets)
        stepped.run()
        return _result(request, strategy, markets, stepped)


def _exchange(
    account_id: str, account: AccountSettings, instruments: dict[str, InstrumentChanged]
) -> SimulatedExchange:
    return SimulatedExchange(
        account_id,
        to_e8(account.capital),
        [spec_of(instrument) for instrument in instruments.values()],
        leverages=dict.fromkeys(instruments, account.leverage),
        margin_modes=dict.fromkeys(instruments, MarginMode(account.margin_mode.value)),
        fill_model=fill_model_of(account),
    )


def _answers(strategy: CompiledStrategy, market: MarketHistory, grid: Grid, row: int) -> Answers:
    arrays = strategy.evaluate_array(
        Bars(market.open_time_us, market.open, market.high, market.low, market.close, market.volume)
    )
    index = np.maximum(np.cumsum(grid.present[row]) - 1, 0)
    acts = grid.present[row] & arrays.ready[index]
    return Answers(arrays, index, np.where(acts, arrays.signal[index], 0).astype(np.int8))


def _result(
    request: BacktestRequest, strategy: CompiledStrategy, markets: Sequence[MarketHistory], stepped: Stepped
) -> BacktestResult:
    grid = stepped.grid
    positions = {symbol: stepped.positions[row] for row, symbol in enumerate(grid.symbols)}
    rows = AccountRows(stepped.states, positions, [_line(fill) for fill, _ in stepped.fills])
    fills = tuple(_fill(fill, leg) for fill, leg in stepped.fills)
    funding = tuple(
        FundingPayment(paid.time_us, paid.symbol, from_e8(paid.amount_e8), from_e8(paid.position_e8))
        for paid in stepped.funding
    )
    held = stepped.exchange.account.positions
    marks = {symbol: from_e8(held[symbol].mark_e8) for symbol in grid.symbols}
    return BacktestResult(
        engine=SteppedEngine.name,
        strategy_id=strategy.id,
        strategy_hash=strategy.digest,
        params=strategy.params,
        account=request.account,
        fingerprint=fingerprint({strategy.account: rows}),
        fill_model="; ".join([fill_model_text(request.account), *_details(markets)]),
        left_out=(),
        trades=trades_of(fills, funding, marks),
        fills=fills,
        funding=funding,
        time_us=grid.close_time_us,
        equity_e8=stepped.states[:, 3].copy(),
        position_e8={symbol: np.ascontiguousarray(matrix[:, 0]) for symbol, matrix in positions.items()},
    )


def _details(markets: Sequence[MarketHistory]) -> Iterator[str]:
    """What the markets had beside bars, in words."""
    for market in markets:
        if market.path is not None:
            bar = np.searchsorted(market.open_time_us, market.path.open_time_us, side="right")
            told = f"{len(np.unique(bar)):,} of {len(market):,} bars"
            yield f"{market.symbol}: {told} walked along their {market.path.interval} bars, the others as guessed"
        if market.later_instruments:
            yield f"{market.symbol}: {1 + len(market.later_instruments)} versions of its filters, fees and brackets"


def _line(fill: venue.Fill) -> str:
    words = (fill.symbol, fill.client_order_id, fill.side.value, fill.liquidity.value)
    amounts = (fill.quantity_e8, fill.price_e8, fill.fee_e8, fill.realised_pnl_e8, fill.position_after_e8)
    return fill_text(fill.time_us, words, amounts)


def _fill(fill: venue.Fill, leg: str) -> BacktestFill:
    beyond_e8 = (fill.price_e8 - fill.shown_e8) * fill.side.sign if fill.liquidity is venue.Liquidity.TAKER else 0
    return BacktestFill(
        time_us=fill.time_us,
        symbol=fill.symbol,
        client_order_id=fill.client_order_id,
        leg=leg,
        side=Side(fill.side.value),
        qty=from_e8(fill.quantity_e8),
        price=from_e8(fill.price_e8),
        fee=from_e8(fill.fee_e8),
        liquidity=Liquidity(fill.liquidity.value),
        realized_pnl=from_e8(fill.realised_pnl_e8),
        slippage=from_e8(mul_div(fill.quantity_e8, beyond_e8, SCALE)),
    )
