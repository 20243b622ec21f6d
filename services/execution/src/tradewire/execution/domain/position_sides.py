"""Positions by side: in hedge mode an account has two of each symbol, LONG and SHORT, else one (ADR 52).

Our records hold a position under its place: the symbol, and in hedge mode its side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from tradewire.ports.broker import BOTH, BrokerPosition

ZERO = Decimal(0)


def place_of(symbol: str, position_side: str) -> str:
    """Where records keep a position."""
    return symbol if position_side == BOTH else f"{symbol} {position_side}"


def symbol_of(place: str) -> str:
    """The symbol of a place."""
    return place.partition(" ")[0]


def by_symbol(positions: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Net quantity of each symbol, base; without those that are flat."""
    net: dict[str, Decimal] = {}
    for place, qty in positions.items():
        net[symbol_of(place)] = net.get(symbol_of(place), ZERO) + qty
    return {symbol: qty for symbol, qty in net.items() if qty}


def netted(positions: Iterable[BrokerPosition]) -> tuple[BrokerPosition, ...]:
    """One position of each symbol; where it has two sides, prices are those of the larger one."""
    found: dict[str, list[BrokerPosition]] = {}
    for position in positions:
        found.setdefault(position.symbol, []).append(position)
    return tuple(_net(sides) for _, sides in sorted(found.items()))


def _net(sides: list[BrokerPosition]) -> BrokerPosition:
    largest = max(sides, key=lambda position: abs(position.qty))
    if len(sides) == 1:
        return replace(largest, position_side=BOTH)
    return replace(
        largest,
        qty=sum((position.qty for position in sides), ZERO),
        unrealized_pnl=sum((position.unrealized_pnl for position in sides), ZERO),
        position_side=BOTH,
    )
