"""Instruments as ccxt tells of a venue's markets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradewire.ports.errors import FatalError
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket

NO_LIMIT = Decimal("1e12")
"""Largest quantity of an instrument for which the venue names none."""
DEFAULT_LIQUIDATION_FEE = Decimal("0.0125")
DEFAULT_COLLAR = Decimal("0.05")
MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What reading an answer raises that is not as the venue says."""


def instrument_of(
    market: Mapping[str, Any],
    *,
    venue: str,
    interval: str,
    brackets: tuple[LeverageBracket, ...],
    valid_from_us: int,
) -> InstrumentChanged:
    """An instrument from ccxt's market and, for what ccxt leaves out, Binance's own fields under ``info``.

    Raises FatalError for a market whose filters or fees can't be read.
    """
    try:
        return _read(market, venue=venue, interval=interval, brackets=brackets, valid_from_us=valid_from_us)
    except MALFORMED as error:
        what = f"{type(error).__name__}: {error}"
        raise FatalError(f"{venue}: {market.get('id')}: filters and fees can't be read: {what}") from error


def _read(
    market: Mapping[str, Any],
    *,
    venue: str,
    interval: str,
    brackets: tuple[LeverageBracket, ...],
    valid_from_us: int,
) -> InstrumentChanged:
    info, limits = market["info"], market["limits"]
    filters = {item.get("filterType"): item for item in info.get("filters", [])}
    percent = filters.get("PERCENT_PRICE", {})
    collar = [Decimal(percent["multiplierUp"]) - 1, 1 - Decimal(percent["multiplierDown"])] if percent else []
    return InstrumentChanged(
        venue=venue,
        symbol=market["id"],
        base=market["base"],
        quote=market["quote"],
        status=_status(str(info.get("status", "")), active=market.get("active") is not False),
        tick_size=Decimal(market["precision"]["price"]),
        step_size=Decimal(market["precision"]["amount"]),
        min_qty=Decimal(limits["amount"]["min"] or market["precision"]["amount"]),
        max_qty=Decimal(limits["amount"]["max"] or NO_LIMIT),
        min_notional=Decimal(limits["cost"]["min"] or 0),
        # ccxt writes these into its source as floats; their shortest text is what stands there.
        maker_fee=Decimal(str(market["maker"])),
        taker_fee=Decimal(str(market["taker"])),
        liquidation_fee=Decimal(info.get("liquidationFee") or DEFAULT_LIQUIDATION_FEE),
        price_collar_ratio=min(collar, default=DEFAULT_COLLAR),
        intervals=(interval,),
        brackets=brackets,
        valid_from_us=valid_from_us,
    )


def _status(told: str, *, active: bool) -> InstrumentStatus:
    if told in InstrumentStatus.__members__:
        return InstrumentStatus(told)
    # Of Binance's other states (PENDING_TRADING, PRE_SETTLE, SETTLING, CLOSE, …) none takes orders.
    return InstrumentStatus.TRADING if active and not told else InstrumentStatus.CLOSED
