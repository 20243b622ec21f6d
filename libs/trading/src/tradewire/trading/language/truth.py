"""Checks before a strategy is accepted: it cannot see the future, its two forms agree, its warm-up suffices.

What is checked, on the history given:
- every bar: the bar-by-bar form, which is handed one closed bar at a time and so cannot know later ones,
  equals the array form on every series and every output. Where they are equal the array form is prefix
  invariant as well;
- where they differ, the history is cut behind such bars: if the array form then changes its answer it looked
  ahead (PREFIX_INVARIANCE), else the two forms simply disagree (BATCH_EQUALS_STREAM);
- at CUTS prefixes, spread over the history: the array form of the prefix equals that of the whole on every
  bar of it;
- warm-up: from `warmup_bars` on every series has a value.
How long recursive indicators remember where their history began is measured apart (`memory`).
Recomputing every prefix would cost O(n²); this costs O(n · (CUTS + 2)). A history proves nothing about bars
unlike its own.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.bars import Bars
from tradewire.trading.language.compiled import CompiledStrategy
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.evaluation import SIGNALS, WITHHELD, Evaluation
from tradewire.trading.language.rules import BoolArray

CUTS = 12
DECISIONS = 400
"""Bars with a signal, and bars of any kind, at which decisions are checked on a long history."""
MACHINE_ERRORS = frozenset(
    {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
)
"""System errors that tell of the machine, whatever a plug-in asked for: no room, no memory, too many open files."""

Columns = dict[str, FloatArray]
IntArray: TypeAlias = NDArray[np.intp]
_FLAGS = ("entry_long", "exit_long", "entry_short", "exit_short", "ready")
_DISTANCES = ("stop_distance", "take_profit_distance", "trailing_distance")


class Check(StrEnum):
    """What was checked."""

    PREFIX_INVARIANCE = "prefix_invariance"
    BATCH_EQUALS_STREAM = "batch_equals_stream"
    WARM_UP = "warm_up"
    RUNS = "runs"


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


def check_strategy(compiled: CompiledStrategy, bars: Bars) -> list[Finding]:
    """Run every check of this module; an empty list is a clean bill.

    Parameters: bars: a history of at least two bars, better much longer than `compiled.warmup_bars`.
    Raises: ValueError for fewer than two bars; OSError of a machine without room or files.
    """
    if len(bars) < 2:
        raise ValueError(f"a check needs at least 2 bars, found {len(bars)}")
    try:
        whole = _array_columns(compiled, bars)
        stream = _stream_columns(compiled, bars)
        findings = _compare_forms(compiled, bars, whole, stream)
        if not findings:
            counts = np.unique(np.linspace(1, len(bars) - 1, CUTS).astype(int))
            findings = _compare_cuts(compiled, bars, whole, counts)
    except Exception as error:
        return [_failure(compiled, bars, error)]
    return findings + _check_warmup(compiled, bars, whole)


def check_decisions(compiled: CompiledStrategy, bars: Bars) -> list[Finding]:
    """Check what the strategy decides on a long history, at some of its bars; a few ms beside the array form.

    - both forms decide alike at DECISIONS bars, of those with a signal and of all, each evenly spread;
    - the array form decides alike at CUTS of them when the history ends there.

    Raises: OSError of a machine without room or files.
    """
    try:
        series = IndicatorEngine(compiled.demands, compiled.interval_us, compiled.catalogue).array(bars)
        whole = _array_columns(compiled, bars)
        chosen = _decisive(whole)
        sampled = {name: values[chosen] for name, values in whole.items() if name not in series}
        stream = _answers_at(compiled, {**bars.columns(), **series}, chosen, sampled)
        findings = []
        for name, values in sampled.items():
            for place in np.flatnonzero(_differences(values, stream[name]))[:1]:
                check, why = Check.BATCH_EQUALS_STREAM, "array form and bar-by-bar form disagree"
                bar = int(chosen[place])
                found = _finding(compiled, bars, check, name, bar, values[place], stream[name][place], why)
                findings.append(found)
        counts = chosen[np.unique(np.linspace(0, len(chosen) - 1, CUTS).astype(int))] + 1
        return _compare_cuts(compiled, bars, whole, counts) or findings
    except Exception as error:
        return [_failure(compiled, bars, error)]


def _decisive(whole: Columns) -> IntArray:
    """Bars to look at: some of those with a signal, and some of all, increasing."""
    signals = np.flatnonzero(whole["signal"])
    every = np.arange(len(whole["signal"]))
    spread = [bars[np.linspace(0, len(bars) - 1, DECISIONS).astype(int)] for bars in (signals, every) if len(bars)]
    return np.unique(np.concatenate(spread))


def _answers_at(
    compiled: CompiledStrategy, series: Mapping[str, FloatArray], chosen: IntArray, names: Iterable[str]
) -> Columns:
    """The bar-by-bar form's answers at some bars, each by itself: rules must not remember earlier calls."""
    columns = {name: np.full(len(chosen), math.nan) for name in names}
    for place, bar in enumerate(chosen.tolist()):
        now, before = ({key: _none(values[at]) for key, values in series.items()} for at in (bar, bar - 1))
        for name, value in _answer_columns(compiled.evaluate(now, before if bar else {})).items():
            if value is not None:
                columns[name][place] = value
    return columns


def _array_columns(compiled: CompiledStrategy, bars: Bars) -> Columns:
    engine = IndicatorEngine(compiled.demands, compiled.interval_us, compiled.catalogue)
    series = engine.array(bars)
    arrays = compiled.evaluate_series({**bars.columns(), **series})
    columns = dict(series)
    for name in (*_FLAGS, *_DISTANCES, "signal", "withheld"):
        columns[name] = np.asarray(getattr(arrays, name), dtype=np.float64)
    columns.update({f"sizing.{name}": values for name, values in arrays.sizing_inputs.items()})
    for name, values in columns.items():
        if len(values) != len(bars):
            raise ValueError(f"`{name}` has {len(values)} values for {len(bars)} bars")
    return columns


def _stream_columns(compiled: CompiledStrategy, bars: Bars) -> Columns:
    engine = IndicatorEngine(compiled.demands, compiled.interval_us, compiled.catalogue)
    fields = bars.columns()
    rows = zip(bars.open_time_us.tolist(), *(column.tolist() for column in fields.values()), strict=True)
    columns: Columns = {}
    previous: Mapping[str, float | None] = {}
    for index, (time_us, *numbers) in enumerate(rows):
        series = engine.update(int(time_us), *numbers)
        values = {**series, **dict(zip(fields, numbers, strict=True))}
        for name, value in (*series.items(), *_answer_columns(compiled.evaluate(values, previous)).items()):
            if name not in columns:
                columns[name] = np.full(len(bars), math.nan)
            if value is not None:
                columns[name][index] = value
        previous = values
    return columns


def _answer_columns(answer: Evaluation) -> dict[str, float | None]:
    columns: dict[str, float | None] = {name: float(getattr(answer, name)) for name in _FLAGS}
    columns.update({name: getattr(answer, name) for name in _DISTANCES})
    columns["signal"] = float(SIGNALS.index(answer.signal))
    columns["withheld"] = float(WITHHELD.index(answer.withheld))
    columns.update({f"sizing.{name}": value for name, value in answer.sizing_inputs.items()})
    return columns


def _compare_forms(compiled: CompiledStrategy, bars: Bars, whole: Columns, stream: Columns) -> list[Finding]:
    findings = []
    cuts: dict[int, Columns] = {}
    for name, values in whole.items():
        fed = stream.get(name, np.full(len(bars), math.nan))
        different = np.flatnonzero(_differences(values, fed))
        if not different.size:
            continue
        ahead = None
        for count in different[:CUTS] + 1:
            if count not in cuts:
                cuts[count] = _array_columns(compiled, bars.head(int(count)))
            if ahead is None and _differences(values[:count], cuts[count][name]).any():
                ahead = _look_ahead(compiled, bars, name, values, cuts[count][name])
        bar, why = int(different[0]), "array form and bar-by-bar form disagree"
        check = Check.BATCH_EQUALS_STREAM
        findings.append(ahead or _finding(compiled, bars, check, name, bar, values[bar], fed[bar], why))
    return findings


def _failure(compiled: CompiledStrategy, bars: Bars, error: Exception) -> Finding:
    """That the strategy raised. Raises the error itself where it is the machine's: no strategy is to blame for it."""
    if isinstance(error, OSError) and error.errno in MACHINE_ERRORS:
        raise error
    what = f"the strategy fails on this history: {type(error).__name__}: {error}"
    return Finding(Check.RUNS, True, 0, int(bars.open_time_us[0]), compiled.id, None, None, what)


def _compare_cuts(compiled: CompiledStrategy, bars: Bars, whole: Columns, counts: IntArray) -> list[Finding]:
    for count in counts:
        part = _array_columns(compiled, bars.head(int(count)))
        for name, values in part.items():
            if _differences(whole[name][:count], values).any():
                return [_look_ahead(compiled, bars, name, whole[name], values)]
    return []


def _look_ahead(compiled: CompiledStrategy, bars: Bars, name: str, whole: FloatArray, cut: FloatArray) -> Finding:
    bar = int(_differences(whole[: len(cut)], cut).argmax())
    why = f"looks ahead: the answer changes when the bars after bar {len(cut) - 1} are cut off"
    return _finding(compiled, bars, Check.PREFIX_INVARIANCE, name, bar, whole[bar], cut[bar], why)


def _finding(
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
    expression = _expression(compiled, name)
    text = f"bar {bar}: `{expression}` is {_value(found)}, expected {_value(expected)}; {why}"
    time_us = int(bars.open_time_us[bar])
    return Finding(check, refuses, bar, time_us, expression, _none(found), _none(expected), text)


def _expression(compiled: CompiledStrategy, name: str) -> str:
    texts = {rule.name: f"{rule.name}: {rule.text}" for rule in compiled.rules}
    return texts.get(name, name)


def _none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _value(value: float) -> str:
    return "no value" if math.isnan(value) else f"{value:.10g}"


def _differences(left: FloatArray, right: FloatArray) -> BoolArray:
    same: BoolArray = (left == right) | (np.isnan(left) & np.isnan(right))
    return ~same


def _check_warmup(compiled: CompiledStrategy, bars: Bars, whole: Columns) -> list[Finding]:
    start = compiled.warmup_bars
    if len(bars) <= start + 1:
        why = f"the history has {len(bars)} bars, warm-up alone takes {start}: it shows no decision"
        last = len(bars) - 1
        return [Finding(Check.WARM_UP, False, last, int(bars.open_time_us[last]), "ready", None, None, why)]
    gapless = bool(np.all(np.diff(bars.open_time_us) == compiled.interval_us))
    return _late_values(compiled, bars, whole) if gapless else []


def _late_values(compiled: CompiledStrategy, bars: Bars, whole: Columns) -> list[Finding]:
    findings = []
    for name in compiled.demands:
        late = np.flatnonzero(np.isnan(whole[name][compiled.warmup_bars :]))
        if late.size:
            bar = compiled.warmup_bars + int(late[0])
            why = f"no value after the warm-up of {compiled.warmup_bars} bars"
            value = whole[name][bar]
            findings.append(_finding(compiled, bars, Check.WARM_UP, name, bar, value, value, why, refuses=False))
    return findings
