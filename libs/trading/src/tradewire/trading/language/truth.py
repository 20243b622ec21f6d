"""Checks before a strategy is accepted: it cannot see the future, its two forms agree, its warm-up suffices.

What is checked, on the history given:
- every bar: the bar-by-bar form, which is handed one closed bar at a time and so cannot know later ones,
  equals the array form on every series and every output. Where they are equal the array form is prefix
  invariant as well;
- where they differ, the history is cut behind such bars: if the array form then changes its answer it looked
  ahead (PREFIX_INVARIANCE), else the two forms simply disagree (BATCH_EQUALS_STREAM);
- at CUTS prefixes, spread over the history: the array form of the prefix equals that of the whole on every
  bar of it;
- warm-up: from `warmup_bars` on every series has a value;
- exits: what rules in Python open, something closes; `advice` tells it of rules in the language.
How long recursive indicators remember where their history began is measured apart (`memory`).
Recomputing every prefix would cost O(n²); this costs O(n · (CUTS + 2)). A history proves nothing about bars
unlike its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.bars import Bars
from tradewire.trading.language.compiled import CompiledStrategy
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.evaluation import SIGNALS, WITHHELD, Evaluation
from tradewire.trading.language.findings import Check, Finding, differences, failure, finding_at, none_of

CUTS = 12
DECISIONS = 400
"""Bars with a signal, and bars of any kind, at which decisions are checked on a long history."""
FOREIGN_BARS = 50_000
"""Bars at each end of a long history on which indicators of installed packages are checked."""
Columns = dict[str, FloatArray]
IntArray: TypeAlias = NDArray[np.intp]
_FLAGS = ("entry_long", "exit_long", "entry_short", "exit_short", "ready")
_DISTANCES = ("stop_distance", "take_profit_distance", "trailing_distance")


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
        return [failure(compiled, bars, error)]
    return findings + _check_warmup(compiled, bars, whole) + _check_exits(compiled, bars, whole)


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
            for place in np.flatnonzero(differences(values, stream[name]))[:1]:
                check, why = Check.BATCH_EQUALS_STREAM, "array form and bar-by-bar form disagree"
                bar = int(chosen[place])
                found = finding_at(compiled, bars, check, name, bar, values[place], stream[name][place], why)
                findings.append(found)
        counts = chosen[np.unique(np.linspace(0, len(chosen) - 1, CUTS).astype(int))] + 1
        return _compare_cuts(compiled, bars, whole, counts) or findings
    except Exception as error:
        return [failure(compiled, bars, error)]


def check_foreign(compiled: CompiledStrategy, bars: Bars) -> list[Finding]:
    """Check the series that installed packages take part in on a long history: its two forms, at both of its ends.

    Raises: OSError of a machine without room or files.
    """
    if not compiled.foreign:
        return []
    count = len(bars)
    spans = ((0, count),) if count <= 2 * FOREIGN_BARS else ((0, FOREIGN_BARS), (count - FOREIGN_BARS, count))
    engine = partial(IndicatorEngine, compiled.foreign, compiled.interval_us, compiled.catalogue)
    for start, stop in spans:
        part = bars.span(start, stop)
        try:
            whole, stream = engine().array(part), _fed(engine(), part)
        except Exception as error:
            return [failure(compiled, part, error)]
        for name in compiled.foreign:
            for bar in np.flatnonzero(differences(whole[name], stream[name]))[:1].tolist():
                why = "array form and bar-by-bar form disagree"
                found, fed = whole[name][bar], stream[name][bar]
                return [finding_at(compiled, part, Check.BATCH_EQUALS_STREAM, name, bar, found, fed, why)]
    return []


def _fed(engine: IndicatorEngine, bars: Bars) -> Columns:
    """The series of the bar-by-bar form."""
    answers = [series for _, series in _updates(engine, bars)]
    return {
        name: np.array([math.nan if answer[name] is None else answer[name] for answer in answers], dtype=np.float64)
        for name in (answers[0] if answers else ())
    }


def _updates(engine: IndicatorEngine, bars: Bars) -> Iterator[tuple[list[float], Mapping[str, float | None]]]:
    """Each bar's fields, in the order of `Bars.columns`, and the series after it."""
    rows = zip(bars.open_time_us.tolist(), *(column.tolist() for column in bars.columns().values()), strict=True)
    for time_us, *numbers in rows:
        yield numbers, engine.update(int(time_us), *numbers)


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
        now, before = ({key: none_of(values[at]) for key, values in series.items()} for at in (bar, bar - 1))
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
    columns: Columns = {}
    previous: Mapping[str, float | None] = {}
    for index, (numbers, series) in enumerate(_updates(engine, bars)):
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
        different = np.flatnonzero(differences(values, fed))
        if not different.size:
            continue
        ahead = None
        for count in different[:CUTS] + 1:
            if count not in cuts:
                cuts[count] = _array_columns(compiled, bars.head(int(count)))
            if ahead is None and differences(values[:count], cuts[count][name]).any():
                ahead = _look_ahead(compiled, bars, name, values, cuts[count][name])
        bar, why = int(different[0]), "array form and bar-by-bar form disagree"
        check = Check.BATCH_EQUALS_STREAM
        findings.append(ahead or finding_at(compiled, bars, check, name, bar, values[bar], fed[bar], why))
    return findings


def _compare_cuts(compiled: CompiledStrategy, bars: Bars, whole: Columns, counts: IntArray) -> list[Finding]:
    for count in counts:
        part = _array_columns(compiled, bars.head(int(count)))
        for name, values in part.items():
            if differences(whole[name][:count], values).any():
                return [_look_ahead(compiled, bars, name, whole[name], values)]
    return []


def _look_ahead(compiled: CompiledStrategy, bars: Bars, name: str, whole: FloatArray, cut: FloatArray) -> Finding:
    bar = int(differences(whole[: len(cut)], cut).argmax())
    why = f"looks ahead: the answer changes when the bars after bar {len(cut) - 1} are cut off"
    return finding_at(compiled, bars, Check.PREFIX_INVARIANCE, name, bar, whole[bar], cut[bar], why)


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
            findings.append(finding_at(compiled, bars, Check.WARM_UP, name, bar, value, value, why, refuses=False))
    return findings


def _check_exits(compiled: CompiledStrategy, bars: Bars, whole: Columns) -> list[Finding]:
    if compiled.python is None or compiled.protect:
        return []
    findings = []
    for side in ("long", "short"):
        entries = np.flatnonzero(whole[f"entry_{side}"])
        if entries.size and not whole[f"exit_{side}"].any():
            bar, name = int(entries[0]), f"entry_{side}"
            why = f"bar {bar}: `{name}` opens a {side} position that nothing closes: `exit_{side}` is true on no bar"
            why += "; answer it, or add `protect: {stop_loss: '2 * atr(14)'}`"
            findings.append(Finding(Check.EXITS, False, bar, int(bars.open_time_us[bar]), name, 1.0, None, why))
    return findings
