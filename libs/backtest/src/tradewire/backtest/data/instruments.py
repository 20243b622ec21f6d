"""The instrument of each symbol: from files, or one that is assumed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from tradewire.backtest.data.candles import Candles, decimals_of
from tradewire.backtest.data.errors import MarketDataError
from tradewire.ports.bounds import bracket_fault
from tradewire.ports.errors import FatalError
from tradewire.ports.events import InstrumentChanged, InstrumentStatus, LeverageBracket
from tradewire.trading.instruments_file import parse_instruments

BESIDE = "instruments.yaml"
_NOT_TOLD = frozenset({"venue", "symbol", "intervals", "brackets", "valid_from_us"})
"""Fields of an assumed instrument that the data tell, or that are told apart."""
_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "USD", "EUR", "BTC", "ETH", "BNB")
_MOST_NOTIONAL = 500_000_000
_MOST_QTY = 45_000_000_000
"""Bounds that keep amounts in units of 1e-8 inside 64 bits, a position that is turned round too."""
_TIERS = (
    ("0", "50000", "0.004", "0", 125),
    ("50000", "250000", "0.005", "50", 100),
    ("250000", "3000000", "0.01", "1300", 50),
    ("3000000", "20000000", "0.025", "46300", 20),
    ("20000000", "40000000", "0.05", "546300", 10),
    ("40000000", "100000000", "0.1", "2546300", 5),
    ("100000000", "120000000", "0.125", "5046300", 4),
    ("120000000", "200000000", "0.15", "8046300", 3),
    ("200000000", "300000000", "0.25", "28046300", 2),
    ("300000000", "500000000", "0.5", "103046300", 1),
)
"""Floor, cap, maintenance ratio and amount, leverage of Binance's BTCUSDT, as in the sample's instruments."""
_KEYS = {
    "notional_floor": "notionalFloor",
    "notional_cap": "notionalCap",
    "maintenance_ratio": "maintMarginRatio",
    "maintenance_amount": "cum",
    "max_leverage": "initialLeverage",
}
_ASSUMED_BRACKETS = tuple(LeverageBracket.model_validate(dict(zip(_KEYS, tier, strict=True))) for tier in _TIERS)


Versions = Mapping[tuple[str, str], Sequence[InstrumentChanged]]
"""The versions of each instrument, by venue and symbol."""


def read_instruments(path: Path) -> Versions:
    """The instruments of a YAML file, each in as many versions as it has. Raises MarketDataError."""
    found: dict[tuple[str, str], list[InstrumentChanged]] = {}
    try:
        for one in parse_instruments(path.read_text(encoding="utf-8"), str(path), versions=True):
            found.setdefault((one.venue, one.symbol), []).append(one)
        return found
    except (OSError, UnicodeDecodeError, FatalError) as error:
        raise MarketDataError(str(path), field="instruments", found=str(error), allowed="instruments") from error


def read_brackets(path: Path, symbols: Sequence[str]) -> dict[str, tuple[LeverageBracket, ...]]:
    """The tiers of each symbol from JSON: symbol → list of {notionalFloor, notionalCap, maintMarginRatio, cum, …}.

    Raises MarketDataError when the file can't be read, lacks a symbol, or its amounts don't follow.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise MarketDataError(str(path), field="brackets", found=str(error), allowed="JSON") from error
    if not isinstance(document, Mapping):
        raise MarketDataError(str(path), field="brackets", found="no mapping", allowed="symbol → list of tiers")
    return {symbol: _brackets(document.get(symbol), symbol, path) for symbol in symbols}


def _brackets(entries: Any, symbol: str, path: Path) -> tuple[LeverageBracket, ...]:
    try:
        if not isinstance(entries, list):
            raise TypeError("none")
        brackets = tuple(
            LeverageBracket.model_validate(
                {name: str(entry[key]) if name != "max_leverage" else int(entry[key]) for name, key in _KEYS.items()}
            )
            for entry in entries
        )
        unsound = bracket_fault(brackets)
        fault = "" if unsound is None else str(unsound)
    except KeyError as error:
        fault = f"found none of {error.args[0]}"
    except (TypeError, ValidationError, ValueError) as error:
        fault = str(error).splitlines()[0]
    if fault:
        allowed = f"a list of tiers with {', '.join(_KEYS.values())}"
        raise MarketDataError(str(path), field=f"brackets of {symbol}", found=fault, allowed=allowed)
    return brackets


def told_instruments(
    known: Sequence[InstrumentChanged], interval: str, first_us: int, end_us: int
) -> tuple[InstrumentChanged, ...]:
    """Of the versions of an instrument those over a span, offered at the interval too: first the one in force at
    ``first_us``, then those that come before ``end_us``. Empty when none is known.

    The earliest version stands for the time before it, too.
    """
    versions = sorted(known, key=lambda one: one.valid_from_us)
    if not versions:
        return ()
    past = sum(one.valid_from_us <= first_us for one in versions)
    chosen = [one for one in versions[max(past - 1, 0) :] if one.valid_from_us < end_us] or versions[:1]
    return tuple(
        one if interval in one.intervals else one.model_copy(update={"intervals": (*one.intervals, interval)})
        for one in chosen
    )


def assumed_instrument(venue: str, symbol: str, candles: Candles) -> InstrumentChanged:
    """The instrument of a market that no file tells of; `assumption` says all that it is."""
    prices = candles.columns[:4]
    most = max(float(column.max()) for column in prices)
    power = int(np.floor(np.log10(_MOST_NOTIONAL / most)))
    quote = next((quote for quote in _QUOTES if symbol.endswith(quote) and symbol != quote), "")
    return InstrumentChanged(
        venue=venue,
        symbol=symbol,
        base=symbol.removesuffix(quote) or symbol,
        quote=quote or "QUOTE",
        status=InstrumentStatus.TRADING,
        tick_size=Decimal(1).scaleb(-max(decimals_of(column) for column in prices)),
        step_size=Decimal("0.00000001"),
        min_qty=Decimal("0.00000001"),
        max_qty=min(Decimal(_MOST_QTY), Decimal(f"{10.0**power:.8f}")),
        min_notional=Decimal(0),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0005"),
        liquidation_fee=Decimal("0.0125"),
        price_collar_ratio=Decimal("0.05"),
        intervals=(candles.interval,),
        brackets=_ASSUMED_BRACKETS,
        valid_from_us=int(candles.open_time_us[0]),
    )


def assumption(instrument: InstrumentChanged) -> str:
    """All that an assumed instrument is, by the names that an instruments file has for it."""
    named = ((name, getattr(instrument, name)) for name in InstrumentChanged.model_fields if name not in _NOT_TOLD)
    told = ", ".join(f"{name} {_plain(value)}" for name, value in named)
    assumed = instrument.brackets == _ASSUMED_BRACKETS
    tiers = f"brackets of Binance's BTCUSDT (leverage to {_ASSUMED_BRACKETS[0].max_leverage})" if assumed else ""
    return f"{instrument.symbol}: assumed, for want of an {BESIDE} that names it: {told}{', ' if tiers else ''}{tiers}"


def _plain(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
