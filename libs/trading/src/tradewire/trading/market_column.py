"""The column of a table that names each row's market: a table of several markets is not one series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SYMBOL_COLUMNS = (
    "symbol",
    "ticker",
    "pair",
    "symbol_id",
    "trading_pair",
    "currency_pair",
    "instrument_id",
    "instrument_name",
    "inst_id",
    "instid",
)
"""Columns whose values are symbols."""
MARKET_COLUMNS = (*SYMBOL_COLUMNS, "instrument", "market", "contract", "product", "product_id", "asset", "coin")
"""Columns that tell rows of several markets apart; those after the symbols may also hold a kind, as ``spot``."""
QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB")
"""What markets are quoted in."""
_DOLLARS = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD")
_KIND = re.compile(r"[._-](P|PERP|PERPETUAL|SWAP|SPOT|US|V|UMCBL|DMCBL|SPBL)$")
"""What exchanges and charts append to a symbol: a perpetual or spot (Bitget: UMCBL, DMCBL, SPBL); Stooq's countries and
virtual money.
"""
_AHEAD = re.compile(r"^P[FI]_")
"""What Kraken puts ahead of its perpetuals."""
_KRAKEN = re.compile(r"^X(XBT|ETH|ETC|LTC|MLN|REP|XLM|XMR|XRP|ZEC)(?:Z(USD|EUR|GBP|JPY|CAD|AUD)|X(XBT|ETH))$")
"""Kraken's oldest pairs, X ahead of a coin and Z of a currency. No wider: XTZUSD is Tezos."""
_KUCOIN = re.compile(r"(?<=.)(USDT|USDC|USD)M$")
"""KuCoin's contracts end in M."""
_XBT = re.compile(r"^XBT|(?<=.)XBT$")
"""ISO 4217's pattern of bitcoin, as BitMEX, Kraken and KuCoin have it."""
_NAMED = 3
"""Markets that a sentence names."""


class MarketsError(ValueError):
    """Rows of another market than the one that is read, or of several. ``row``: the first that is."""

    def __init__(self, found: str, allowed: str, row: int) -> None:
        super().__init__(f"found {found}, allowed {allowed}")
        self.found, self.allowed, self.row = found, allowed, row


@dataclass(frozen=True, slots=True)
class MarketColumn:
    """The column that names each row's market. ``of_symbols``: by its name it holds symbols, and no kinds of market."""

    place: int
    name: str
    of_symbols: bool


@dataclass(frozen=True, slots=True)
class ChosenMarket:
    """The rows to read: those whose cell is one of ``cells``, all where that is None. ``notes``: what is said of it."""

    cells: frozenset[str] | None = None
    notes: tuple[str, ...] = ()


EVERY_ROW = ChosenMarket()


def market_column(names: Sequence[str], plain: Sequence[str]) -> MarketColumn | None:
    """The column among names, which ``plain`` has as they are compared; of several the one whose name says most."""
    found = next((name for name in MARKET_COLUMNS if name in plain), None)
    if found is None:
        return None
    place = plain.index(found)
    return MarketColumn(place, names[place].strip(), found in SYMBOL_COLUMNS)


def plain_symbol(symbol: str) -> str:
    """A symbol without what sets its parts off: ``BTC/USDT``, ``BTC-USDT`` and ccxt's ``BTC/USDT:USDT`` are BTCUSDT."""
    return "".join(letter for letter in symbol.partition(":")[0].upper() if letter.isalnum())


def chosen_market(first_rows: Mapping[str, int], column: MarketColumn, wanted: str) -> ChosenMarket:
    """Which rows of a table belong to the market that is read.

    Parameters: first_rows: each value of ``column``, with the number of its first row; wanted: the
    symbol that is read, "" where none is told. Raises MarketsError when the column names several markets and none of
    them is the one wanted, or another one than that.
    """
    markets: dict[str, list[str]] = {}
    for cell in first_rows:
        if _names_one(cell):
            markets.setdefault(_comparable(cell), []).append(cell)
    if not markets or (not wanted and len(markets) == 1):
        return EVERY_ROW
    own = _own(markets, _comparable(wanted)) if wanted else None
    if len(markets) > 1:
        if own is None:
            raise _several(first_rows, markets, column.name, wanted)
        note = f"column {column.name} names {_list_of(markets)}: the rows of {own[0]} are read"
        return ChosenMarket(frozenset(own), (note,))
    ((plain, (cell, *_)),) = markets.items()
    if plain == _comparable(wanted):
        return EVERY_ROW
    a_kind = not column.of_symbols and not plain.endswith(QUOTES)
    if own is None and not a_kind:
        allowed = f"{wanted}; name the file of that market, or rename the column if it is the same market"
        raise MarketsError(f"{cell} in column {column.name}", allowed, first_rows[cell])
    return ChosenMarket(None, (f"column {column.name} says {cell}: read as {wanted}",))


def _own(markets: Mapping[str, Sequence[str]], wanted: str) -> Sequence[str] | None:
    """The cells of the market wanted, else of the only one that names its base or differs in the dollar alone."""
    bases = {_base(wanted, QUOTES), _base(wanted, _DOLLARS)}
    near = [cells for plain, cells in markets.items() if _base(plain, _DOLLARS) in bases]
    return markets.get(wanted) or (near[0] if len(near) == 1 else None)


def _several(
    first_rows: Mapping[str, int], markets: Mapping[str, Sequence[str]], column: str, wanted: str
) -> MarketsError:
    row = sorted(first_rows[cells[0]] for cells in markets.values())[1]
    found = f"{_list_of(markets)} in column {column}, the second from row {row} on"
    if wanted:
        return MarketsError(found, f"rows of {wanted} among them, or one market a file", row)
    allowed = f"one market a file: write one for each value of {column}; a run takes the rows of its symbol by itself"
    return MarketsError(found, allowed, row)


def _list_of(markets: Mapping[str, Sequence[str]]) -> str:
    cells = [own[0] for own in markets.values()]
    more = f" and {len(cells) - _NAMED:,} more" if len(cells) > _NAMED else ""
    return f"{len(cells):,} markets ({', '.join(cells[:_NAMED])}{more})"


def _names_one(cell: str) -> bool:
    """Whether this may be a market's name, as letters or a number; a fraction is a measure."""
    return any(map(str.isalpha, cell)) or cell.isdigit()


def _comparable(symbol: str) -> str:
    """A symbol as two spellings of it are compared: without an exchange ahead of it and a kind of market behind, a coin
    by its usual name.
    """
    exchange, colon, rest = symbol.strip().upper().partition(":")
    name = rest if colon and exchange.isalnum() and rest else exchange
    plain = plain_symbol(_KIND.sub("", _AHEAD.sub("", name)))
    return _XBT.sub("BTC", _KUCOIN.sub(r"\1", _KRAKEN.sub(r"\1\2\3", plain)))


def _base(plain: str, quotes: Sequence[str]) -> str:
    quote = next((quote for quote in quotes if plain.endswith(quote) and plain != quote), "")
    return plain.removesuffix(quote)
