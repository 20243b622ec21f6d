"""States that are made of what changed are those that the exchange tells at each close."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from tradewire.backtest.futures import FuturesEngine, history, loop
from tradewire.backtest.futures.simulation import Simulation
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.exchange import AccountSnapshot

from .requests import requests


def run_and_look(request: BacktestRequest) -> tuple[Simulation, list[AccountSnapshot]]:
    """Run without the compiled loop; what the exchange tells at each close."""
    ran: dict[int, Simulation] = {}
    told: list[AccountSnapshot] = []
    book = Simulation._book

    def look(simulation: Simulation, at: int) -> None:
        book(simulation, at)
        ran[0] = simulation
        told.append(simulation.exchange.account_state())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "trade", lambda start, *_: (start, False))
        patch.setattr(Simulation, "_book", look)
        FuturesEngine().run(request)
    return ran[0], told


def state(told: AccountSnapshot) -> tuple[int, ...]:
    margins = (told.initial_margin_e8, told.maintenance_margin_e8)
    totals = (told.realized_pnl_e8, told.fees_e8, -told.funding_e8)
    return (told.time_us, told.wallet_e8, told.unrealized_pnl_e8, told.equity_e8, *margins, *totals)


def position(told: AccountSnapshot, symbol: str) -> tuple[int, ...]:
    for held in told.positions:
        if held.symbol == symbol:
            return (held.qty_e8, held.entry_price_e8, held.mark_e8, held.unrealized_pnl_e8)
    return (0, 0, 0, 0)


def joined(parts: Iterable[NDArray[np.int64]]) -> list[tuple[int, ...]]:
    return [tuple(row) for part in parts for row in part.tolist()]


@settings(deadline=None, max_examples=40)
@given(request=requests(bars=80))
def test_states_and_positions_are_those_of_the_exchange(request: BacktestRequest) -> None:
    run, told = run_and_look(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "CLOSES_AT_ONCE", 7)
        states = joined(run.history.states())
        positions = {symbol: joined(parts) for symbol, parts in run.history.positions().items()}

    assert states == [state(one) for one in told]
    assert run.equity.tolist() == [one.equity_e8 for one in told]
    held = {one.symbol for snapshot in told for one in snapshot.positions}
    assert positions == {symbol: [position(one, symbol) for one in told] for symbol in held}
