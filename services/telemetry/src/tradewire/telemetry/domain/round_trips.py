"""Each strategy's share of a symbol from flat to flat, by its own fills; amounts are summed in 1e-8 units."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter

from tradewire.ports.events import OrderFilled, Side
from tradewire.trading.exchange import from_e8, to_unbounded_e8
from tradewire.trading.exchange.fixed_point import SCALE, mul_div

TRIPS_MAX = 10_000
ORDERS_MAX = 1_000
"""Newest orders that a round trip names."""
LIQUIDATION = "LIQUIDATION"
ShareKey = tuple[str, str, str]
"""Account, strategy and symbol."""


@dataclass(frozen=True, slots=True)
class StrategyTrade:
    """A round trip, or one at work (``exit_time_us`` None: no exit price and PnL yet).

    ``pnl``: by the prices of the strategy's own fills, less their fees; funding is not in it. The account's realized
    PnL nets strategies against each other: both agree once all shares of a symbol are flat.
    """

    account_id: str
    strategy_id: str
    venue: str
    symbol: str
    side: Side
    qty: Decimal
    entry_time_us: int
    exit_time_us: int | None
    entry_price: Decimal
    exit_price: Decimal | None
    fees: Decimal
    pnl: Decimal | None
    exit_leg: str | None
    orders: tuple[str, ...]

    @property
    def order(self) -> tuple[int, str]:
        """Place in the order of pages: by its newest time."""
        time_us = self.entry_time_us if self.exit_time_us is None else self.exit_time_us
        return time_us, f"{self.account_id}/{self.strategy_id}/{self.symbol}/{self.entry_time_us}"


@dataclass(slots=True)
class WorkingTrade:
    """A round trip at work; notionals are products of two 1e-8 amounts."""

    venue: str
    sign: int
    entry_time_us: int
    held: int = 0
    entered: int = 0
    left: int = 0
    entry_notional: int = 0
    exit_notional: int = 0
    fees: int = 0
    orders: list[str] = field(default_factory=list)

    def shown(self, key: ShareKey, exit_time_us: int | None, exit_leg: str | None) -> StrategyTrade:
        account_id, strategy_id, symbol = key
        gain = self.sign * (self.exit_notional - self.entry_notional)
        ended = exit_time_us is not None
        return StrategyTrade(
            account_id=account_id,
            strategy_id=strategy_id,
            venue=self.venue,
            symbol=symbol,
            side=Side.BUY if self.sign > 0 else Side.SELL,
            qty=from_e8(self.entered),
            entry_time_us=self.entry_time_us,
            exit_time_us=exit_time_us,
            entry_price=from_e8(mul_div(self.entry_notional, 1, self.entered)),
            exit_price=from_e8(mul_div(self.exit_notional, 1, self.left)) if ended else None,
            fees=from_e8(self.fees),
            pnl=from_e8(mul_div(gain, 1, SCALE) - self.fees) if ended else None,
            exit_leg=exit_leg,
            orders=tuple(self.orders),
        )


class TradeBook:
    """Round trips of all accounts; the oldest make room."""

    def __init__(self, trips_max: int = TRIPS_MAX) -> None:
        self.ended: deque[StrategyTrade] = deque(maxlen=trips_max)
        self._working: dict[ShareKey, WorkingTrade] = {}

    def take(self, event: OrderFilled) -> None:
        """Book a fill, seen for the first time."""
        sign = 1 if event.side is Side.BUY else -1
        if event.leg == LIQUIDATION:
            self._liquidate(event, sign)
        else:
            key = (event.account_id, event.strategy_id, event.symbol)
            self._fill(key, event, sign, to_unbounded_e8(event.qty), to_unbounded_e8(event.fee))

    def working(self) -> Iterator[StrategyTrade]:
        """Those that have not ended."""
        return (trade.shown(key, None, None) for key, trade in self._working.items())

    def working_of(self, accounts: Collection[str]) -> list[tuple[ShareKey, WorkingTrade]]:
        """Those at work of some accounts, as a snapshot has them."""
        return [(key, trade) for key, trade in self._working.items() if key[0] in accounts]

    def take_back(self, ended: Iterable[StrategyTrade], working: Iterable[tuple[ShareKey, WorkingTrade]]) -> None:
        """What a snapshot has, beside what is there."""
        self.ended = deque(sorted((*self.ended, *ended), key=attrgetter("order")), self.ended.maxlen)
        self._working |= dict(working)

    def forget(self, accounts: Iterable[str]) -> None:
        """Let go of accounts."""
        gone = set(accounts)
        self.ended = deque((trade for trade in self.ended if trade.account_id not in gone), self.ended.maxlen)
        self._working = {key: trade for key, trade in self._working.items() if key[0] not in gone}

    def _liquidate(self, event: OrderFilled, sign: int) -> None:
        """The venue closed the symbol: every strategy's share of it is gone, and each bears its part of the fee."""
        shares = [key for key in self._working if (key[0], key[2]) == (event.account_id, event.symbol)]
        whole, fee_left = sum(self._working[key].held for key in shares), to_unbounded_e8(event.fee)
        for number, key in enumerate(shares):
            trade = self._working[key]
            last = number == len(shares) - 1
            fee = fee_left if last else mul_div(to_unbounded_e8(event.fee), trade.held, whole)
            fee_left -= fee
            self._fill(key, event, -trade.sign, trade.held, fee)

    def _fill(self, key: ShareKey, event: OrderFilled, sign: int, qty: int, fee: int) -> None:
        """What closes goes to the trade at work, what is left over opens the next."""
        price, trade = to_unbounded_e8(event.price), self._working.get(key)
        closing = min(qty, trade.held) if trade is not None and trade.sign != sign else 0
        closing_fee = mul_div(fee, closing, qty) if closing else 0
        if trade is not None and closing:
            trade.held -= closing
            trade.left += closing
            trade.exit_notional += closing * price
            _note(trade, event, closing_fee)
            if not trade.held:
                del self._working[key]
                self.ended.append(trade.shown(key, event.event_time_us, event.leg))
        if opening := qty - closing:
            trade = self._working.setdefault(key, WorkingTrade(event.venue, sign, event.event_time_us))
            trade.held += opening
            trade.entered += opening
            trade.entry_notional += opening * price
            _note(trade, event, fee - closing_fee)


def _note(trade: WorkingTrade, event: OrderFilled, fee: int) -> None:
    trade.fees += fee
    if event.client_order_id not in trade.orders[-1:]:
        trade.orders.append(event.client_order_id)
        del trade.orders[:-ORDERS_MAX]
