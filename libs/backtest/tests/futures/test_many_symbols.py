"""Many symbols that signal at once: what a bar of one costs does not depend on how many others are held."""

from __future__ import annotations

import pytest

from tradewire.backtest.futures import FuturesEngine, loop
from tradewire.ports.backtest import BacktestRequest
from tradewire.trading.exchange.account import Position

from .markets import market, strategy


def shares_asked(symbols: int) -> tuple[int, int]:
    """How often the exchange asks a position for its share of a sum, and fills, with every bar given to it."""
    names = tuple(f"S{number:03d}USDT" for number in range(symbols))
    asked: list[None] = []
    share = Position.free_share_e8.fget  # type: ignore[attr-defined]  # a property

    def counted(position: Position) -> int:
        asked.append(None)
        found: int = share(position)
        return found

    request = BacktestRequest(
        strategy(names, sizing="fixed_notional: 333"),
        tuple(market(name, seed=number % 5, count=60) for number, name in enumerate(names)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "trade", lambda start, *_: (start, False))
        patch.setattr(Position, "free_share_e8", property(counted))
        result = FuturesEngine().run(request)
    return len(asked), len(result.fills)


def test_orders_of_many_symbols_at_once_cost_in_proportion_to_them() -> None:
    (few, few_fills), (many, many_fills) = shares_asked(5), shares_asked(40)

    assert many_fills == 8 * few_fills > 0
    assert many < 10 * few
