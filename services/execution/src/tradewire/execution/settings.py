"""Settings of the execution service, on top of those of every service."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from tradewire.binance.addresses import NETWORKS, Addresses
from tradewire.runtime.settings import RuntimeSettings
from tradewire.trading.exchange import MarginMode

SHOWN_SECONDS_LEAST: Final = 10.0
"""Binance refuses a request that arrives later than its recvWindow of 5 s; the rest is for its own replication."""


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    execution_dsn: str | None = Field(None, description="Postgres DSN of the ledger; none: in memory (monolith only).")
    paper_balance: Decimal = Field(Decimal(100_000), gt=0, description="Opening balance of a paper account, quote.")
    paper_leverage: int = Field(5, ge=1, description="Leverage of a paper account's symbols.")
    paper_margin_mode: MarginMode = Field(MarginMode.CROSS, description="CROSS or ISOLATED margin of a paper account.")
    volume_share: Decimal = Field(Decimal(0), ge=0, le=1, description="Largest share of a bar's volume; 0: no bound.")
    latency_us: int = Field(0, ge=0, description="Time that an order takes to the paper venue, µs.")
    slippage_bps: Decimal = Field(Decimal(1), ge=0, description="Slippage of market orders, basis points of price.")
    venue: Literal["paper", "simulated", "binance"] = Field(
        "paper",
        description="Where orders go. paper: the simulated exchange in event time; simulated: the order router and, as "
        "its broker, a simulated exchange of this process (monolith, ledger in memory); binance: Binance USDⓈ-M "
        "futures, or `tradewire venue`.",
    )
    binance_network: Literal["local", "testnet", "mainnet"] = Field(
        "local", description="Which Binance: local is a venue on this machine, at the two URLs below."
    )
    binance_rest_url: str | None = Field(None, description="REST of a local venue, as `tradewire venue` says.")
    binance_ws_url: str | None = Field(None, description="WebSocket of a local venue, as `tradewire venue` says.")
    binance_keys: Path | None = Field(
        None, description="Folder with <account>.key and <account>.secret (HMAC) or <account>.pem (Ed25519)."
    )
    binance_leverage: int = Field(5, ge=1, le=125, description="Leverage that every traded symbol must be set to.")
    binance_margin_mode: MarginMode = Field(MarginMode.CROSS, description="Margin that every symbol must be set to.")
    binance_position_mode: Literal["one-way", "hedge"] = Field(
        "one-way", description="Position mode that the account must be set to."
    )
    binance_dead_man_seconds: int = Field(
        120, ge=0, description="Silence after which Binance withdraws our resting orders, not stops, s; 0: never."
    )
    binance_shown_seconds: float = Field(
        15.0, ge=0, description="Time after which an order that was sent is shown by Binance, or never will be, s."
    )
    rate_budget_dsn: str | None = Field(
        None, description="Postgres that counts requests for all services on this address; none: each for itself."
    )
    binance_shadow: bool = Field(False, description="true: do everything but send; orders are checked and rejected.")
    binance_promotion: Path | None = Field(
        None, description="JSON file that lets a revision and accounts trade on the mainnet."
    )
    binance_mainnet: bool = Field(False, description="true: orders for real money may leave for Binance's mainnet.")

    def binance_addresses(self) -> Addresses:
        """Where Binance is."""
        if self.binance_network != "local":
            return NETWORKS[self.binance_network]
        rest, ws = self.binance_rest_url or "", self.binance_ws_url or ""
        return Addresses(rest.rstrip("/"), ws.rstrip("/"), rest.rstrip("/"))

    @field_validator("venue")
    @classmethod
    def _broker_ends_with_its_process(cls, venue: str, info: ValidationInfo) -> str:
        """A ledger that outlives the simulated broker would not agree with it."""
        if venue == "simulated" and info.data.get("execution_dsn") is not None:
            raise ValueError("paper, where TRADEWIRE_EXECUTION_DSN is set: a simulated broker ends with its process")
        if venue == "simulated" and info.data.get("latency_us"):
            raise ValueError("paper, where TRADEWIRE_LATENCY_US is set: the router asks until a cancel is carried out")
        return venue

    @model_validator(mode="after")
    def _binance_is_reached_on_purpose(self) -> Settings:
        """A local venue is on loopback; the mainnet needs its switch."""
        if self.venue != "binance":
            return self
        if self.binance_keys is None:
            raise ValueError("TRADEWIRE_BINANCE_KEYS: found none, allowed is the folder of the accounts' keys")
        if self.binance_network != "local" and self.binance_shown_seconds < SHOWN_SECONDS_LEAST:
            found, allowed = self.binance_shown_seconds, f"at least {SHOWN_SECONDS_LEAST}"
            raise ValueError(f"TRADEWIRE_BINANCE_SHOWN_SECONDS: found {found}, allowed is {allowed}")
        if self.binance_network == "mainnet" and not self.binance_mainnet:
            raise ValueError("TRADEWIRE_BINANCE_NETWORK: found mainnet, allowed with TRADEWIRE_BINANCE_MAINNET=true")
        if self.binance_network == "mainnet" and self.binance_promotion is None:
            raise ValueError("TRADEWIRE_BINANCE_PROMOTION: found none, allowed on the mainnet is a promotion record")
        urls = {"REST": (self.binance_rest_url, "http"), "WS": (self.binance_ws_url, "ws")}
        for name, (url, scheme) in urls.items():
            if self.binance_network == "local" and not _is_loopback(url, scheme):
                allowed = f"{scheme}://127.0.0.1:PORT, as `tradewire venue` says"
                raise ValueError(f"TRADEWIRE_BINANCE_{name}_URL: found {url}, allowed is {allowed}")
            if self.binance_network != "local" and url is not None:
                raise ValueError(f"TRADEWIRE_BINANCE_{name}_URL: found {url}, allowed with the network local alone")
        return self


def _is_loopback(url: str | None, scheme: str) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme == scheme and parts.hostname in ("127.0.0.1", "::1", "localhost") and parts.path in ("", "/")
