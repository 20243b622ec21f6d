"""The exchange behind the venue: three books for each symbol, moved along the tape.

The simulated exchange keeps one net position for each of its symbols. A hedged account has two, LONG and SHORT, so that
each symbol is listed there three times, with one set of rules and one price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from tradewire.binance.errors import ErrorCode
from tradewire.binance.orders import PositionSide
from tradewire.trading.exchange import (
    Bar,
    Event,
    InstrumentSpec,
    MarginMode,
    MarkBar,
    NewOrder,
    SimulatedExchange,
    to_e8,
)
from tradewire.trading.exchange.account import Position
from tradewire.trading.exchange.bars import constant_mark
from tradewire.venue.listing import Listing
from tradewire.venue.refusal import VenueRefusedError

T = TypeVar("T")
START_LEVERAGE = 20
"""Of a symbol, as long as nobody changes it; less where its brackets allow less."""
MATCH_US = 1
"""A moment in which a new order meets the present price."""


def book_name(symbol: str, side: PositionSide) -> str:
    """The exchange's name of a symbol's book."""
    return symbol if side is PositionSide.BOTH else f"{symbol}#{side}"


def book_of(name: str) -> tuple[str, PositionSide]:
    """Symbol and side of a book."""
    symbol, _, side = name.partition("#")
    return symbol, PositionSide(side or PositionSide.BOTH)


class VenueBooks:
    """One account's positions and orders at the simulated exchange. ``time_us``: up to where it has moved."""

    def __init__(self, listings: Iterable[Listing], *, balance: Decimal, now_us: int) -> None:
        listed = list(listings)
        specs = [spec for listing in listed for spec in _specs(listing)]
        leverages = {spec.symbol: min(START_LEVERAGE, spec.brackets[0].max_leverage) for spec in specs}
        self.exchange = SimulatedExchange("venue", to_e8(balance), specs, leverages=leverages, order_memory=1000)
        self.time_us = now_us
        self._marks_e8: dict[str, int] = {}

    def start(self, prices_e8: Mapping[str, int], marks: Mapping[str, MarkBar]) -> None:
        """Tell the prices at the beginning, so that orders are taken. ``marks``: of symbols whose mark is another."""
        self._note(marks)
        self._flat(prices_e8)

    def step(
        self, time_us: int, bars: Mapping[str, Bar], marks: Mapping[str, MarkBar], funding: Mapping[str, int]
    ) -> list[Event]:
        """Let the market move up to ``time_us``; ``funding``: rates (e8) that are settled then."""
        self.time_us = time_us
        self._note(marks)
        return self.exchange.step(time_us, _in_all_books(bars), _in_all_books(marks), _in_all_books(funding))

    def _note(self, marks: Mapping[str, MarkBar]) -> None:
        self._marks_e8 |= {symbol: mark.close_e8 for symbol, mark in marks.items()}

    def submit(self, order: NewOrder, prices_e8: Mapping[str, int] | None) -> list[Event]:
        """Take an order; with ``prices_e8`` it meets them at once, without them at the next step."""
        events = self.exchange.submit(order, self.time_us)
        return events + self._flat(prices_e8) if prices_e8 else events

    def cancel(self, internal_id: str) -> list[Event]:
        """Withdraw an order."""
        return self.exchange.cancel(internal_id, self.time_us)

    def position(self, symbol: str, side: PositionSide) -> Position:
        """One book's position."""
        return self.exchange.account.positions[book_name(symbol, side)]

    def positions(self, symbol: str) -> list[tuple[PositionSide, Position]]:
        """A symbol's positions by side."""
        return [(side, self.position(symbol, side)) for side in PositionSide]

    def has_orders(self, symbol: str | None = None) -> bool:
        """Whether an order is open, of a symbol or of any."""
        names = {book_of(order.request.symbol)[0] for order in self.exchange.orders}
        return symbol in names if symbol else bool(names)

    def has_position(self, symbol: str | None = None) -> bool:
        """Whether a position is held, in a symbol or in any."""
        held = {book_of(position.spec.symbol)[0] for position in self.exchange.account.open_positions()}
        return symbol in held if symbol else bool(held)

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Change a symbol's leverage. Raises RefusedError where its brackets allow less."""
        for _, position in self.positions(symbol):
            if not 1 <= leverage <= position.spec.brackets[0].max_leverage:
                raise VenueRefusedError(ErrorCode.INVALID_LEVERAGE, f"Leverage {leverage} is not valid")
            position.leverage = leverage

    def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Change a symbol's margin mode. Raises RefusedError with an order or position, or where it is that already."""
        if self.position(symbol, PositionSide.BOTH).mode is mode:
            raise VenueRefusedError(ErrorCode.NO_NEED_TO_CHANGE_MARGIN_TYPE)
        if self.has_orders(symbol):
            raise VenueRefusedError(ErrorCode.THERE_EXISTS_OPEN_ORDERS)
        if self.has_position(symbol):
            raise VenueRefusedError(ErrorCode.THERE_EXISTS_QUANTITY)
        for _, position in self.positions(symbol):
            position.mode = mode

    def move_margin(self, symbol: str, side: PositionSide, amount_e8: int) -> None:
        """Move money into an isolated position, or out of it (< 0). Raises RefusedError."""
        position = self.position(symbol, side)
        if position.is_cross or not position.qty_e8:
            raise VenueRefusedError(
                ErrorCode.INVALID_PARAMETER, "There is no isolated position of this symbol and side."
            )
        account = self.exchange.account
        needed_e8 = max(position.initial_margin_e8 - position.unrealized_e8, position.maintenance_e8)
        if amount_e8 > account.cross_wallet_e8 or position.margin_e8 + amount_e8 < needed_e8:
            raise VenueRefusedError(ErrorCode.MARGIN_NOT_SUFFICIENT)
        position.margin_e8 += amount_e8

    def replace(self, listing: Listing) -> None:
        """Put newer rules of a symbol in force, or list it."""
        for spec in _specs(listing):
            leverage = min(START_LEVERAGE, spec.brackets[0].max_leverage)
            self.exchange.list_instrument(spec, leverage=leverage)

    def _flat(self, prices_e8: Mapping[str, int]) -> list[Event]:
        """A moment in which prices stand still and orders meet them."""
        start_us = self.time_us
        self.time_us += MATCH_US
        bars = {
            symbol: Bar(start_us, self.time_us, price_e8, price_e8, price_e8, price_e8)
            for symbol, price_e8 in prices_e8.items()
        }
        marks = {symbol: constant_mark(self._marks_e8[symbol]) for symbol in bars if symbol in self._marks_e8}
        return self.exchange.step(self.time_us, _in_all_books(bars), _in_all_books(marks))


def _specs(listing: Listing) -> list[InstrumentSpec]:
    return [replace(listing.spec, symbol=book_name(listing.symbol, side)) for side in PositionSide]


def _in_all_books(values: Mapping[str, T]) -> dict[str, T]:
    return {book_name(symbol, side): value for symbol, value in values.items() for side in PositionSide}
