"""Answers of the public market data calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from tradewire.binance.errors import ErrorCode
from tradewire.binance.market_streams import Level
from tradewire.binance.replies import FundingInfo, FundingRate, PremiumIndex
from tradewire.ports.intervals import INTERVALS_US
from tradewire.trading.exchange import from_e8
from tradewire.venue.amounts import text
from tradewire.venue.listing import exchange_info
from tradewire.venue.market import FUNDING_RATE, KLINES_MAX, SymbolMarket
from tradewire.venue.refusal import Parameters, VenueRefusedError
from tradewire.venue.venue import Venue

DAY_MS: Final = 86_400_000
Call = Callable[[Venue, Parameters], Any]


def _market(venue: Venue, request: Parameters) -> SymbolMarket:
    market = venue.markets.get(request.text("symbol"))
    if market is None:
        raise VenueRefusedError(ErrorCode.BAD_SYMBOL)
    return market


def _each(venue: Venue, request: Parameters, answer: Callable[[SymbolMarket], Any]) -> Any:
    """One answer for a symbol, a list of all without."""
    if request.optional("symbol"):
        return answer(_market(venue, request))
    return [answer(market) for market in venue.markets.values()]


def _ping(venue: Venue, request: Parameters) -> Any:
    return {}


def _time(venue: Venue, request: Parameters) -> Any:
    return {"serverTime": venue.told_ms()}


def _exchange_info(venue: Venue, request: Parameters) -> Any:
    return exchange_info(list(venue.listings.values()), venue.now_ms())


def _depth(venue: Venue, request: Parameters) -> Any:
    market, limit = _market(venue, request), request.integer("limit", 500)
    bids = sorted(market.bids.items(), reverse=True)[:limit]
    asks = sorted(market.asks.items())[:limit]
    times = {"E": venue.now_ms(), "T": market.changed_us // 1000}
    return {"lastUpdateId": market.update_id, **times, "bids": _rows(bids), "asks": _rows(asks)}


def _rows(levels: list[Level]) -> list[list[str]]:
    return [[text(price), text(qty)] for price, qty in levels]


def _trades(venue: Venue, request: Parameters) -> Any:
    shown = _market(venue, request).trades[-request.integer("limit", 500, most=1000) :]
    return [
        {
            "id": trade.trade_id,
            "price": text(trade.price),
            "qty": text(trade.qty),
            "quoteQty": text(trade.price * trade.qty),
            "time": trade.trade_time_ms,
            "isBuyerMaker": trade.buyer_is_maker,
        }
        for trade in shown
    ]


def _agg_trades(venue: Venue, request: Parameters) -> Any:
    rows = [trade.write() for trade in _market(venue, request).trades]
    first, last = request.integer("startTime", 0), request.integer("endTime", 10**15)
    from_id, limit = request.integer("fromId", 0), request.integer("limit", 500, most=1000)
    found = [row for row in rows if first <= row["T"] <= last and row["a"] >= from_id]
    found = found[:limit] if from_id or request.optional("startTime") else found[-limit:]
    return [{name: row[name] for name in ("a", "p", "q", "f", "l", "T", "m")} for row in found]


def _klines(venue: Venue, request: Parameters, *, of_mark: bool = False) -> Any:
    interval = request.text("interval")
    if interval not in INTERVALS_US:
        raise VenueRefusedError(ErrorCode.BAD_INTERVAL)
    symbol = request.optional("symbol", "pair")
    market = _market(venue, Parameters({"symbol": symbol or ""}))
    start = request.integer("startTime") if request.optional("startTime") else None
    end = request.integer("endTime") if request.optional("endTime") else None
    limit = request.integer("limit", 500, most=KLINES_MAX)
    return market.klines(interval, start, end, limit, venue.books.time_us, of_mark=of_mark)


def _mark_klines(venue: Venue, request: Parameters) -> Any:
    """A mark has no volume."""
    return [[*row[:5], "0", row[6], "0", row[8], "0", "0", "0"] for row in _klines(venue, request, of_mark=True)]


def _premium_index(venue: Venue, request: Parameters) -> Any:
    def answer(market: SymbolMarket) -> Any:
        mark, now_ms = from_e8(market.mark_e8), venue.now_ms()
        return PremiumIndex(
            symbol=market.listing.symbol,
            mark_price=mark,
            index_price=mark,
            settle_price=mark,
            last_funding_rate=market.rate_at(market.next_funding_us(now_ms * 1000)),
            interest_rate=FUNDING_RATE,
            next_funding_time_ms=market.next_funding_us(now_ms * 1000) // 1000,
            time_ms=now_ms,
        ).write()

    return _each(venue, request, answer)


def _funding_rate(venue: Venue, request: Parameters) -> Any:
    limit, now_us = request.integer("limit", 100, most=1000), venue.books.time_us
    market = _market(venue, request)
    first_us = max(request.integer("startTime", 0) * 1000 - 1, market.tape.first_us)
    last_us = min(request.integer("endTime", 10**15) * 1000, now_us)
    times = list(market.fundings_between(first_us, last_us))
    times = times[:limit] if request.optional("startTime") else times[-limit:]
    return [
        FundingRate(
            symbol=market.listing.symbol,
            rate=market.rate_at(time_us),
            time_ms=time_us // 1000,
            mark_price=from_e8(market.tape.price_at(time_us)),
        ).write()
        for time_us in times
    ]


def _funding_info(venue: Venue, request: Parameters) -> Any:
    cap = Decimal("0.02000000")
    return [
        FundingInfo(symbol=item.symbol, rate_cap=cap, rate_floor=-cap, interval_hours=item.funding_hours).write()
        for item in venue.listings.values()
    ]


def _ticker_price(venue: Venue, request: Parameters) -> Any:
    def answer(market: SymbolMarket) -> Any:
        price = text(market.price(market.last_e8))
        return {"symbol": market.listing.symbol, "price": price, "time": market.changed_us // 1000}

    return _each(venue, request, answer)


def _book_ticker(venue: Venue, request: Parameters) -> Any:
    def answer(market: SymbolMarket) -> Any:
        top = market.book_ticker(venue.now_ms())
        return {
            "lastUpdateId": top.update_id,
            "symbol": top.symbol,
            "bidPrice": text(top.bid),
            "bidQty": text(top.bid_qty),
            "askPrice": text(top.ask),
            "askQty": text(top.ask_qty),
            "time": top.transaction_time_ms,
        }

    return _each(venue, request, answer)


def _ticker_24h(venue: Venue, request: Parameters) -> Any:
    return _each(venue, request, lambda market: _day(market, venue.books.time_us))


def _day(market: SymbolMarket, now_us: int) -> dict[str, Any]:
    day = market.tape.candle(now_us - DAY_MS * 1000, now_us)
    open_e8, high_e8, low_e8 = (
        (day.open_e8, day.high_e8, day.low_e8) if day else (market.last_e8, market.last_e8, market.last_e8)
    )
    change_e8, volume = market.last_e8 - open_e8, from_e8(day.volume_e8 if day else 0)
    percent = (Decimal(change_e8) / open_e8 * 100).quantize(Decimal("0.001"))
    last = text(market.price(market.last_e8))
    return {
        "symbol": market.listing.symbol,
        "priceChange": text(market.price(change_e8)),
        "priceChangePercent": text(percent),
        "weightedAvgPrice": last,
        "lastPrice": last,
        "lastQty": text(market.trades[-1].qty) if market.trades else "0",
        "openPrice": text(market.price(open_e8)),
        "highPrice": text(market.price(high_e8)),
        "lowPrice": text(market.price(low_e8)),
        "volume": text(volume),
        "quoteVolume": text((volume * from_e8(market.last_e8)).quantize(Decimal("0.00000001"))),
        "openTime": now_us // 1000 - DAY_MS,
        "closeTime": now_us // 1000,
        "firstId": 1,
        "lastId": market.trade_id,
        "count": market.trade_id,
    }


def _open_interest(venue: Venue, request: Parameters) -> Any:
    return {"openInterest": "0.000", "symbol": _market(venue, request).listing.symbol, "time": venue.now_ms()}


CALLS: Final[Mapping[tuple[str, str], Call]] = MappingProxyType(
    {
        ("GET", "/fapi/v1/ping"): _ping,
        ("GET", "/fapi/v1/time"): _time,
        ("GET", "/fapi/v1/exchangeInfo"): _exchange_info,
        ("GET", "/fapi/v1/depth"): _depth,
        ("GET", "/fapi/v1/trades"): _trades,
        ("GET", "/fapi/v1/aggTrades"): _agg_trades,
        ("GET", "/fapi/v1/klines"): _klines,
        ("GET", "/fapi/v1/continuousKlines"): _klines,
        ("GET", "/fapi/v1/markPriceKlines"): _mark_klines,
        ("GET", "/fapi/v1/indexPriceKlines"): _mark_klines,
        ("GET", "/fapi/v1/premiumIndex"): _premium_index,
        ("GET", "/fapi/v1/fundingRate"): _funding_rate,
        ("GET", "/fapi/v1/fundingInfo"): _funding_info,
        ("GET", "/fapi/v1/ticker/24hr"): _ticker_24h,
        ("GET", "/fapi/v1/ticker/price"): _ticker_price,
        ("GET", "/fapi/v2/ticker/price"): _ticker_price,
        ("GET", "/fapi/v1/ticker/bookTicker"): _book_ticker,
        ("GET", "/fapi/v1/openInterest"): _open_interest,
    }
)
