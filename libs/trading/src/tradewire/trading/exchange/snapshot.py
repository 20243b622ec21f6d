"""The account as a reader sees it at one moment; all amounts e8, positions in canonical symbol order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tradewire.trading.exchange.account import Account, Position
from tradewire.trading.exchange.admission import margin_of_orders
from tradewire.trading.exchange.margin import MarginMode
from tradewire.trading.exchange.order_registry import OrderRegistry
from tradewire.trading.exchange.orders import NewOrder, Order, OrderStatus


@dataclass(frozen=True, slots=True)
class PositionSnapshot:
    """One open position; ``qty_e8`` is signed, ``liquidation_price_e8`` 0 when there is none."""

    symbol: str
    qty_e8: int
    entry_price_e8: int
    mark_e8: int
    unrealized_pnl_e8: int
    initial_margin_e8: int
    maintenance_margin_e8: int
    liquidation_price_e8: int
    leverage: int
    margin_mode: MarginMode


@dataclass(frozen=True, slots=True)
class OpenOrderSnapshot:
    """One open order; ``extreme_e8`` is the best price a trailing stop has seen, 0 otherwise."""

    request: NewOrder
    venue_order_id: str
    status: OrderStatus
    qty_e8: int
    filled_e8: int
    extreme_e8: int


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Balances, totals since the start, open positions and open orders (oldest first).

    To the unit, wallet = initial balance + realized - fees + funding + insurance, equity = wallet + unrealized.
    ``order_margin_e8`` is held for open orders; ``available_balance_e8`` is what new positions may draw on.
    ``realized_pnl_e8`` is before fees; ``funding_e8`` is what was received, negative when paid.
    """

    account_id: str
    time_us: int
    initial_balance_e8: int
    wallet_e8: int
    unrealized_pnl_e8: int
    equity_e8: int
    initial_margin_e8: int
    order_margin_e8: int
    available_balance_e8: int
    maintenance_margin_e8: int
    realized_pnl_e8: int
    fees_e8: int
    funding_e8: int
    insurance_e8: int
    positions: tuple[PositionSnapshot, ...]
    open_orders: tuple[OpenOrderSnapshot, ...]


def account_snapshot(account_id: str, time_us: int, account: Account, registry: OrderRegistry) -> AccountSnapshot:
    """Snapshot of an account and its orders."""
    positions = tuple(_position(account, position) for position in account.open_positions())
    unrealized_e8 = sum(position.unrealized_pnl_e8 for position in positions)
    order_margin_e8 = margin_of_orders(account, registry)
    return AccountSnapshot(
        account_id=account_id,
        time_us=time_us,
        initial_balance_e8=account.initial_balance_e8,
        wallet_e8=account.wallet_e8,
        unrealized_pnl_e8=unrealized_e8,
        equity_e8=account.wallet_e8 + unrealized_e8,
        initial_margin_e8=sum(position.initial_margin_e8 for position in positions),
        order_margin_e8=order_margin_e8,
        available_balance_e8=max(0, _free_e8(account) - order_margin_e8),
        maintenance_margin_e8=sum(position.maintenance_margin_e8 for position in positions),
        realized_pnl_e8=account.realized_e8,
        fees_e8=account.fees_e8,
        funding_e8=account.funding_e8,
        insurance_e8=account.insurance_e8,
        positions=positions,
        open_orders=_open_orders(registry.open.values()),
    )


def _free_e8(account: Account) -> int:
    """Cross wallet with the cross positions' profits, less their initial margins."""
    held = account.cross_positions()
    return account.cross_wallet_e8 + sum(item.unrealized_e8 - item.initial_margin_e8 for item in held)


def _position(account: Account, position: Position) -> PositionSnapshot:
    return PositionSnapshot(
        symbol=position.spec.symbol,
        qty_e8=position.qty_e8,
        entry_price_e8=position.entry_price_e8,
        mark_e8=position.mark_e8,
        unrealized_pnl_e8=position.unrealized_e8,
        initial_margin_e8=position.initial_margin_e8 if position.is_cross else position.margin_e8,
        maintenance_margin_e8=position.maintenance_e8,
        liquidation_price_e8=account.liquidation_price_e8(position),
        leverage=position.leverage,
        margin_mode=position.mode,
    )


def _open_orders(orders: Iterable[Order]) -> tuple[OpenOrderSnapshot, ...]:
    return tuple(
        OpenOrderSnapshot(
            request=order.request,
            venue_order_id=order.venue_order_id,
            status=order.status,
            qty_e8=order.qty_e8,
            filled_e8=order.filled_e8,
            extreme_e8=order.extreme_e8,
        )
        for order in orders
    )
