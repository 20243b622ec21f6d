"""The venue as one object: time moves the tape, the tape moves the exchange, and listeners hear of it. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any, Final

from tradewire.binance.orders import BinanceOrderType
from tradewire.binance.signatures import HmacKey
from tradewire.binance.wire import Wire
from tradewire.ports.clock import ClockPort
from tradewire.trading.exchange import Bar, MarkBar, Side, to_e8
from tradewire.venue.account import VenueAccount
from tradewire.venue.books import VenueBooks
from tradewire.venue.conditional import ConditionalDesk
from tradewire.venue.faults import FaultPlan
from tradewire.venue.gate import Gate
from tradewire.venue.incidents import Incidents
from tradewire.venue.keys import ApiKeys, ListenKeys, TestKeys
from tradewire.venue.listing import Listing
from tradewire.venue.margin_calls import MarginCalls
from tradewire.venue.market import TRADING, SymbolMarket
from tradewire.venue.recording import Recording
from tradewire.venue.records import StoredOrder
from tradewire.venue.tape import Candle, Tape
from tradewire.venue.trading import OrderDesk
from tradewire.venue.turned_clock import TurnedClock

START_BALANCE: Final = Decimal(100_000)
Tell = Callable[[Wire], None]


@dataclass(frozen=True, slots=True)
class VenueOptions:
    """``whole_bars``: orders meet whole candles as they close, as in a replay; else the price of the moment.

    ``faults``: what goes wrong, and when. ``behind_s``: how long before the present its time begins.
    """

    balance: Decimal = START_BALANCE
    speed: float = 1.0
    seed: int = 0
    whole_bars: bool = False
    faults: FaultPlan = field(default_factory=FaultPlan)
    behind_s: float = 0.0


@dataclass(slots=True)
class Listeners:
    """Who hears what. ``market``: messages of the market streams; ``user``: of the user stream."""

    market: list[Tell] = field(default_factory=list)
    user: list[Tell] = field(default_factory=list)


class Venue:
    """A venue with one account."""

    def __init__(
        self,
        markets: Iterable[tuple[Listing, Tape]],
        clock: ClockPort,
        options: VenueOptions | None = None,
        recording: Recording | None = None,
    ) -> None:
        self.options = options or VenueOptions()
        self.clock = TurnedClock(clock, speed=self.options.speed, behind_s=self.options.behind_s)
        self.listeners = Listeners()
        self.recording = recording
        dice = random.Random(self.options.seed)  # noqa: S311
        listed = sorted(markets, key=lambda item: item[0].symbol)
        self.markets: dict[str, SymbolMarket] = {}
        for listing, tape in listed:
            drawn = random.Random(dice.random())  # noqa: S311
            self.markets[listing.symbol] = SymbolMarket(listing, tape, drawn)
        self.listings = {listing.symbol: listing for listing, _ in listed}
        now_us = self.clock.now_us()
        self.books = VenueBooks(self.listings.values(), balance=self.options.balance, now_us=now_us)
        self.account = VenueAccount(self.books, self.listings, self.now_ms, self._tell_user)
        self.margin_calls = MarginCalls(self.books, self._tell_user)
        self.faults = self.options.faults
        due = self.faults.at_times()
        self.incidents = Incidents(due, self.account, self._relist, self._enlist, now_us)
        self._to_be_listed = {fault.symbol: self._held_back(fault.symbol) for fault in due if fault.kind == "list"}
        expires = partial(self.faults.of_message, "expired_in_match")
        self.orders = OrderDesk(self.account, self._prices_to_meet, expires, self._bound)
        self.conditional = ConditionalDesk(self.account, self.orders, self._prices_to_meet)
        self.keys = TestKeys.of(self.options.seed)
        self.api_keys = ApiKeys({self.keys.api_key: HmacKey(self.keys.secret)})
        self.may_withdraw = False  # what the venue says of the test key; nothing can be withdrawn here
        self.listen_keys = ListenKeys(self.now_ms)
        self.margin_changes: list[dict[str, Any]] = []
        self.countdowns: dict[str, int] = {}  # symbol → the venue's time, ms, at which its orders are cancelled
        self.gate = Gate(self.api_keys, self.told_ms, self._clients_ms, self.options.speed)
        self._start(now_us, *self.markets)

    def _start(self, now_us: int, *symbols: str) -> None:
        for symbol in symbols:
            market = self.markets[symbol]
            price_e8 = market.tape.price_at(now_us)
            market.recorded = self.recording is not None
            market.move(Candle(now_us, now_us, price_e8, price_e8, price_e8, price_e8, 0), now_us // 1000)
        marks = self._marks(dict.fromkeys(symbols, (now_us, now_us)))
        self.books.start({symbol: self.markets[symbol].last_e8 for symbol in symbols}, marks)

    def _marks(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, MarkBar]:
        """What the marks did that are recorded."""
        found = {symbol: self.markets[symbol].mark_bar(*span) for symbol, span in spans.items()}
        return {symbol: mark for symbol, mark in found.items() if mark is not None}

    def now_ms(self) -> int:
        """The venue's time: where the exchange stands, or later."""
        return max(self.clock.now_us(), self.books.time_us) // 1000

    def told_ms(self) -> int:
        """The time that the venue tells: its own, or what a fault makes of it."""
        return self.now_ms() + self.incidents.clock_ahead_ms

    def _clients_ms(self) -> int:
        """The time that clients may go by: the machine's where the venue's is turned, else what the venue tells."""
        return self.clock.machine_us() // 1000 if self.clock.is_turned else self.told_ms()

    def advance(self) -> None:
        """Let everything happen that is due by now."""
        now_us = self.clock.now_us()
        self.incidents.happen(self.books.time_us)
        while self.books.time_us < now_us:
            time_us = self._next_us(now_us)
            if time_us is None:
                break
            self._step(time_us)
        self._replay()

    def _replay(self) -> None:
        """Tell what was recorded up to now."""
        if self.recording is None:
            return
        for event in self.recording.due(self.books.time_us):
            symbol: str = getattr(event, "symbol", "")
            if symbol in self.markets:
                self.markets[symbol].show(self.recording.books[symbol])
                self._tell_listeners(event)

    def _next_us(self, now_us: int) -> int | None:
        """The next moment at which something is due: a candle's end, a settlement, or now."""
        start_us = self.books.time_us
        ends = [end for market in self.markets.values() for end in _first(market.tape.closes_between(start_us, now_us))]
        if self.options.whole_bars:
            return min(ends, default=None)
        settled = [at for market in self.markets.values() for at in _first(market.fundings_between(start_us, now_us))]
        incident_us = self.incidents.next_us(now_us)
        return min([*ends, *settled, now_us, *([incident_us] if incident_us is not None else [])])

    def _step(self, time_us: int) -> None:
        start_us = self.books.time_us
        candles = {symbol: self._candle(market, start_us, time_us) for symbol, market in self.markets.items()}
        moved = {symbol: candle for symbol, candle in candles.items() if candle is not None}
        funding = {
            symbol: to_e8(market.rate_at(settled_us))
            for symbol, market in self.markets.items()
            for settled_us in _first(market.fundings_between(start_us, time_us))
        }
        marks = self._marks({symbol: (bar.open_time_us, bar.close_time_us) for symbol, bar in moved.items()})
        events = self.books.step(time_us, moved, marks, funding)
        for symbol, bar in moved.items():
            self._tell_market(self.markets[symbol], bar)
        self.account.take(events)
        self.margin_calls.look(self.now_ms())
        self.conditional.watch(moved)
        self._count_down()
        self.incidents.happen(time_us)

    def _relist(self, symbol: str, listing: Listing | None) -> None:
        """Put a symbol's new rules or status in force; None takes it off the list, its orders cancelled."""
        if listing is None:
            for order in self.orders.open_orders(symbol):
                self.orders.cancel(order)
            for algo in self.conditional.open_orders(symbol):
                self.conditional.cancel(algo)
            del self.listings[symbol], self.markets[symbol]
            return
        self.listings[symbol] = listing
        self.markets[symbol].relist(listing, self.books.time_us)
        self.books.replace(listing)

    def _held_back(self, symbol: str) -> tuple[Listing | None, SymbolMarket | None]:
        """Take a symbol off the list until it is enlisted; None where it is not there."""
        return self.listings.pop(symbol, None), self.markets.pop(symbol, None)

    def _enlist(self, symbol: str) -> None:
        """Put a symbol on the list that was held back."""
        listing, market = self._to_be_listed.pop(symbol, (None, None))
        if listing is not None and market is not None:
            self.markets[symbol], self.listings[symbol] = market, replace(listing, onboard_ms=self.now_ms())
            self._start(self.books.time_us, symbol)

    def _bound(self, order: StoredOrder) -> Decimal | None:
        """How much of a new order fills at once, by the faults; None: all."""
        share, market = self.faults.share_of_fill(order.symbol), self.markets[order.symbol]
        if share is not None:
            return order.qty * share
        if order.symbol not in self.incidents.thin or order.order_type is not BinanceOrderType.MARKET:
            return None
        return sum((market.asks if order.side is Side.BUY else market.bids).values(), Decimal(0))

    def _count_down(self) -> None:
        for symbol, at_ms in list(self.countdowns.items()):
            if self.now_ms() >= at_ms:
                del self.countdowns[symbol]
                for order in self.orders.open_orders(symbol):
                    self.orders.cancel(order)

    def _candle(self, market: SymbolMarket, start_us: int, time_us: int) -> Bar | None:
        if market.listing.status != TRADING:
            return None
        if self.options.whole_bars:
            return market.tape.bar_ending(time_us)
        part = market.tape.candle(start_us, time_us)
        last_e8 = market.last_e8
        if part is None:
            return Bar(start_us, time_us, last_e8, last_e8, last_e8, last_e8)
        return Bar(start_us, time_us, part.open_e8, part.high_e8, part.low_e8, part.close_e8, part.volume_e8)

    def _prices_to_meet(self, symbol: str) -> Mapping[str, int] | None:
        return None if self.options.whole_bars else {symbol: self.markets[symbol].last_e8}

    # ---- telling ----

    def _tell_user(self, event: Wire) -> None:
        for tell in list(self.listeners.user):
            tell(event)

    def _tell_market(self, market: SymbolMarket, bar: Bar) -> None:
        if market.recorded:
            market.last_e8, market.changed_us = bar.close_e8, bar.close_time_us
            return
        candle = Candle(
            bar.open_time_us, bar.close_time_us, bar.open_e8, bar.high_e8, bar.low_e8, bar.close_e8, bar.volume_e8
        )
        for event in market.move(candle, bar.close_time_us // 1000):
            self._tell_listeners(event)

    def _tell_listeners(self, event: Wire) -> None:
        for tell in list(self.listeners.market):
            tell(event)


def _first(times: Iterable[int]) -> list[int]:
    return [time for time, _ in zip(times, range(1), strict=False)]
