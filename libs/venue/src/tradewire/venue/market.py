"""Market data: what the tape shows as candles, trades, book and marks.

The book is drawn around the last price by a seed: the simulated exchange fills at the last price, whatever it shows.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from tradewire.binance.depth import OrderBook
from tradewire.binance.market_streams import (
    AggTrade,
    BookTicker,
    DepthUpdate,
    Kline,
    KlineBody,
    Level,
    MarkPriceUpdate,
)
from tradewire.ports.intervals import INTERVALS_US
from tradewire.trading.exchange import MarkBar, from_e8
from tradewire.trading.exchange.bars import constant_mark
from tradewire.venue.amounts import at_step, text
from tradewire.venue.listing import Listing
from tradewire.venue.tape import Candle, Tape

TRADING: Final = "TRADING"
NO_END: Final = 2**63 - 1
LEVELS: Final = 20
"""Levels drawn on each side of the book."""
TRADES_MAX: Final = 1000
HOUR_US: Final = 3_600_000_000
FUNDING_RATE: Final = Decimal("0.00010000")
"""Settled where no rate is recorded: the interest component alone, as where perpetual and index are equal."""
KLINES_MAX: Final = 1500


@dataclass(slots=True)
class SymbolMarket:
    """One symbol's market. ``update_id``: of its book's last change; ``changed_us``: when it last moved.

    ``recorded``: its messages come from a recording, and its book too, once that has a snapshot. ``halts``: spans in
    which it did not trade, the last one without an end while it lasts.
    """

    listing: Listing
    tape: Tape
    dice: random.Random
    last_e8: int = 0
    changed_us: int = 0
    update_id: int = 1_000_000
    trade_id: int = 1_000_000
    bids: dict[Decimal, Decimal] = field(default_factory=dict)
    asks: dict[Decimal, Decimal] = field(default_factory=dict)
    trades: list[AggTrade] = field(default_factory=list)
    recorded: bool = False
    halts: list[tuple[int, int]] = field(default_factory=list)

    def price(self, price_e8: int) -> Decimal:
        """A price with its digits."""
        return at_step(price_e8, self.listing.filters.tick_size)

    @property
    def mark_e8(self) -> int:
        """Mark price now: as recorded, else the last price."""
        return self.last_e8 if self.tape.marks is None else self.tape.marks.price_at(self.changed_us)

    def mark_bar(self, start_us: int, end_us: int) -> MarkBar | None:
        """What the mark price did in a span, where it is recorded."""
        if self.tape.marks is None:
            return None
        did = self.tape.marks.candle(start_us, end_us)
        price_e8 = self.tape.marks.price_at(end_us)
        return constant_mark(price_e8) if did is None else MarkBar(did.open_e8, did.high_e8, did.low_e8, did.close_e8)

    def move(self, candle: Candle, now_ms: int) -> tuple[AggTrade, DepthUpdate, BookTicker]:
        """The market moved to the end of a candle: a trade there, and the book drawn anew."""
        self.last_e8, self.changed_us = candle.close_e8, candle.close_us
        trade = self._trade(candle, now_ms)
        return trade, self._redraw(now_ms), self.book_ticker(now_ms)

    def relist(self, listing: Listing, time_us: int) -> None:
        """Put other rules or another status in force."""
        if listing.status != self.listing.status:
            if self.halts and self.halts[-1][1] == NO_END:
                self.halts[-1] = (self.halts[-1][0], time_us)
            if listing.status != TRADING:
                self.halts.append((time_us, NO_END))
        self.listing = listing

    def _stood_still(self, start_us: int, end_us: int) -> bool:
        """Whether a halt covers a span: there is no candle then."""
        return any(from_us <= start_us and end_us <= to_us for from_us, to_us in self.halts)

    def show(self, book: OrderBook) -> None:
        """Show a recorded book, if it is whole."""
        if book.is_synced:
            self.bids, self.asks, self.update_id = book.bids, book.asks, book.update_id

    def _trade(self, candle: Candle, now_ms: int) -> AggTrade:
        self.trade_id += 1
        step = self.listing.filters.step_size
        qty = max(from_e8(candle.volume_e8) // step * step, step)
        trade = AggTrade(
            event_time_ms=now_ms,
            symbol=self.listing.symbol,
            trade_id=self.trade_id,
            price=self.price(candle.close_e8),
            qty=qty,
            first_trade_id=self.trade_id,
            last_trade_id=self.trade_id,
            trade_time_ms=candle.close_us // 1000,
            buyer_is_maker=candle.close_e8 < candle.open_e8,
        )
        self.trades.append(trade)
        del self.trades[:-TRADES_MAX]
        return trade

    def _redraw(self, now_ms: int) -> DepthUpdate:
        before = (self.bids, self.asks)
        step, tick, price = self.listing.filters.step_size, self.listing.filters.tick_size, self.price(self.last_e8)
        self.bids = {
            price - tick * n: step * self.dice.randint(1, 9999) for n in range(1, LEVELS + 1) if price > tick * n
        }
        self.asks = {price + tick * n: step * self.dice.randint(1, 9999) for n in range(1, LEVELS + 1)}
        previous, self.update_id = self.update_id, self.update_id + self.dice.randint(2, 40)
        return DepthUpdate(
            event_time_ms=now_ms,
            transaction_time_ms=now_ms,
            symbol=self.listing.symbol,
            first_update_id=previous + 1,
            last_update_id=self.update_id,
            previous_update_id=previous,
            bids=tuple(_changes(before[0], self.bids)),
            asks=tuple(_changes(before[1], self.asks)),
        )

    def book_ticker(self, now_ms: int) -> BookTicker:
        """Best bid and ask."""
        bid, ask = max(self.bids), min(self.asks)
        return BookTicker(
            update_id=self.update_id,
            event_time_ms=now_ms,
            transaction_time_ms=now_ms,
            symbol=self.listing.symbol,
            bid=bid,
            bid_qty=self.bids[bid],
            ask=ask,
            ask_qty=self.asks[ask],
        )

    def mark_update(self, now_ms: int) -> MarkPriceUpdate:
        """Mark price and the next funding."""
        mark = from_e8(self.mark_e8)
        return MarkPriceUpdate(
            event_time_ms=now_ms,
            symbol=self.listing.symbol,
            mark_price=mark,
            index_price=mark,
            settle_price=mark,
            funding_rate=self.rate_at(self.next_funding_us(now_ms * 1000)),
            next_funding_time_ms=self.next_funding_us(now_ms * 1000) // 1000,
        )

    def next_funding_us(self, time_us: int) -> int:
        """The next settlement after a time: as recorded, and behind that by the symbol's interval."""
        times = self.tape.settled_us
        if times and time_us < times[-1]:
            return times[bisect_right(times, time_us)]
        length_us = self.listing.funding_hours * HOUR_US
        return (time_us // length_us + 1) * length_us

    def rate_at(self, time_us: int) -> Decimal:
        """What is settled at a time."""
        return self.tape.rates.get(time_us, FUNDING_RATE)

    def fundings_between(self, start_us: int, end_us: int) -> Iterator[int]:
        """Settlements after ``start_us`` up to ``end_us``."""
        time_us = self.next_funding_us(start_us)
        while time_us <= end_us:
            yield time_us
            time_us = self.next_funding_us(time_us)

    def kline(self, interval: str, now_us: int, *, closed: bool) -> Kline | None:
        """The candle that holds ``now_us``, up to it; or the one that has closed just then."""
        length_us = INTERVALS_US[interval]
        end_us = now_us if closed else now_us + 1
        open_us = (end_us - 1) // length_us * length_us
        candle = self.tape.candle(open_us, min(end_us, open_us + length_us))
        if self._stood_still(open_us, end_us):
            return None
        return None if candle is None else self._kline(candle, interval, open_us, now_us // 1000, closed=closed)

    def _kline(self, candle: Candle, interval: str, open_us: int, now_ms: int, *, closed: bool) -> Kline:
        close_ms = (open_us + INTERVALS_US[interval]) // 1000 - 1
        volume = from_e8(candle.volume_e8)
        quote = (volume * from_e8(candle.close_e8)).quantize(Decimal("0.00000001"))
        body = KlineBody(
            open_time_ms=open_us // 1000,
            close_time_ms=close_ms,
            symbol=self.listing.symbol,
            interval=interval,
            first_trade_id=self.trade_id,
            last_trade_id=self.trade_id,
            open=self.price(candle.open_e8),
            close=self.price(candle.close_e8),
            high=self.price(candle.high_e8),
            low=self.price(candle.low_e8),
            volume=volume,
            trades=1,
            closed=closed,
            quote_volume=quote,
            taker_buy_volume=volume / 2,
            taker_buy_quote_volume=quote / 2,
        )
        return Kline(event_time_ms=now_ms, symbol=self.listing.symbol, kline=body)

    def klines(
        self, interval: str, start_ms: int | None, end_ms: int | None, limit: int, now_us: int, *, of_mark: bool = False
    ) -> list[list[Any]]:
        """Rows of candles, the open one last. ``start_ms`` None: the latest; ``of_mark``: of the mark price."""
        tape = self.tape.marks if of_mark and self.tape.marks is not None else self.tape
        length_us = INTERVALS_US[interval]
        last_us = min(now_us, end_ms * 1000) if end_ms is not None else now_us
        first_us = start_ms * 1000 if start_ms is not None else last_us - (limit - 1) * length_us
        first_us = max(
            -(-first_us // length_us) * length_us if start_ms is not None else first_us // length_us * length_us,
            tape.first_us // length_us * length_us,
        )
        rows = []
        for open_us in range(first_us, last_us + 1, length_us):
            candle = tape.candle(open_us, min(open_us + length_us, now_us))
            still = self._stood_still(open_us, min(open_us + length_us, now_us))
            if candle is not None and open_us < now_us and not still:
                rows.append(self._row(candle, open_us, length_us, price=self.price if tape is self.tape else from_e8))
            if len(rows) == limit:
                break
        return rows

    def _row(self, candle: Candle, open_us: int, length_us: int, *, price: Callable[[int], Decimal]) -> list[Any]:
        volume = from_e8(candle.volume_e8)
        quote = (volume * from_e8(candle.close_e8)).quantize(Decimal("0.00000001"))
        prices = (candle.open_e8, candle.high_e8, candle.low_e8, candle.close_e8)
        half = (text(volume / 2), text(quote / 2))
        close_ms = (open_us + length_us) // 1000 - 1
        return [
            open_us // 1000,
            *(text(price(e8)) for e8 in prices),
            text(volume),
            close_ms,
            text(quote),
            1,
            *half,
            "0",
        ]


def _changes(before: dict[Decimal, Decimal], after: dict[Decimal, Decimal]) -> Iterator[Level]:
    """Levels that are new, other, or gone (quantity 0)."""
    yield from ((price, qty) for price, qty in after.items() if before.get(price) != qty)
    yield from ((price, Decimal(0)) for price in before if price not in after)
