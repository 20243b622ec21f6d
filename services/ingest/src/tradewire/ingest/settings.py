"""Settings of the ingest service, on top of those of every service."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from tradewire.binance.addresses import NETWORKS, Addresses
from tradewire.ports.errors import FatalError
from tradewire.runtime.settings import RuntimeSettings
from tradewire.trading.times import zone_of


def _known_zone(name: str) -> str:
    zone_of(name)
    return name


class MarketSource(StrEnum):
    """Where market data comes from."""

    CSV = "csv"
    RECORDED = "recorded"
    CCXT = "ccxt"
    BINANCE = "binance"


class Settings(RuntimeSettings):
    """Every knob with its unit and default."""

    market_source: MarketSource = Field(MarketSource.CSV, description="csv, recorded, ccxt or binance.")
    market_path: Path = Field(Path("data/sample"), description="Folder of candle files, or one recorded session.")
    market_files: tuple[str, ...] = Field((), description="Names of the candle files to play; none: all.")
    market_tz: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="Zone of times in candle files that name none, e.g. Europe/Berlin."
    )
    instruments_file: Path | None = Field(None, description="Instruments; none: instruments.yaml beside the candles.")
    bars_per_second: float | None = Field(None, gt=0, description="Pace of a replay; none: full speed.")
    paced_once_begun: tuple[str, ...] = Field(
        (),
        description="VENUE:SYMBOL:INTERVAL of candle files: full speed until each has begun; none: paced at once.",
    )
    replay_until_file: Path | None = Field(
        None, description="File that names the event time, µs, up to which a replay may go; none: no bound."
    )
    ccxt_exchange: str = Field("binanceusdm", description="ccxt's id of the exchange with public candles.")
    ccxt_venue: str = Field("binance", description="Venue name in messages.")
    ccxt_symbols: tuple[str, ...] = Field(("BTCUSDT",), description="The venue's own symbols.")
    ccxt_interval: str = Field("1m", description="Candle interval.")
    ccxt_base_url: str | None = Field(
        None, description="Scheme and host in place of the exchange's own, e.g. of a proxy; none: the exchange's."
    )
    binance_symbols: tuple[str, ...] = Field(("BTCUSDT",), description="Symbols to follow at Binance.")
    binance_interval: str = Field("1m", description="Candle interval there.")
    binance_streams: tuple[Literal["quote", "trade"], ...] = Field(
        (), description="What to publish besides candles and marks: quote (best bid and ask), trade (aggregate trades)."
    )
    binance_network: Literal["local", "testnet", "mainnet"] = Field(
        "local", description="Which Binance: local is a venue at the two URLs below."
    )
    binance_rest_url: str | None = Field(None, description="REST of a local venue, as `tradewire venue` says.")
    binance_ws_url: str | None = Field(None, description="WebSocket of a local venue, as `tradewire venue` says.")
    binance_keys: Path | None = Field(None, description="Folder of the accounts' keys, as execution has it.")
    binance_brackets_account: str | None = Field(
        None,
        description="Account under whose key Binance is asked for leverage brackets, with each look at the "
        "instruments; a key that may only read is enough. None: they come from the instruments file.",
    )
    binance_late_seconds: float = Field(
        3.0, gt=0, description="After its close, s of the venue: a bar that no stream brought is asked for by REST."
    )
    binance_silent_seconds: float = Field(30.0, gt=0, description="Without a message, s: a connection is opened anew.")
    rate_budget_dsn: str | None = Field(
        None, description="Postgres that counts requests for all services on this address; none: each for itself."
    )

    @model_validator(mode="after")
    def _brackets_have_keys(self) -> Settings:
        if self.binance_brackets_account is not None and self.binance_keys is None:
            raise ValueError("TRADEWIRE_BINANCE_KEYS: found none, allowed is the folder of the accounts' keys")
        return self

    def binance_addresses(self) -> Addresses:
        """Where Binance is. Raises FatalError for a local venue without addresses."""
        if self.binance_network != "local":
            return NETWORKS[self.binance_network]
        if self.binance_rest_url is None or self.binance_ws_url is None:
            allowed = "both URLs, as `tradewire venue` says, or TRADEWIRE_BINANCE_NETWORK=testnet or mainnet"
            raise FatalError(
                f"TRADEWIRE_BINANCE_REST_URL={self.binance_rest_url}, TRADEWIRE_BINANCE_WS_URL={self.binance_ws_url}: "
                f"allowed are {allowed}"
            )
        return Addresses(self.binance_rest_url, self.binance_ws_url, None)
