"""Where the exchange is served: scheme and host of REST, of the streams, and of the wallet's REST calls.

Source: Binance docs, "General Info" and "Connect" of USDⓈ-M futures; testnet hosts as in ccxt 4.5.90 (``urls.test``).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Addresses:
    """``wallet``: calls under ``/sapi``; None where there are none."""

    rest: str
    ws: str
    wallet: str | None


TESTNET: Final = "testnet"
MAINNET: Final = "mainnet"
NETWORKS: Final = MappingProxyType(
    {
        TESTNET: Addresses("https://testnet.binancefuture.com", "wss://fstream.binancefuture.com", None),
        MAINNET: Addresses("https://fapi.binance.com", "wss://fstream.binance.com", "https://api.binance.com"),
    }
)
"""Network → its addresses."""
