"""Balances and positions of an account at Binance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    rows = [read_reply(PositionRisk, row) for row in shown]
    return BrokerAccount(
        wallet_balance=Decimal(told["totalWalletBalance"]),
        unrealized_pnl=Decimal(told["totalUnrealizedProfit"]),
        equity=Decimal(told["totalMarginBalance"]),
        initial_margin=Decimal(told["totalPositionInitialMargin"]),
        maintenance_margin=Decimal(told["totalMaintMargin"]),
        realized_pnl=ZERO,
        fees_paid=ZERO,
        funding_paid=ZERO,
        positions=tuple(_netted(rows)),
    )


def _netted(rows: Sequence[PositionRisk]) -> Iterator[BrokerPosition]:
    """One position of each symbol: our records net the sides of a hedge. Its prices are those of the larger side."""
    for symbol in sorted({row.symbol for row in rows if row.amount}):
        sides = [row for row in rows if row.symbol == symbol]
        largest = max(sides, key=lambda row: abs(row.amount))
        yield BrokerPosition(
            symbol=symbol,
            qty=sum((row.amount for row in sides), ZERO),
            entry_price=largest.entry_price,
            mark_price=largest.mark_price,
            unrealized_pnl=sum((row.unrealized for row in sides), ZERO),
            liquidation_price=largest.liquidation_price or None,
        )
