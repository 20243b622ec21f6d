"""What a check of a strategy found, at its first bar."""

from __future__ import annotations

import errno
import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.bars import Bars
from tradewire.trading.language.compiled import CompiledStrategy
from tradewire.trading.language.rules import BoolArray

MACHINE_ERRORS = frozenset(
    {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
)
"""System errors that tell of the machine, whatever a plug-in asked for: no room, no memory, too many open files."""


class Check(StrEnum):
    """What was checked."""

    PREFIX_INVARIANCE = "prefix_invariance"
    BATCH_EQUALS_STREAM = "batch_equals_stream"
    WARM_UP = "warm_up"
    RUNS = "runs"
    EXITS = "exits"


@dataclass(frozen=True, slots=True)
class Finding:
    """One failed check at its first bar; `refuses` tells a reason to refuse from a warning.

    bar: index into the history; expression: the series or rule; found, expected: its values there, None = no
    value.
    """

    check: Check
    refuses: bool
    bar: int
    open_time_us: int
    expression: str
    found: float | None
    expected: float | None
    message: str


def failure(compiled: CompiledStrategy, bars: Bars, error: Exception) -> Finding:
    """That the strategy raised. Raises the error itself where it is the machine's: no strategy is to blame for it."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in MACHINE_ERRORS):
        raise error
    what = f"the strategy fails on this history: {type(error).__name__}: {error}"
    return Finding(Check.RUNS, True, 0, int(bars.open_time_us[0]), compiled.id, None, None, what)


def finding_at(
    compiled: CompiledStrategy,
    bars: Bars,
    check: Check,
    name: str,
    bar: int,
    found: float,
    expected: float,
    why: str,
    *,
    refuses: bool = True,
) -> Finding:
    """What a series or rule has at a bar beside what it should have, NaN for no value."""
    expression = _expression(compiled, name)
    text = f"bar {bar}: `{expression}` is {_value(found)}, expected {_value(expected)}; {why}"
    time_us = int(bars.open_time_us[bar])
    return Finding(check, refuses, bar, time_us, expression, none_of(found), none_of(expected), text)


def none_of(value: float) -> float | None:
    """The value; None where there is none."""
    return None if math.isnan(value) else float(value)


def differences(left: FloatArray, right: FloatArray) -> BoolArray:
    """Where two columns differ; no value equals no value."""
    same: BoolArray = (left == right) | (np.isnan(left) & np.isnan(right))
    return ~same


def _expression(compiled: CompiledStrategy, name: str) -> str:
    texts = {rule.name: f"{rule.name}: {rule.text}" for rule in compiled.rules}
    return texts.get(name, name)


def _value(value: float) -> str:
    return "no value" if math.isnan(value) else f"{value:.10g}"
