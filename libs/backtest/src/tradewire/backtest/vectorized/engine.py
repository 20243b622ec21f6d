"""BacktestPort, vectorized: indicators and rules over whole arrays, then one compiled loop over the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tradewire.backtest.accepted import accepted_strategy
from tradewire.backtest.documents import document_of
from tradewire.backtest.loops.arithmetic import LARGEST_WORTH, TOO_LARGE
from tradewire.backtest.vectorized.account_loop import run_account, run_sets
from tradewire.backtest.vectorized.booked import payments_of
from tradewire.backtest.vectorized.columns import ParamColumns
from tradewire.backtest.vectorized.counting import activity_of_book
from tradewire.backtest.vectorized.decisions import Decisions, alone
from tradewire.backtest.vectorized.family import StrategyFamily
from tradewire.backtest.vectorized.kept import Blocks, RunRecord
from tradewire.backtest.vectorized.market import Markets, markets_of
from tradewire.backtest.vectorized.outcomes import Outcomes, block_counts, empty_outcomes
from tradewire.backtest.vectorized.results import result_of
from tradewire.backtest.vectorized.series import DEFAULT_CACHE_BYTES
from tradewire.backtest.vectorized.state import (
    BOOK_COLUMNS,
    ENTRIES,
    FEES,
    FILL_COLUMNS,
    FILLS,
    GAUGE_COLUMNS,
    RUIN,
    STATE_COLUMNS,
)
from tradewire.ports.backtest import AccountSettings, BacktestPort, BacktestRequest, BacktestResult
from tradewire.trading.exchange import to_e8
from tradewire.trading.language import StrategyDocument, StrategyErrors, compile_strategy

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray, IntArray

DEFAULT_BLOCKS = 16
"""Blocks of returns that the probability of backtest overfitting is usually estimated from."""
BPS_E8 = 10_000
"""One basis point as a rate in 1e-8 units."""


@dataclass(frozen=True, slots=True)
class _AccountRun:
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
        document, strategy = document_of(request.strategy), accepted_strategy(request)
        account, markets = _account(request.account), markets_of(request, document)
        only = ParamColumns(strategy.params, {}, 1)
        found = next(self._decisions(document, markets, only))
        record, book, state = _run(markets, found, account)
        paid = payments_of(markets, record.held)
        signals, payments = int(np.count_nonzero(found.signal[0])), len(paid.close)
        return result_of(
            request,
            strategy,
            markets,
            record,
            paid,
            lambda: activity_of_book(strategy, markets, book, state, signals=signals, payments=payments),
        )

    def run_many(
        self,
        request: BacktestRequest,
        param_sets: Mapping[str, FloatArray],
        *,
        blocks: int = DEFAULT_BLOCKS,
    ) -> Outcomes:
        """Run the strategy once per parameter set: the numbers that `run` would give, set by set.

        Parameters: request: ``params`` hold for what ``param_sets`` doesn't name; param_sets: one value per set,
        float64, shape (k,) each; blocks: of returns, 0 for neither them nor drawdown and Sharpe ratio, which all cost
        a look at every close.
        Memory: the markets, one set's arrays, the results and the series cache, whatever k is.
        The request's own set is checked as in `run`, the others are not: run one to see whether it can be believed.
        Raises: as `run`, for the first faulty set; ValueError when the columns differ in length or blocks < 0.
        """
        sets, columns = _checked(param_sets, blocks)
        document = document_of(request.strategy)
        if document.python is not None:
            accepted_strategy(request)
        account, markets = _account(request.account), markets_of(request, document)
        outcomes = empty_outcomes(columns, sets, block_counts(len(markets.time_us), blocks))
        for decisions in self._decisions(document, markets, ParamColumns(request.params, columns, sets)):
            _run_sets(markets, decisions, account, outcomes)
        return outcomes

    def _decisions(self, document: StrategyDocument, markets: Markets, columns: ParamColumns) -> Iterator[Decisions]:
        """What all sets decide: together, or each by itself, which names every fault of the first faulty set."""
        if document.python is None and columns.allowed(document):
            try:
                yield from StrategyFamily(document, markets, columns, self._cache_bytes).decisions()
                return
            except StrategyErrors:
                pass
        for number in range(len(columns)):
            yield alone(compile_strategy(document, columns.params(number)), number, markets)


def _checked(param_sets: Mapping[str, FloatArray], blocks: int) -> tuple[int, dict[str, FloatArray]]:
    """Number of sets, and the columns as arrays."""
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in param_sets.items()}
    lengths = {values.shape for values in columns.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1:
        raise ValueError(f"parameter columns of shapes {sorted(lengths)} were given; one shape (k,) is needed")
    if blocks < 0:
        raise ValueError(f"{blocks} blocks; at least 0 are needed")
    return next(iter(lengths))[0], columns


def _account(account: AccountSettings) -> _AccountRun:
    """The account's numbers in 1e-8 units. Raises: ValueError for one out of range."""
    capital_e8 = to_e8(account.capital)
    if capital_e8 > LARGEST_WORTH:
        raise ValueError(TOO_LARGE)
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
    return _AccountRun(capital_e8, int(slippage))


def _run(markets: Markets, decisions: Decisions, account: _AccountRun) -> tuple[RunRecord, IntArray, IntArray]:
    """Equity, positions and fills of the first set decided on; the account's book and the symbols' states then."""
    closes, symbols = len(markets.time_us), len(markets.columns)
    most = 2 * int(np.count_nonzero(decisions.signal[0]))  # a signal enters once at most, and what enters leaves once
    shapes = (closes,), (closes, symbols), (most, FILL_COLUMNS)
    record = RunRecord(*(np.empty(shape, dtype=np.int64) for shape in shapes))
    book = np.zeros(BOOK_COLUMNS, dtype=np.int64)
    state = np.zeros((symbols, STATE_COLUMNS), dtype=np.int64)
    run_account(
        markets.tape,
        markets.filters,
        decisions.signal[0],
        decisions.table,
        decisions.guards[0],
        (decisions.method, float(decisions.sizing[0, 0]), float(decisions.sizing[0, 1])),
        (account.capital_e8, account.slippage_e8),
        state,
        book,
        np.zeros(GAUGE_COLUMNS),
        Blocks(block_counts(closes, 0), np.zeros(0), np.zeros(0)),
        record,
    )
    return record._replace(fills=record.fills[: book[FILLS]].copy()), book, state


def _run_sets(markets: Markets, decisions: Decisions, account: _AccountRun, outcomes: Outcomes) -> None:
    """Run the sets decided on, and write their rows."""
    sets = len(decisions.numbers)
    last_e8, books = np.empty(sets, dtype=np.int64), np.zeros((sets, BOOK_COLUMNS), dtype=np.int64)
    fall, sharpe = np.empty(sets), np.empty(sets)
    blocks = len(outcomes.block_count)
    sums = Blocks(outcomes.block_count, np.zeros((sets, blocks)), np.zeros((sets, blocks)))
    run_sets(
        markets.tape,
        markets.filters,
        decisions.signal,
        decisions.table,
        decisions.guards,
        decisions.method,
        decisions.sizing,
        (account.capital_e8, account.slippage_e8),
        (last_e8, books, fall, sharpe),
        sums,
    )
    where = decisions.numbers
    outcomes.final_equity[where] = last_e8 / 1e8
    outcomes.total_return[where] = last_e8 / account.capital_e8 - 1.0 if account.capital_e8 else 0.0
    outcomes.trades[where], outcomes.fees[where] = books[:, ENTRIES], books[:, FEES] / 1e8
    outcomes.max_drawdown[where], outcomes.sharpe[where] = (fall, sharpe) if blocks else (np.nan, np.nan)
    outcomes.ruined[where] = (books[:, RUIN] > 0) | (last_e8 <= 0)
    outcomes.block_sum[where], outcomes.block_sum_sq[where] = sums.total, sums.square
