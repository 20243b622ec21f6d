"""What a run came to, in the port's terms: numbers here; ids, fingerprint and objects when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from tradewire.backtest.futures.grid import Grid
from tradewire.backtest.futures.history import AccountHistory
from tradewire.backtest.futures.log import (
    AMOUNT,
    FEE,
    HELD,
    LEG,
    LEGS,
    PAID_SYMBOL,
    PAID_TIME,
    POSITION,
    PRICE,
    QTY,
    REALIZED,
    SIGN,
    SYMBOL,
    TIME,
    Log,
)
from tradewire.backtest.futures.round_trips import OPEN, RoundTrips, round_trips, slippages
from tradewire.backtest.loops.units import IntMatrix
from tradewire.backtest.on_access import MadeOnAccess, MadeOnce
from tradewire.backtest.trades import STILL_OPEN, Filled, Paid, TradeColumns, trades_of_units
from tradewire.ports.activity import Activity
from tradewire.ports.backtest import BacktestFill, BacktestRequest, BacktestResult, FundingPayment, Trade
from tradewire.ports.events import Liquidity, Side
from tradewire.trading.exchange import from_e8
from tradewire.trading.fingerprint import AccountRows, fill_text, fingerprint
from tradewire.trading.language import CompiledStrategy

ROWS_AT_ONCE = 1 << 12
_LIQUIDITIES = (Liquidity.TAKER, Liquidity.MAKER)


class AccountRun(Protocol):
    """An account's whole run: ``equity`` (t,) and ``positions`` (s, t) at the closes, 1e-8."""

    grid: Grid
    log: Log
    history: AccountHistory
    equity: IntMatrix
    positions: IntMatrix

    @property
    def insurance_e8(self) -> int:
        """What the insurance fund bore, quote."""


def result_of(
    request: BacktestRequest,
    strategy: CompiledStrategy,
    run: AccountRun,
    fill_model: str,
    marks_e8: Sequence[int],
    activity: Activity,
) -> BacktestResult:
    """The result; ``marks_e8`` by symbol, as of the end."""
    grid, symbols = run.grid, run.grid.symbols
    log, history = run.log, run.history  # what is made later keeps these, and not the whole run
    rows, paid = log.fills.matrix(), log.payments.matrix()
    ids = MadeOnAccess(len(rows), lambda: log.client_order_ids(rows))

    def made_fingerprint() -> str:
        lines = list(_lines(rows, ids, symbols))
        told = AccountRows(len(history.grid), history.states(), history.positions(), lines)
        return fingerprint({strategy.account: told})

    return BacktestResult(
        engine="futures",
        strategy_id=strategy.id,
        strategy_hash=strategy.digest,
        params=strategy.params,
        account=request.account,
        make_fingerprint=MadeOnce(made_fingerprint),
        fill_model=fill_model,
        left_out=(),
        trades=MadeOnAccess(_count_of_trades(rows), lambda: _trades(rows, paid, marks_e8, symbols)),
        fills=MadeOnAccess(len(rows), lambda: fill_objects(rows, ids, symbols)),
        funding=MadeOnAccess(len(paid), lambda: payment_objects(paid, symbols)),
        time_us=grid.close_time_us,
        equity_e8=run.equity,
        position_e8=dict(zip(symbols, run.positions, strict=True)),
        fees=from_e8(int(rows[:, FEE].sum())),
        insurance=from_e8(run.insurance_e8),
        make_activity=MadeOnce.of(activity),
    )


def _count_of_trades(rows: IntMatrix) -> int:
    """How many trades the fills make: each opens a position from flat, or from the other side."""
    after = rows[:, POSITION]
    before = after - rows[:, SIGN] * rows[:, QTY]
    return int(np.count_nonzero((after != 0) & (np.sign(before) != np.sign(after))))


def _trades(rows: IntMatrix, paid: IntMatrix, marks_e8: Sequence[int], symbols: Sequence[str]) -> Iterable[Trade]:
    """The trades of all fills; ``rows`` and ``paid`` as in `Log`."""
    slippage = slippages(rows)
    trips = round_trips(rows, paid, slippage, np.array(marks_e8, dtype=np.int64))
    if trips is not None:
        return trade_objects(rows, trips, symbols)
    return trades_of_units(
        _filled(rows, slippage, symbols),
        (Paid(row[PAID_TIME], symbols[row[PAID_SYMBOL]], row[AMOUNT], row[HELD]) for row in paid.tolist()),
        dict(zip(symbols, marks_e8, strict=True)),
    )


def _lines(rows: IntMatrix, ids: Sequence[str], symbols: Sequence[str]) -> Iterator[str]:
    """The fills as the fingerprint takes them."""
    sides, liquidities = {1: Side.BUY.value, -1: Side.SELL.value}, [liquidity.value for liquidity in _LIQUIDITIES]
    for row, order_id in zip(_numbers(rows), ids, strict=True):
        time_us, symbol, _, sign, maker, qty, price, fee, realized, position, _, _ = row
        names = (symbols[symbol], order_id, sides[sign], liquidities[maker])
        yield fill_text(time_us, *names, qty, price, fee, realized, position)


def _numbers(rows: IntMatrix) -> Iterator[list[int]]:
    """Rows as Python's numbers, some at a time: these take five times the memory."""
    for first in range(0, len(rows), ROWS_AT_ONCE):
        yield from rows[first : first + ROWS_AT_ONCE].tolist()


def _filled(rows: IntMatrix, slippage: IntMatrix, symbols: Sequence[str]) -> Iterator[Filled]:
    """The fills as trades are made of them."""
    names = [symbols[number] for number in rows[:, SYMBOL].tolist()]
    times, signs, *amounts, realized = rows[:, [TIME, SIGN, QTY, PRICE, FEE, REALIZED]].T.tolist()
    legs = [LEGS[number] for number in rows[:, LEG].tolist()]
    yield from map(Filled, times, names, signs, *amounts, slippage.tolist(), realized, legs)


def fill_objects(rows: IntMatrix, ids: Sequence[str], symbols: Sequence[str]) -> Iterator[BacktestFill]:
    """Rows of `Log.fills` with their ids, as the port has them."""
    for row, order_id, lost in zip(_numbers(rows), ids, slippages(rows).tolist(), strict=True):
        time_us, symbol, leg, sign, maker, qty, price, fee, realized, _, _, _ = row
        yield BacktestFill(
            time_us=time_us,
            symbol=symbols[symbol],
            client_order_id=order_id,
            leg=LEGS[leg],
            side=Side.BUY if sign > 0 else Side.SELL,
            qty=from_e8(qty),
            price=from_e8(price),
            fee=from_e8(fee),
            liquidity=_LIQUIDITIES[maker],
            realized_pnl=from_e8(realized),
            slippage=from_e8(lost),
        )


def payment_objects(rows: IntMatrix, symbols: Sequence[str]) -> Iterator[FundingPayment]:
    """Rows of `Log.payments` as the port has them."""
    for time_us, symbol, amount, held in rows[:, [PAID_TIME, PAID_SYMBOL, AMOUNT, HELD]].tolist():
        yield FundingPayment(time_us, symbols[symbol], from_e8(amount), from_e8(held))


def trade_objects(rows: IntMatrix, trips: RoundTrips, symbols: Sequence[str]) -> Iterator[Trade]:
    """The trades as the port has them; ``rows`` of `Log.fills`."""
    entries = rows[trips.entry]
    columns = TradeColumns(
        symbol=entries[:, SYMBOL],
        sign=entries[:, SIGN],
        qty=entries[:, QTY],
        entry_time_us=entries[:, TIME],
        exit_time_us=np.where(trips.exit == OPEN, STILL_OPEN, rows[trips.exit, TIME]),
        entry_price=entries[:, PRICE],
        exit_price=trips.exit_price,
        fees=trips.fees,
        funding=trips.funding,
        slippage=trips.slippage,
        pnl=trips.pnl,
        exit_leg=rows[trips.exit, LEG],
    )
    return columns.trades(symbols, LEGS)
