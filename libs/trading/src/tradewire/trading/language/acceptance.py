"""Whether a strategy may be believed: the checks of `truth` on a made-up market, and on the history that it trades.

Whoever publishes, validates or backtests a strategy asks here, so that all get the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from tradewire.trading.language.bars import Bars
from tradewire.trading.language.compiled import CompiledStrategy
from tradewire.trading.language.compiler import compile_strategy
from tradewire.trading.language.document import StrategyDocument
from tradewire.trading.language.errors import StrategyError, StrategyErrors, TextPosition
from tradewire.trading.language.findings import Finding
from tradewire.trading.language.memory import STRETCHES, settled_bars, unsettled
from tradewire.trading.language.truth import check_decisions, check_foreign, check_strategy

CHECK_BARS_MIN = 600
CHECK_BARS_MAX = 6_000
MEMORY_BARS_MAX = 20_000
CHECK_SEED = 20_260_101
BAR_MOVE = 0.01
REMEMBERED = 1_024
"""Strategies whose findings are kept: a check takes 20 to 90 ms."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """A strategy as far as findings depend on it: what it does, the code of its rules, and its indicators."""

    digest: str
    rules: type[object] | None
    catalogue: int
    compiled: CompiledStrategy = field(compare=False)


def findings_of(compiled: CompiledStrategy) -> tuple[Finding, ...]:
    """Every finding of `check_strategy` on a made-up but lively market; found once for each strategy."""
    rules = compiled.python.made_by if compiled.python else None
    return _findings(_Checked(compiled.digest, rules, id(compiled.catalogue), compiled))


@lru_cache(maxsize=REMEMBERED)
def _findings(checked: _Checked) -> tuple[Finding, ...]:
    compiled = checked.compiled
    count = min(max(CHECK_BARS_MIN, 3 * compiled.warmup_bars), CHECK_BARS_MAX)
    return tuple(check_strategy(compiled, random_walk(count, compiled.interval_us)))


def memory_of(compiled: CompiledStrategy) -> tuple[int | None, tuple[Finding, ...]]:
    """Bars after which no series remembers where its history began, on a made-up market.

    None, and a warning for each such series, where they do for longer than was tried.
    """
    count = min(max(CHECK_BARS_MIN, (STRETCHES[-1] + 1) * compiled.warmup_bars), MEMORY_BARS_MAX)
    bars = random_walk(count, compiled.interval_us)
    settled = settled_bars(compiled, bars)
    return settled, () if settled is not None else tuple(unsettled(compiled, bars))


def compile_accepted(
    document: StrategyDocument, params: Mapping[str, float], histories: Iterable[tuple[str, Bars]] = ()
) -> CompiledStrategy:
    """The strategy compiled, if its results can be believed; ``histories``: what it trades, by symbol.

    Rules in Python and indicators of installed packages may do another thing on a market unlike the made-up one, so
    they are checked on the histories as well.
    Raises: StrategyErrors when it does not compile, looks ahead, or its two forms disagree.
    """
    compiled = compile_strategy(document, params)
    faults = [f"on a made-up market, {finding.message}" for finding in findings_of(compiled) if finding.refuses]
    if not faults and (compiled.python is not None or compiled.foreign):
        for symbol, bars in histories:
            found = check_foreign(compiled, bars)
            found += check_decisions(compiled, bars) if compiled.python is not None and not found else []
            faults += [f"on the history of {symbol}, {finding.message}" for finding in found]
    if faults:
        names = ("python", "entry_long", "entry_short")
        where = next((document.positions[name] for name in names if name in document.positions), TextPosition(1, 1))
        raise StrategyErrors(StrategyError(where.line, where.column, fault) for fault in faults)
    return compiled


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
