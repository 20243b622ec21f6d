"""A venue on loopback that serves candles in Binance's shapes, by its own clock, and misbehaves on demand.

Shapes: Binance, USDⓈ-M futures, ``GET /fapi/v1/{time,exchangeInfo,klines,markPriceKlines,fundingRate}``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

from aiohttp import web

from tradewire.testkit.manual_clock import ManualClock

MINUTE_MS = 60_000
Reply = Callable[[], web.Response]
"""Makes the answer to one request."""

FILTERS = [
    {"minPrice": "556.72", "maxPrice": "1000000", "filterType": "PRICE_FILTER", "tickSize": "0.10"},
    {"stepSize": "0.001", "filterType": "LOT_SIZE", "maxQty": "1000", "minQty": "0.001"},
    {"stepSize": "0.001", "filterType": "MARKET_LOT_SIZE", "maxQty": "120", "minQty": "0.001"},
    {"notional": "5", "filterType": "MIN_NOTIONAL"},
    {"multiplierDown": "0.9500", "multiplierUp": "1.0600", "filterType": "PERCENT_PRICE"},
]


def kline(start_ms: int, minute: int, **fields: str) -> list[object]:
    """The row of a minute after ``start_ms``: 12 columns, numbers as text."""
    opened = start_ms + minute * MINUTE_MS
    numbers = {"open": "7.6080", "high": "9.6180", "low": "7.6070", "close": f"8.{minute:02d}00", "volume": "3005"}
    values = (numbers | fields).values()
    return [opened, *values, opened + MINUTE_MS - 1, "22875.8590", 113, "1900", "14464.6960", "0"]


def symbol_info(symbol: str, **fields: object) -> dict[str, object]:
    """A symbol as ``GET /fapi/v1/exchangeInfo`` has it."""
    return {
        "symbol": symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 2,
        "quantityPrecision": 3,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "liquidationFee": "0.012000",
        "filters": FILTERS,
    } | fields


class FakeCandleVenue:
    """Serves 1m klines of ``minutes`` after ``start_ms`` up to its clock, the open one included.

    ``replies`` are given first, one a request (None = a proper answer); ``hanging`` answers never; ``late`` minutes are
    left out of the next answer only; ``odd`` rows stand in for proper ones. ``asked`` notes (symbol, first minute).
    ``marks``: rows by minute; ``settlements``: funding rates by (minute, ms after it) in ascending order.
    """

    def __init__(self, clock: ManualClock, *, start_ms: int) -> None:
        self.clock, self.start_ms = clock, start_ms
        self.ahead_ms = 0
        self.minutes = list(range(1000))
        self.symbols = [symbol_info("BTCUSDT"), symbol_info("ETHUSDT")]
        self.odd: dict[int, list[object]] = {}
        self.marks: dict[int, list[object]] = {}
        self.settlements: dict[tuple[int, int], str] = {}
        self.replies: list[Reply | None] = []
        self.late: set[int] = set()
        self.hanging = False
        self.asked: list[tuple[str, int]] = []
        self.url = ""
        self._stopped = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of loopback; ``url`` is known from then on."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = cast("tuple[str, int]", self._runner.addresses[0])
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        """Drop all connections."""
        self._stopped.set()
        if self._runner:
            await self._runner.cleanup()

    @property
    def now_ms(self) -> int:
        """The venue's own time."""
        return self.clock.now_us() // 1000 + self.ahead_ms

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path == "/fapi/v1/time":
            return web.json_response({"serverTime": self.now_ms})
        if request.path == "/fapi/v1/markPriceKlines":
            return web.json_response([row for row in self.marks.values() if self._wanted(row[0], request.query)])
        if request.path == "/fapi/v1/fundingRate":
            rows = [self._settlement(request.query["symbol"], *item) for item in self.settlements.items()]
            return web.json_response([row for row in rows if self._wanted(row["fundingTime"], request.query)])
        reply = self.replies.pop(0) if self.replies else None
        if reply is not None:
            return reply()
        if request.path == "/fapi/v1/exchangeInfo":
            return web.json_response({"symbols": self.symbols})
        if self.hanging:
            await self._stopped.wait()
        return web.json_response(self._klines(request.query))

    def _wanted(self, time_ms: object, query: Mapping[str, str]) -> bool:
        return int(query["startTime"]) <= int(str(time_ms)) <= self.now_ms

    def _settlement(self, symbol: str, at: tuple[int, int], rate: str) -> dict[str, object]:
        time_ms = self.start_ms + at[0] * MINUTE_MS + at[1]
        return {"symbol": symbol, "fundingTime": time_ms, "fundingRate": rate, "markPrice": "8.10000000"}

    def _klines(self, query: Mapping[str, str]) -> list[list[object]]:
        since_ms, limit = int(query["startTime"]), int(query["limit"])
        self.asked.append((query["symbol"], (since_ms - self.start_ms) // MINUTE_MS))
        found = [
            minute
            for minute in self.minutes
            if since_ms <= self.start_ms + minute * MINUTE_MS <= self.now_ms and minute not in self.late
        ]
        self.late.clear()
        return [self.odd.get(minute) or self._row(minute) for minute in found[:limit]]

    def _row(self, minute: int) -> list[object]:
        still_open = self.start_ms + (minute + 1) * MINUTE_MS > self.now_ms
        return kline(self.start_ms, minute, close="7.7777") if still_open else kline(self.start_ms, minute)


def status(code: int, **headers: str) -> Reply:
    """A refusal with an HTTP status; ``Retry_After="7"`` becomes the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: web.json_response({"code": 0, "msg": "no"}, status=code, headers=named)
