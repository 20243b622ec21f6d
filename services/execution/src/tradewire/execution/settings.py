"""Settings of the execution service, on top of those of every service."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from tradewire.runtime.settings import RuntimeSettings
from tradewire.trading.exchange import MarginMode


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    execution_dsn: str | None = Field(None, description="Postgres DSN of the ledger; none: in memory (monolith only).")
    paper_balance: Decimal = Field(Decimal(100_000), gt=0, description="Opening balance of a paper account, quote.")
    paper_leverage: int = Field(5, ge=1, description="Leverage of a paper account's symbols.")
    paper_margin_mode: MarginMode = Field(MarginMode.CROSS, description="CROSS or ISOLATED margin of a paper account.")
    volume_share: Decimal = Field(Decimal(0), ge=0, le=1, description="Largest share of a bar's volume; 0: no bound.")
    latency_us: int = Field(0, ge=0, description="Time that an order takes to the paper venue, µs.")
    slippage_bps: Decimal = Field(Decimal(1), ge=0, description="Slippage of market orders, basis points of price.")
