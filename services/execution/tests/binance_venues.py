"""A venue that speaks the protocol, and what the account's owner does there by hand."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp

from tradewire.binance.signatures import API_KEY_HEADER, HmacKey
from tradewire.testkit.binance_venue import BinanceVenue
from tradewire.testkit.builders import candle, instrument
from tradewire.venue.faults import FaultPlan

FEES: Mapping[str, Any] = {"taker_fee": Decimal("0.0005"), "maker_fee": Decimal("0.0002")}


def venue_with(*prices: int, balance: int = 100_000, faults: FaultPlan | None = None) -> BinanceVenue:
    """BTC at a price each hour, and BNB at 600."""
    candles = [candle(n, price, volume=Decimal(1000)) for n, price in enumerate(prices)]
    candles += [candle(n, 600, symbol="BNBUSDT") for n in range(len(prices))]
    rules = [instrument(**FEES), instrument("BNBUSDT", **FEES)]
    return BinanceVenue(candles, rules=rules, whole_bars=False, balance=Decimal(balance), faults=faults)


async def ask(venue: BinanceVenue, method: str, path: str, query: str) -> None:
    """What the account's owner does on the exchange's own pages."""
    keys = venue.venue.keys
    payload = f"{query}&timestamp={venue.clock.now_us() // 1000}"
    address = f"{venue.server.rest}{path}?{payload}&signature={HmacKey(keys.secret).sign(payload)}"
    async with aiohttp.request(method, address, headers={API_KEY_HEADER: keys.api_key}) as response:
        assert response.status == 200, await response.text()
