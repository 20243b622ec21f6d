"""The outcome of bars that were walked elsewhere, for an exchange to go on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from tradewire.trading.exchange.bars import Quote
from tradewire.trading.exchange.executor import Executor
from tradewire.trading.exchange.orders import Order

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Money(NamedTuple):
    """An account's wallet and running totals, quote e8; ``funding_e8`` as received."""

    wallet_e8: int
    realized_e8: int
    fees_e8: int
    funding_e8: int


class Holding(NamedTuple):
    """A position: signed quantity, cost and isolated margin, e8."""

    qty_e8: int
    cost_e8: int
    margin_e8: int


class Passed(NamedTuple):
    """What bars led to. ``extremes``: the best price that each open trailing stop saw, by client order id.

    ``quotes`` and ``holdings`` by symbol, those that changed; ``money`` None: unchanged; ``orders`` and ``trades``:
    how many were submitted, and filled to the end; ``resting``: all orders that are open now, oldest first, None:
    the same as before.
    """

    quotes: Mapping[str, Quote]
    extremes: Mapping[str, int] = _NONE
    holdings: Mapping[str, Holding] = _NONE
    money: Money | None = None
    orders: int = 0
    trades: int = 0
    resting: Sequence[Order] | None = None


def take_over(executor: Executor, passed: Passed) -> None:
    """Put the account where the bars left it."""
    account = executor.account
    for symbol, quote in passed.quotes.items():
        position = account.positions[symbol]
        position.bar_close_us, position.last_e8, position.mark_e8 = quote
    for client_order_id, extreme_e8 in passed.extremes.items():
        executor.registry.open[client_order_id].extreme_e8 = extreme_e8
    for symbol, holding in passed.holdings.items():
        account.hold(account.positions[symbol], **holding._asdict())
    if passed.money is not None:
        account.wallet_e8, account.realized_e8, account.fees_e8, account.funding_e8 = passed.money
    executor.trades += passed.trades
    if passed.resting is not None:
        executor.registry.replace(passed.resting)
