"""A venue's public history by REST, page by page, through ccxt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import ccxt
import polars as pl

from tradewire.backtest.data.errors import MarketDataError, VenueAwayError
from tradewire.backtest.data.fetching import FetchedPage, FetchKind
from tradewire.backtest.data.judged import judge
from tradewire.trading.bars_csv import RawBar
from tradewire.trading.language import INTERVALS_US

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
PAGE_ROWS = 1000
ATTEMPTS = 6
_FIRST_WAIT_S = 1.0
_NAMES = ("open", "high", "low", "close", "volume")


class HistoryVenue:
    """One market of a venue. Asks no faster than ccxt's limit for it; what fails in passing is tried again.

    ``base_url`` replaces scheme and host of every address; ``sleep`` waits for seconds; ``note`` is told of every try
    that failed. Raises
    MarketDataError for an exchange, symbol or interval that there is not, VenueAwayError when the venue does not
    answer.
    """

    def __init__(
        self,
        exchange: str,
        symbol: str,
        interval: str,
        *,
        base_url: str | None = None,
        sleep: Callable[[float], None] | None = None,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        if exchange not in ccxt.exchanges:
            raise MarketDataError("--exchange", found=exchange, allowed="an id of ccxt, e.g. binanceusdm")
        # number=str: ccxt hands on the venue's text instead of making floats of it.
        self._client: Any = getattr(ccxt, exchange)({"number": str, "enableRateLimit": True, "timeout": 20_000})
        if base_url:
            apis = self._client.urls["api"]
            self._client.urls["api"] = {name: base_url + urlsplit(url).path for name, url in apis.items()}
        if interval not in INTERVALS_US or interval not in (self._client.timeframes or {}):
            allowed = ", ".join(name for name in INTERVALS_US if name in (self._client.timeframes or {}))
            raise MarketDataError("--interval", found=interval, allowed=allowed)
        self._exchange, self._interval, self._note = exchange, interval, note
        self._sleep = sleep or (lambda seconds: self._client.sleep(seconds * 1000))
        self._market = self._find(symbol)

    @property
    def symbol_id(self) -> str:
        """The venue's own name of the market."""
        return str(self._market["id"])

    def offers(self, kind: FetchKind) -> bool:
        """Whether the venue tells it."""
        feature = {
            FetchKind.CANDLES: "fetchOHLCV",
            FetchKind.MARK: "fetchMarkOHLCV",
            FetchKind.FUNDING: "fetchFundingRateHistory",
        }
        return bool(self._client.has.get(feature[kind]))

    def now_ms(self) -> int:
        """The venue's time, ms, which says what has closed; ours where it tells none."""
        if self._client.has.get("fetchTime"):
            return int(self._ask(self._client.fetch_time))
        return int(self._client.milliseconds())

    def page(self, kind: FetchKind, since_ms: int, until_ms: int) -> FetchedPage:
        """Rows from ``since_ms`` up to before ``until_ms``, as many as one answer holds."""
        return (
            self._funding(since_ms, until_ms) if kind is FetchKind.FUNDING else self._candles(kind, since_ms, until_ms)
        )

    def _candles(self, kind: FetchKind, since_ms: int, until_ms: int) -> FetchedPage:
        ask = self._client.fetch_mark_ohlcv if kind is FetchKind.MARK else self._client.fetch_ohlcv
        rows = self._ask(lambda: ask(self._market["symbol"], self._interval, since_ms, PAGE_ROWS))
        rows = [row for row in rows if since_ms <= row[0] < until_ms]
        judged = judge(_raw(row, number) for number, row in enumerate(rows, start=1))
        for fault in judged.faults:
            raise MarketDataError(
                self._exchange,
                time_us=fault.open_time_us,
                field=fault.field,
                found=fault.found,
                allowed=fault.allowed,
            )
        columns = dict(zip(_NAMES, judged.numbers, strict=True))
        table = pl.DataFrame({"open_time": judged.time_us // 1000, **columns})
        next_ms = int(judged.time_us[-1]) // 1000 + INTERVALS_US[self._interval] // 1000 if rows else None
        return FetchedPage(table, next_ms)

    def _funding(self, since_ms: int, until_ms: int) -> FetchedPage:
        answer = self._ask(lambda: self._client.fetch_funding_rate_history(self._market["symbol"], since_ms, PAGE_ROWS))
        rows = sorted((int(r["timestamp"]), float(r["fundingRate"])) for r in answer)
        rows = [row for row in rows if since_ms <= row[0] < until_ms]
        schema = {"funding_time": pl.Int64, "funding_rate": pl.Float64}
        return FetchedPage(pl.DataFrame(rows, schema=schema, orient="row"), rows[-1][0] + 1 if rows else None)

    def _find(self, symbol: str) -> Mapping[str, Any]:
        markets: Mapping[str, Any] = self._ask(self._client.load_markets)
        if symbol in markets:
            found: Mapping[str, Any] = markets[symbol]
            return found
        by_id: Sequence[Mapping[str, Any]] = (self._client.markets_by_id or {}).get(symbol, [])
        if by_id:
            return by_id[0]
        raise MarketDataError("--symbol", found=symbol, allowed=f"one that {self._exchange} lists, e.g. BTC/USDT:USDT")

    def _ask(self, call: Callable[[], T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call()
            except (ccxt.NetworkError, ccxt.BadResponse) as error:
                if attempt == ATTEMPTS:
                    raise VenueAwayError(f"{self._exchange}: {attempt} attempts failed: {error}") from error
                wait_s = self._wait_s(attempt)
                self._note(
                    f"{self._exchange}: attempt {attempt} of {ATTEMPTS} failed, the next in {wait_s:g} s: {error}"
                )
                self._sleep(wait_s)
            except ccxt.BaseError as error:
                raise MarketDataError(self._exchange, found=str(error), allowed="an answer") from error
        raise AssertionError("there is at least one attempt")

    def _wait_s(self, attempt: int) -> float:
        """Seconds to wait: doubling, and never less than the venue tells."""
        told = str((getattr(self._client, "last_response_headers", None) or {}).get("Retry-After", ""))
        asked = float(told) if told.isascii() and told.isdigit() else 0.0
        return max(asked, _FIRST_WAIT_S * 2.0 ** (attempt - 1))


def _raw(candle: Sequence[Any], row: int) -> RawBar:
    open_, high, low, close = ("" if cell is None else str(cell) for cell in candle[1:5])
    volume = candle[5] if len(candle) > 5 else None
    return RawBar(int(candle[0]) * 1000, open_, high, low, close, "0" if volume is None else str(volume), row)
