"""Instruments as Binance's ``exchangeInfo`` lists them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tradewire.binance.filters import Filters
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket

_log = logging.getLogger(__name__)
DEFAULT_COLLAR = Decimal("0.05")
DEFAULT_LIQUIDATION_FEE = Decimal("0.0125")
MAKER_FEE, TAKER_FEE = Decimal("0.0002"), Decimal("0.0005")
"""Of the regular tier (Binance, "Fee Structure", USDⓈ-M futures); an account's own are told to its holder only."""
UNREADABLE = (ValueError, LookupError, ArithmeticError, TypeError, AttributeError)
"""What a row of another shape raises, ``FieldError`` and what the event refuses among them."""


def instrument_of(
    listed: Mapping[str, Any], *, interval: str, brackets: tuple[LeverageBracket, ...], valid_from_us: int
) -> InstrumentChanged:
    """One of ``symbols``. Raises FieldError for filters that can't be read."""
    filters = Filters.read(listed)
    collar = [filters.multiplier_up - 1, 1 - filters.multiplier_down] if filters.multiplier_up else [DEFAULT_COLLAR]
    return InstrumentChanged(
        venue="binance",
        symbol=listed["symbol"],
        base=listed["baseAsset"],
        quote=listed["quoteAsset"],
        status=status_of(listed),
        tick_size=filters.tick_size,
        step_size=filters.step_size,
        min_qty=filters.min_qty,
        max_qty=filters.max_qty,
        min_notional=filters.min_notional,
        maker_fee=MAKER_FEE,
        taker_fee=TAKER_FEE,
        liquidation_fee=Decimal(listed.get("liquidationFee") or DEFAULT_LIQUIDATION_FEE),
        price_collar_ratio=min(collar),
        intervals=(interval,),
        brackets=brackets,
        valid_from_us=valid_from_us,
    )


def status_of(listed: Mapping[str, Any]) -> InstrumentStatus:
    """Whether orders are taken: of the states that tradewire has no name for (PENDING_TRADING, SETTLING, …) in none."""
    told = str(listed.get("status", ""))
    return InstrumentStatus(told) if told in InstrumentStatus.__members__ else InstrumentStatus.CLOSED


class ListedInstruments:
    """The instruments that are followed, as the venue listed them last. ``names``: all symbols that it lists;
    ``brackets``: what it tells of them under a key, by symbol; ``unreadable``: why what it lists of a symbol can't be
    read, until it can.
    """

    def __init__(self, symbols: Sequence[str], interval: str, brackets: tuple[LeverageBracket, ...]) -> None:
        self._symbols, self._interval, self._default = symbols, interval, brackets
        self.brackets: dict[str, tuple[LeverageBracket, ...]] = {}
        self.unreadable: dict[str, str] = {}
        self._known: dict[str, InstrumentChanged] = {}
        self._halted_us: dict[str, int] = {}
        self.names: frozenset[str] = frozenset()

    def __getitem__(self, symbol: str) -> InstrumentChanged:
        return self._known[symbol]

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._known

    def listed(self) -> list[str]:
        """Symbols whose streams there are."""
        return [symbol for symbol in self._symbols if symbol in self.names]

    def was_halted(self, symbol: str, since_us: int) -> bool:
        """Whether orders were not taken at some time since."""
        return self._halted_us.get(symbol, -1) >= since_us

    def changed(self, listed: Mapping[str, Mapping[str, Any]], valid_from_us: int) -> list[InstrumentChanged]:
        """Instruments that are new or not as they were. One that can't be read stays as it was, or unknown."""
        self.names = frozenset(listed)
        changed: list[InstrumentChanged] = []
        for symbol in self._symbols:
            last, found = self._known.get(symbol), self._told(symbol, listed.get(symbol), valid_from_us)
            if found is None or (last is not None and _same(found, last)):
                continue
            self._known[symbol] = found
            changed.append(found)
            if found.status is not InstrumentStatus.TRADING:
                self._halted_us[symbol] = valid_from_us
        return changed

    def _told(self, symbol: str, listed: Mapping[str, Any] | None, valid_from_us: int) -> InstrumentChanged | None:
        """The instrument as it is listed, or closed when it is no longer; None when it was never read."""
        last = self._known.get(symbol)
        if listed is None:
            self.unreadable.pop(symbol, None)
            closed = {"status": InstrumentStatus.CLOSED, "valid_from_us": valid_from_us}
            return None if last is None else last.model_copy(update=closed)
        try:
            tiers = self.brackets.get(symbol, ()) if self.brackets else self._default
            if self.brackets and not tiers:
                raise LookupError("leverageBracket has none of it")
            found = instrument_of(listed, interval=self._interval, brackets=tiers, valid_from_us=valid_from_us)
        except UNREADABLE as error:
            self._left(symbol, str(error), "it is left out" if last is None else "the last ones stand")
            return last
        self.unreadable.pop(symbol, None)
        return found

    def _left(self, symbol: str, why: str, so: str) -> None:
        """Note why a symbol can't be read; logged when that is new, as it is asked again with each look."""
        if self.unreadable.get(symbol) != why:
            _log.warning("binance: the rules of %s can't be read, %s: %s", symbol, so, why)
        self.unreadable[symbol] = why


def _same(one: InstrumentChanged, other: InstrumentChanged) -> bool:
    return one == other.model_copy(update={"valid_from_us": one.valid_from_us})
