"""The simulated exchange's account as a venue shows one."""

from __future__ import annotations

from tradewire.ports.broker import BrokerAccount, BrokerPosition
from tradewire.trading.exchange import AccountSnapshot, PositionSnapshot, from_e8


def broker_account(state: AccountSnapshot) -> BrokerAccount:
    """Balances and open positions in decimals."""
    return BrokerAccount(
        wallet_balance=from_e8(state.wallet_e8),
        unrealized_pnl=from_e8(state.unrealized_pnl_e8),
        equity=from_e8(state.equity_e8),
        initial_margin=from_e8(state.initial_margin_e8),
        maintenance_margin=from_e8(state.maintenance_margin_e8),
        realized_pnl=from_e8(state.realized_pnl_e8),
        fees_paid=from_e8(state.fees_e8),
        funding_paid=from_e8(-state.funding_e8),
        positions=tuple(map(_position, state.positions)),
    )


def _position(position: PositionSnapshot) -> BrokerPosition:
    liquidation_e8 = position.liquidation_price_e8
    return BrokerPosition(
        symbol=position.symbol,
        qty=from_e8(position.qty_e8),
        entry_price=from_e8(position.entry_price_e8),
        mark_price=from_e8(position.mark_e8),
        unrealized_pnl=from_e8(position.unrealized_pnl_e8),
        liquidation_price=from_e8(liquidation_e8) if liquidation_e8 else None,
    )
