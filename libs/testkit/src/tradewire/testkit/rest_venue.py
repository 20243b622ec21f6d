"""A venue on loopback that serves candles, mark candles and funding in the shapes of Binance's USDⓈ-M futures.

Shapes: Binance, ``GET /fapi/v1/{time,exchangeInfo,klines,markPriceKlines,fundingRate}``.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

HOUR_MS = 3_600_000
START_MS = 1_599_984_000_000
SYMBOL = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "filters": [
        {"minPrice": "556.72", "maxPrice": "1000000", "filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"stepSize": "0.001", "filterType": "LOT_SIZE", "maxQty": "1000", "minQty": "0.001"},
        {"notional": "5", "filterType": "MIN_NOTIONAL"},
    ],
}


def kline(hour: int, *, mark: bool) -> list[object]:
    """The row of an hour after ``START_MS``: 12 columns, numbers as text."""
    opened, price = START_MS + hour * HOUR_MS, 10_000 + hour % 97
    prices = [f"{price}.10", f"{price + 9}.25", f"{price - 7}.50", f"{price + 1}.75"]
    volume = "0" if mark else f"{1 + hour % 5}.125"
    return [opened, *prices, volume, opened + HOUR_MS - 1, "22875.8590", 113, "1900", "14464.6960", "0"]


class RestVenue:
    """Has ``hours`` of history; now is half an hour into the next one.

    ``fail`` answers are status 500 first; after ``stop_after`` requests for history there are no more, status 451.
    ``asked`` notes (path, startTime) of requests for history.
    """

    def __init__(self, hours: int) -> None:
        self.hours, self.fail, self.stop_after = hours, 0, 10**9
        self.page_rows = 1000
        self.asked: list[tuple[str, int]] = []
        venue = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                code, document = venue.answer(self.path)
                body = json.dumps(document).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return START_MS + self.hours * HOUR_MS + HOUR_MS // 2

    def close(self) -> None:
        """Answer nothing from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str) -> tuple[int, object]:
        """Status and document."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = url.path.rpartition("/")[2]
        if name == "time":
            return 200, {"serverTime": self.now_ms}
        if name == "exchangeInfo":
            return 200, {"symbols": [SYMBOL]}
        if self.fail:
            self.fail -= 1
            return 500, {"code": 0, "msg": "no"}
        since_ms = int(query["startTime"])
        if len(self.asked) >= self.stop_after:
            return 451, {"code": 0, "msg": "not from here"}
        self.asked.append((name, since_ms))
        limit = min(int(query["limit"]), self.page_rows)
        if name == "fundingRate":
            times = [START_MS + n * 8 * HOUR_MS + n % 16 for n in range(self.hours // 8 + 1)]
            rows = [
                {"symbol": "BTCUSDT", "fundingTime": t, "fundingRate": "0.00010000"} for t in times if t >= since_ms
            ]
            return 200, rows[:limit]
        hours = range(max(0, -(-(since_ms - START_MS) // HOUR_MS)), self.hours + 1)
        return 200, [kline(hour, mark=name == "markPriceKlines") for hour in hours[:limit]]
