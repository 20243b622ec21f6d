"""Which of a request's markets an engine trades."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tradewire.ports.backtest import MarketHistory
from tradewire.trading.language import CompiledStrategy, StrategyDocument


def traded_markets(
    strategy: CompiledStrategy | StrategyDocument, markets: Sequence[MarketHistory]
) -> list[MarketHistory]:
    """The strategy's markets that have bars, by symbol: one whose data begin later or ended before is not traded.

    Raises: ValueError when one is missing, of another interval or venue, or when none has a bar.
    """
    given = {market.symbol: market for market in markets}
    missing = [symbol for symbol in strategy.symbols if symbol not in given]
    if missing:
        raise ValueError(f"no data for {', '.join(missing)}; found {', '.join(sorted(given)) or 'none'}")
    chosen = [given[symbol] for symbol in sorted(strategy.symbols)]
    for market in chosen:
        if market.interval != strategy.interval:
            raise ValueError(f"{market.symbol}: found bars of {market.interval}, allowed {strategy.interval}")
        if market.instrument.venue != strategy.venue:
            raise ValueError(f"{market.symbol}: found venue {market.instrument.venue}, allowed {strategy.venue}")
    if not any(map(len, chosen)):
        named = ", ".join(market.symbol for market in chosen)
        raise ValueError(f"{named}: found no bars, at least one is needed")
    return with_bars(chosen)


def with_bars(markets: Iterable[MarketHistory]) -> list[MarketHistory]:
    """Those that have at least one bar."""
    return [market for market in markets if len(market)]
