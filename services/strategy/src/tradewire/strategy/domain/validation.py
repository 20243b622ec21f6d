"""Is a published strategy fit to trade? Every reason why not, at once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from tradewire.ports.events import (
    ActiveVersion,
    InstrumentChanged,
    RefusalReason,
    StrategyConfigPublished,
    TradingMode,
)
from tradewire.trading.language import (
    Bars,
    CompiledStrategy,
    StrategyErrors,
    check_strategy,
    compile_strategy,
    parse_strategy,
)

CHECK_BARS_MIN = 600
CHECK_BARS_MAX = 6_000
CHECK_SEED = 20_260_101
BAR_MOVE = 0.01


class RefusedError(Exception):
    """The strategy can't be accepted, for these reasons."""

    def __init__(self, reasons: list[RefusalReason]) -> None:
        super().__init__("; ".join(reason.message for reason in reasons))
        self.reasons = tuple(reasons)


def validated(
    config: StrategyConfigPublished, instruments: Mapping[tuple[str, str], InstrumentChanged]
) -> CompiledStrategy:
    """The strategy, compiled. Raises RefusedError with every fault found."""
    try:
        compiled = compile_strategy(parse_strategy(config.document))
    except StrategyErrors as errors:
        raise RefusedError(
            [
                RefusalReason(line=e.line, column=e.column, message=e.message, suggestion=e.suggestion)
                for e in errors.errors
            ]
        ) from errors
    reasons = [*_identity(config, compiled), *_markets(compiled, instruments)]
    if not reasons:
        reasons = _truth(compiled)
    if reasons:
        raise RefusedError([RefusalReason(message=reason) for reason in reasons])
    return compiled


def lacks_market(config: StrategyConfigPublished, instruments: Mapping[tuple[str, str], InstrumentChanged]) -> bool:
    """Does a document that can be read trade a market that is not known?"""
    try:
        document = parse_strategy(config.document)
    except StrategyErrors:
        return False
    return any((document.venue, symbol) not in instruments for symbol in document.symbols)


def hold_markets(active: Sequence[ActiveVersion], compiled: CompiledStrategy) -> None:
    """A version trades every market of its forerunner. Raises RefusedError for those it would leave.

    In a market that is left nobody would close what is held, nor answer for a last bar that is missing.
    """
    if not active:
        return
    before = active[-1]
    moved = (before.account_id, before.venue) != (compiled.account, compiled.venue)
    left = [symbol for symbol in before.symbols if moved or symbol not in compiled.symbols]
    if left:
        markets = ", ".join(f"{before.venue}:{symbol}" for symbol in left)
        message = f"version {before.version} trades {markets} on account {before.account_id} and this version does not"
        raise RefusedError([RefusalReason(message=message, suggestion="retire the strategy first, then publish")])


def _identity(config: StrategyConfigPublished, compiled: CompiledStrategy) -> list[str]:
    reasons = []
    if compiled.id != config.strategy_id:
        reasons.append(f"published as {config.strategy_id!r}, but the document's id is {compiled.id!r}")
    if config.mode is not TradingMode.PAPER:
        reasons.append(f"mode {config.mode.value}; this platform's execution takes PAPER")
    return reasons


def _markets(compiled: CompiledStrategy, instruments: Mapping[tuple[str, str], InstrumentChanged]) -> list[str]:
    reasons = []
    known = sorted(f"{venue}:{symbol}" for venue, symbol in instruments)
    for symbol in compiled.symbols:
        instrument = instruments.get((compiled.venue, symbol))
        if instrument is None:
            reasons.append(f"no instrument {compiled.venue}:{symbol}; known: {', '.join(known) or 'none'}")
        elif compiled.interval not in instrument.intervals:
            offered = ", ".join(instrument.intervals)
            reasons.append(f"{compiled.venue}:{symbol} has no {compiled.interval} candles; offered: {offered}")
    return reasons


def _truth(compiled: CompiledStrategy) -> list[str]:
    """Look-ahead, and a batch form that disagrees with the stream, on a made-up but lively market."""
    count = min(max(CHECK_BARS_MIN, 3 * compiled.warmup_bars), CHECK_BARS_MAX)
    findings = check_strategy(compiled, random_walk(count, compiled.interval_us))
    return [finding.message for finding in findings if finding.refuses]


@lru_cache(maxsize=8)
def random_walk(count: int, interval_us: int) -> Bars:
    """A seeded geometric random walk of bars: moves of about 1 % a bar, in calm and wild spells.

    Parameters: count: bars; interval_us: their length. Returns the same bars for the same arguments everywhere.
    """
    rng = random.Random(CHECK_SEED)  # noqa: S311 (a market to check against, no secret)
    rows = np.empty((count, 5))
    close = 100.0
    for index in range(count):
        spell = 3.0 if (index // 97) % 3 == 2 else 1.0
        before, close = close, close * (1 + rng.gauss(0, BAR_MOVE * spell))
        wick = abs(rng.gauss(0, BAR_MOVE / 2)) * close
        rows[index] = before, max(before, close) + wick, min(before, close) - wick / 2, close, rng.uniform(1, 100)
    times = np.arange(count, dtype=np.int64) * interval_us
    return Bars(times, *(np.ascontiguousarray(rows[:, column]) for column in range(5)))
