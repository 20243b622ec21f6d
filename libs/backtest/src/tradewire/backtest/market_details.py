"""What a market may have beside its bars, and what is said by an engine that does not model it."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.ports.backtest import MarketHistory


def details_left_out(markets: Sequence[MarketHistory]) -> tuple[str, ...]:
    """A sentence for each detail that the markets have, from an engine that takes bars and one instrument alone."""
    said = []
    paths = sorted({market.path.interval for market in markets if market.path is not None})
    if paths:
        said.append(f"The way inside a bar is guessed: the {' and '.join(paths)} path data is not used.")
    changing = [market.symbol for market in markets if market.later_instruments]
    if changing:
        said.append(f"The first version of an instrument holds to the end: {', '.join(changing)} has later ones.")
    return tuple(said)
