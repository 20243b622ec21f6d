"""Messages of the market streams. Times are ms since the epoch, UTC.

Source: Binance docs, "Websocket Market Streams": Aggregate Trade, Mark Price, Kline/Candlestick, Individual Symbol Book
Ticker, Individual Symbol Ticker, Liquidation Order, Diff. Book Depth. ``trade`` is not documented but sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from tradewire.binance.wire import Wire, on_wire

Level = tuple[Decimal, Decimal]
"""Price and quantity; quantity 0 removes the level."""
OF_THE_MARKET: Final = "MARKET"
"""``BinanceTrade.kind`` of a trade between two orders; insurance fund and ADL have others, partly with price 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AggTrade(Wire):
    """Trades of one taker order at one price."""

    EVENT: ClassVar[str] = "aggTrade"
    event_time_ms: int = on_wire("E")
    symbol: str = on_wire("s")
    trade_id: int = on_wire("a")
    price: Decimal = on_wire("p")
    qty: Decimal = on_wire("q")
    first_trade_id: int | None = on_wire("f", optional=True)
    last_trade_id: int | None = on_wire("l", optional=True)
    trade_time_ms: int = on_wire("T")
    buyer_is_maker: bool = on_wire("m")


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceTrade(Wire):
    """One trade."""

    EVENT: ClassVar[str] = "trade"
    event_time_ms: int = on_wire("E")
    trade_time_ms: int = on_wire("T")
    symbol: str = on_wire("s")
    trade_id: int = on_wire("t")
    price: Decimal = on_wire("p")
    qty: Decimal = on_wire("q")
    kind: str | None = on_wire("X", optional=True)
    buyer_is_maker: bool = on_wire("m")


@dataclass(frozen=True, slots=True, kw_only=True)
class KlineBody(Wire):
    """The candle in a `Kline`. ``close_time_ms`` is its last ms; ``closed`` not True: it still changes.

    What only some recorders keep, and leveraged tokens never had, is optional.
    """

    open_time_ms: int = on_wire("t")
    close_time_ms: int = on_wire("T")
    symbol: str = on_wire("s")
    interval: str = on_wire("i")
    first_trade_id: int | None = on_wire("f", optional=True)
    last_trade_id: int | None = on_wire("L", optional=True)
    open: Decimal = on_wire("o")
    close: Decimal = on_wire("c")
    high: Decimal = on_wire("h")
    low: Decimal = on_wire("l")
    volume: Decimal = on_wire("v")
    trades: int | None = on_wire("n", optional=True)
    closed: bool | None = on_wire("x", optional=True)
    quote_volume: Decimal | None = on_wire("q", optional=True)
    taker_buy_volume: Decimal | None = on_wire("V", optional=True)
    taker_buy_quote_volume: Decimal | None = on_wire("Q", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kline(Wire):
    """A candle as it stands."""

    EVENT: ClassVar[str] = "kline"
    event_time_ms: int = on_wire("E")
    symbol: str = on_wire("s")
    kline: KlineBody = on_wire("k")


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTicker(Wire):
    """Best bid and ask after order book update ``update_id``."""

    EVENT: ClassVar[str] = "bookTicker"
    update_id: int = on_wire("u")
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    symbol: str = on_wire("s")
    bid: Decimal = on_wire("b")
    bid_qty: Decimal = on_wire("B")
    ask: Decimal = on_wire("a")
    ask_qty: Decimal = on_wire("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthUpdate(Wire):
    """Levels that changed in updates ``first_update_id`` to ``last_update_id``; ``previous_update_id`` (``pu``) is
    the last one of the event before."""

    EVENT: ClassVar[str] = "depthUpdate"
    event_time_ms: int = on_wire("E")
    transaction_time_ms: int = on_wire("T")
    symbol: str = on_wire("s")
    first_update_id: int = on_wire("U")
    last_update_id: int = on_wire("u")
    previous_update_id: int = on_wire("pu")
    bids: tuple[Level, ...] = on_wire("b")
    asks: tuple[Level, ...] = on_wire("a")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPriceUpdate(Wire):
    """Mark price, and the funding rate where the contract has funding (empty for delivery contracts)."""

    EVENT: ClassVar[str] = "markPriceUpdate"
    event_time_ms: int = on_wire("E")
    symbol: str = on_wire("s")
    mark_price: Decimal = on_wire("p")
    index_price: Decimal | None = on_wire("i", optional=True)
    settle_price: Decimal | None = on_wire("P", optional=True)
    funding_rate: Decimal | None = on_wire("r", optional=True)
    next_funding_time_ms: int | None = on_wire("T", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedOrder(Wire):
    """The order in a `ForceOrder`."""

    symbol: str = on_wire("s")
    side: str = on_wire("S")
    order_type: str = on_wire("o")
    time_in_force: str = on_wire("f")
    qty: Decimal = on_wire("q")
    price: Decimal = on_wire("p")
    average_price: Decimal = on_wire("ap")
    status: str = on_wire("X")
    last_filled_qty: Decimal = on_wire("l")
    filled_qty: Decimal = on_wire("z")
    trade_time_ms: int = on_wire("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForceOrder(Wire):
    """A liquidation order of anyone."""

    EVENT: ClassVar[str] = "forceOrder"
    event_time_ms: int = on_wire("E")
    order: ForcedOrder = on_wire("o")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker(Wire):
    """Statistics of the last 24 hours."""

    EVENT: ClassVar[str] = "24hrTicker"
    event_time_ms: int = on_wire("E")
    symbol: str = on_wire("s")
    price_change: Decimal = on_wire("p")
    price_change_percent: Decimal = on_wire("P")
    average_price: Decimal = on_wire("w")
    last_price: Decimal = on_wire("c")
    last_qty: Decimal = on_wire("Q")
    open: Decimal = on_wire("o")
    high: Decimal = on_wire("h")
    low: Decimal = on_wire("l")
    volume: Decimal = on_wire("v")
    quote_volume: Decimal = on_wire("q")
    open_time_ms: int = on_wire("O")
    close_time_ms: int = on_wire("C")
    first_trade_id: int = on_wire("F")
    last_trade_id: int = on_wire("L")
    trades: int = on_wire("n")


MARKET_EVENTS: Final[tuple[type[Wire], ...]] = (
    AggTrade,
    BinanceTrade,
    Kline,
    BookTicker,
    DepthUpdate,
    MarkPriceUpdate,
    ForceOrder,
    Ticker,
)
