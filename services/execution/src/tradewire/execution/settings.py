"""Settings of the execution service, on top of those of every service."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

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
    venue: Literal["paper", "simulated"] = Field(
        "paper",
        description="Where orders go. paper: the simulated exchange in event time; simulated: the order router and, as "
        "its broker, a simulated exchange of this process (monolith, ledger in memory).",
    )

    @field_validator("venue")
    @classmethod
    def _broker_ends_with_its_process(cls, venue: str, info: ValidationInfo) -> str:
        """A ledger that outlives the simulated broker would not agree with it."""
        if venue == "simulated" and info.data.get("execution_dsn") is not None:
            raise ValueError("paper, where TRADEWIRE_EXECUTION_DSN is set: a simulated broker ends with its process")
        if venue == "simulated" and info.data.get("latency_us"):
            raise ValueError("paper, where TRADEWIRE_LATENCY_US is set: the router asks until a cancel is carried out")
        return venue
