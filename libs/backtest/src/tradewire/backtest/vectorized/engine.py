"""BacktestPort, vectorized: indicators and rules over whole arrays, then one compiled loop over the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.vectorized.account_loop import run_account
from tradewire.backtest.vectorized.decisions import Decisions, aligned, of_arrays
from tradewire.backtest.vectorized.entries import METHOD_CODES
from tradewire.backtest.vectorized.family import StrategyFamily
from tradewire.backtest.vectorized.market import Markets, markets_of
from tradewire.backtest.vectorized.outcomes import Outcomes, block_counts, empty_outcomes, summarise
from tradewire.backtest.vectorized.results import result_of
from tradewire.backtest.vectorized.series import DEFAULT_CACHE_BYTES, SeriesCache
from tradewire.backtest.vectorized.state import ENTRIES, FEES
from tradewire.ports.backtest import AccountSettings, BacktestPort, BacktestRequest, BacktestResult
from tradewire.trading.exchange import to_e8
from tradewire.trading.language import Sizing, compile_strategy, parse_strategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

DEFAULT_BLOCKS = 16
"""Blocks of returns that the probability of backtest overfitting is usually estimated from."""
BPS_E8 = 10_000
"""One basis point as a rate in 1e-8 units."""


@dataclass(frozen=True, slots=True)
class _Account:
    capital_e8: int
    slippage_e8: int


class VectorizedEngine(BacktestPort):
    """One account in one compiled loop; money in exact integers, sizing in float64.

    Fills: market orders at the next open, stop loss, take profit and trailing stop along the exchange's path inside a
    bar, at the open where it gapped over them; slippage and taker fee as the exchange charges them. Not modelled:
    margin and liquidation, risk limits, volume share, latency; a result names what of it was asked for.
    """

    name = "vectorized"

    def __init__(self, *, cache_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        """``cache_bytes`` bounds the series kept between parameter sets; no result depends on it."""
        self._cache_bytes = cache_bytes

    def run(self, request: BacktestRequest) -> BacktestResult:
        """As `BacktestPort.run`."""
        document = parse_strategy(request.strategy)
        strategy = compile_strategy(document, request.params)
        account, markets = _account(request.account), markets_of(request, document)
        decisions = aligned([of_arrays(strategy.evaluate_array(bars)) for bars in markets.columns], markets)
        equity, held, fills, _ = _run(markets, decisions, strategy.sizing, account, keep=True)
        return result_of(request, strategy, markets, equity, held, fills)

    def run_many(
        self,
        request: BacktestRequest,
        param_sets: Mapping[str, FloatArray],
        *,
        blocks: int = DEFAULT_BLOCKS,
    ) -> Outcomes:
        """Run the strategy once per parameter set: the numbers that `run` would give, set by set.

        Parameters: request: ``params`` hold for what ``param_sets`` doesn't name; param_sets: one value per set,
        float64, shape (k,) each; blocks: of returns, 1 or more.
        Memory: the markets, one set's arrays, the results and the series cache, whatever k is.
        Raises: as `run`, for the first faulty set; ValueError when the columns differ in length or blocks < 1.
        """
        sets, columns = _checked(param_sets, blocks)
        document = parse_strategy(request.strategy)
        compile_strategy(document, request.params)
        account, markets = _account(request.account), markets_of(request, document)
        cache = SeriesCache(self._cache_bytes)
        varying = frozenset(name for name, values in columns.items() if np.any(values != values[:1]))
        family = StrategyFamily(document, markets, cache, varying)
        found = empty_outcomes(columns, sets, block_counts(len(markets.time_us), blocks))
        for number in range(sets):
            params = {**request.params, **{name: float(values[number]) for name, values in columns.items()}}
            decisions, sizing = family.decisions(params)
            equity, _, _, book = _run(markets, decisions, sizing, account, keep=False)
            _note(found, number, equity, book, account)
        return found


def _checked(param_sets: Mapping[str, FloatArray], blocks: int) -> tuple[int, dict[str, FloatArray]]:
    """Number of sets, and the columns as arrays."""
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in param_sets.items()}
    lengths = {values.shape for values in columns.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1:
        raise ValueError(f"parameter columns of shapes {sorted(lengths)} were given; one shape (k,) is needed")
    if blocks < 1:
        raise ValueError(f"{blocks} blocks; at least 1 is needed")
    return next(iter(lengths))[0], columns


def _account(account: AccountSettings) -> _Account:
    """The account's numbers in 1e-8 units. Raises: ValueError for one out of range."""
    slippage = account.slippage_bps * BPS_E8
    if not 0 <= slippage < 10**8 or slippage != int(slippage):
        raise ValueError(f"slippage {account.slippage_bps} bps; allowed is 0 to 10000, 4 decimals")
    if account.capital < 0 or account.leverage < 1:
        raise ValueError(f"capital {account.capital}, leverage {account.leverage}; allowed is from 0 and from 1")
    for fee in (account.taker_fee, account.maker_fee):
        if fee is not None and not -1 < fee < 1:
            raise ValueError(f"fee {fee}; allowed is a rate below 1")
    if account.taker_fee is not None and account.taker_fee < 0:
        raise ValueError(f"taker fee {account.taker_fee} is negative")
    return _Account(to_e8(account.capital), int(slippage))


def _run(
    markets: Markets, decisions: Decisions, sizing: Sizing, account: _Account, *, keep: bool
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    cap = float("inf") if sizing.max_leverage is None else float(sizing.max_leverage)
    return run_account(
        markets.bars,
        markets.filters,
        decisions.signal,
        decisions.measures,
        (METHOD_CODES[sizing.method], float(sizing.amount), cap),
        account.capital_e8,
        account.slippage_e8,
        keep,
    )


def _note(found: Outcomes, number: int, equity_e8: IntArray, book: IntArray, account: _Account) -> None:
    """Write one run's row."""
    last_e8 = int(equity_e8[-1]) if len(equity_e8) else account.capital_e8
    found.final_equity[number] = last_e8 / 1e8
    found.total_return[number] = last_e8 / account.capital_e8 - 1.0 if account.capital_e8 else 0.0
    found.trades[number] = book[ENTRIES]
    found.fees[number] = book[FEES] / 1e8
    found.max_drawdown[number], found.sharpe[number] = summarise(
        equity_e8, account.capital_e8, found.block_count, found.block_sum[number], found.block_sum_sq[number]
    )
