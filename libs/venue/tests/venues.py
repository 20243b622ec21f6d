"""Builders of venues for tests: short candles, a clock that stands still until it is moved."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlencode

from tradewire.binance.signatures import HmacKey
from tradewire.binance.wire import Wire
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket
from tradewire.testkit.manual_clock import ManualClock
from tradewire.trading.exchange import Bar, to_e8
from tradewire.venue.door import Door, HttpAnswer, HttpCall
from tradewire.venue.listing import Listing, listing_of
from tradewire.venue.tape import Tape
from tradewire.venue.venue import Venue, VenueOptions

MINUTE_US = 60_000_000
NOW_US = 1_800_000_000_000_000
"""On a minute, an hour, and no funding time."""


def instrument(base: str = "BTC") -> InstrumentChanged:
    """An instrument with round rules."""
    brackets = (
        LeverageBracket(
            notional_floor=Decimal(0),
            notional_cap=Decimal(50_000),
            maintenance_ratio=Decimal("0.004"),
            maintenance_amount=Decimal(0),
            max_leverage=125,
        ),
        LeverageBracket(
            notional_floor=Decimal(50_000),
            notional_cap=Decimal(10_000_000),
            maintenance_ratio=Decimal("0.005"),
            maintenance_amount=Decimal(50),
            max_leverage=100,
        ),
    )
    return InstrumentChanged(
        venue="binance",
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        status=InstrumentStatus.TRADING,
        tick_size=Decimal("0.10"),
        step_size=Decimal("0.001"),
        min_qty=Decimal("0.001"),
        max_qty=Decimal(1000),
        min_notional=Decimal(5),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.05"),
        intervals=("1m",),
        brackets=brackets,
        valid_from_us=0,
    )


def bar(minute: int, *prices: str) -> Bar:
    """The candle of a minute after ``NOW_US``: open, high, low, close; or one price for all."""
    opened = NOW_US + minute * MINUTE_US
    open_, high, low, close = (to_e8(Decimal(price)) for price in (prices if len(prices) == 4 else prices * 4))
    return Bar(opened, opened + MINUTE_US, open_, high, low, close, to_e8(Decimal(60)))


def market(*bars: Bar, base: str = "BTC") -> tuple[Listing, Tape]:
    """A symbol with these candles."""
    rules = instrument(base)
    return listing_of(rules, onboard_ms=0), Tape(bars, tick_e8=to_e8(rules.tick_size))


class Client:
    """Asks a venue without a network, signed; ``said`` is its user stream."""

    def __init__(self, *markets: tuple[Listing, Tape], options: VenueOptions | None = None) -> None:
        self.clock = ManualClock(NOW_US)
        self.venue = Venue(markets, self.clock, options)
        self.door = Door(self.venue)
        self.said: list[Wire] = []
        self.venue.listeners.user.append(self.said.append)
        self.recv_window_ms = 5000

    def ask(self, method: str, path: str, **values: object) -> HttpAnswer:
        """One call as a client makes it."""
        text = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in values.items()}
        text = {"timestamp": str(self.clock.now_us() // 1000), "recvWindow": str(self.recv_window_ms)} | text
        payload = urlencode(text)
        keys = self.venue.keys
        text.setdefault("signature", HmacKey(keys.secret).sign(payload))
        whole = path if path.startswith("/") else f"/fapi/{path}"
        return self.door.answer(HttpCall(method, whole, text, payload, keys.api_key, "127.0.0.1"))

    def order(self, side: str, qty: str, price: str = "", **values: object) -> HttpAnswer:
        """A market order, or with a price a limit order."""
        kind = {"type": "LIMIT", "price": price, "timeInForce": "GTC"} if price else {"type": "MARKET"}
        asked = {"symbol": "BTCUSDT", "side": side, "quantity": qty, "newOrderRespType": "RESULT"} | kind | values
        return self.ask("POST", "v1/order", **asked)

    def wait(self, seconds: float) -> None:
        """Let time pass, and the market with it."""
        self.clock.advance(seconds=seconds)
        self.venue.advance()
