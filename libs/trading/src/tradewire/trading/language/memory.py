"""How long series remember where their history began: recursive indicators keep a share of their first value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.bars import Bars
from tradewire.trading.language.compiled import CompiledStrategy
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.findings import Check, Finding

TOLERANCE = 0.01
"""Relative change of a series' value that a longer history may bring; 0.01 = 1 %."""
ENDS = 8
"""Places of a history at which that is measured."""
STRETCHES = (1, 2, 4, 8, 16)
"""Multiples of the warm-up that are tried for the memory to fade."""


def settled_bars(compiled: CompiledStrategy, bars: Bars) -> int | None:
    """How much history a start needs so that no series remembers where it began, by more than TOLERANCE.

    One of `STRETCHES` of the warm-up, tried on ``bars``; None where none of those that they hold suffices.
    """
    engine = IndicatorEngine(compiled.demands, compiled.interval_us, compiled.catalogue)
    whole, start = engine.array(bars), max(compiled.warmup_bars, 1)
    for stretch in STRETCHES:
        length = stretch * start
        ends = np.linspace(length + 2, len(bars), ENDS).astype(int).tolist()
        if length + 1 < len(bars) and not any(_off(compiled, bars, whole, length, end) for end in ends):
            return length if stretch > 1 else compiled.warmup_bars
    return None


def _off(
    compiled: CompiledStrategy, bars: Bars, whole: Mapping[str, FloatArray], length: int, end: int
) -> dict[str, float]:
    """Series whose value before ``end`` differs when the history begins ``length`` bars before, and by what share."""
    tail = bars.span(end - length - 1, end)
    short = IndicatorEngine(compiled.demands, compiled.interval_us, compiled.catalogue).array(tail)
    found = {}
    for name in compiled.demands:
        full, brief = float(whole[name][end - 1]), float(short[name][-1])
        change = abs(full - brief) / abs(full) if full else abs(brief)
        if change > TOLERANCE:
            found[name] = change
    return found


def unsettled(compiled: CompiledStrategy, bars: Bars) -> list[Finding]:
    """The series that remember their beginning for as long as the history holds stretches of the warm-up."""
    last, start = len(bars) - 1, max(compiled.warmup_bars, 1)
    whole = IndicatorEngine(compiled.demands, compiled.interval_us, compiled.catalogue).array(bars)
    length = max(stretch for stretch in STRETCHES if stretch * start < last) * start
    findings = []
    for name, change in _off(compiled, bars, whole, length, len(bars)).items():
        said = (
            f"`{name}` depends on where the history begins: {length} bars before, its last value is off by "
            f"{change:.2%}; compare its change with `shift`, not its level, or give the history its beginning"
        )
        findings.append(
            Finding(
                Check.WARM_UP, False, last, int(bars.open_time_us[last]), name, None, float(whole[name][last]), said
            )
        )
    return findings
