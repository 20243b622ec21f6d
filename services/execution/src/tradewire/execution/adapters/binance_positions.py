"""Balances and positions of an account at Binance."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradewire.binance.replies import PositionRisk
from tradewire.execution.adapters.binance_rest import BinanceRest, read_reply
from tradewire.ports.broker import BrokerAccount, BrokerPosition

ZERO: Final = Decimal(0)


async def read_account(rest: BinanceRest) -> BrokerAccount:
    """Balances and positions now. Raises RetryableError, FatalError."""
    told = await rest.ask("GET", "/fapi/v3/account")
    held = any(Decimal(row["positionAmt"]) for row in told["positions"])
    shown = await rest.ask("GET", "/fapi/v3/positionRisk") if held else []
    rows = sorted((read_reply(PositionRisk, row) for row in shown), key=lambda row: (row.symbol, row.position_side))
    return BrokerAccount(
        wallet_balance=Decimal(told["totalWalletBalance"]),
        unrealized_pnl=Decimal(told["totalUnrealizedProfit"]),
        equity=Decimal(told["totalMarginBalance"]),
        initial_margin=Decimal(told["totalPositionInitialMargin"]),
        maintenance_margin=Decimal(told["totalMaintMargin"]),
        realized_pnl=ZERO,
        fees_paid=ZERO,
        funding_paid=ZERO,
        positions=tuple(_position(row) for row in rows if row.amount),
    )


def _position(row: PositionRisk) -> BrokerPosition:
    return BrokerPosition(
        symbol=row.symbol,
        qty=row.amount,
        entry_price=row.entry_price,
        mark_price=row.mark_price,
        unrealized_pnl=row.unrealized,
        liquidation_price=row.liquidation_price or None,
        position_side=row.position_side,
    )
