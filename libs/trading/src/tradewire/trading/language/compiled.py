"""A compiled strategy: a pure function of one snapshot, and of a whole history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from tradewire.trading.indicators import FloatArray, Indicator
from tradewire.trading.language.bars import Bars
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.evaluation import (
    Evaluation,
    EvaluationArrays,
    RuleReason,
    decide,
    decide_arrays,
)
from tradewire.trading.language.numbers import (
    NAN,
    ScalarForm,
    SeriesArrays,
    Snapshot,
    array_form,
    scalar_form,
)
from tradewire.trading.language.plugins import CheckedRules
from tradewire.trading.language.rules import BoolArray, Truth, TruthForm, one_bar_later, truth_array_form, truth_form
from tradewire.trading.language.sizing import Sizing, SizingMethod
from tradewire.trading.language.tree import BAR_FIELDS, Condition, Number, canonical, crossings, leaves


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, its text with the author's names, its forms, and the series it reads now and one bar before."""

    name: str
    text: str
    condition: Condition
    truth: TruthForm
    reads: tuple[str, ...]
    reads_before: tuple[str, ...]


def make_rule(name: str, text: str, condition: Condition) -> Rule:
    """The rule with its forms ready."""
    before = [leaf for crossing in crossings(condition) for leaf in leaves(crossing)]
    return Rule(name, text, condition, truth_form(condition), series_read([condition]), _keys(before))


def series_read(trees: Iterable[Number | Condition]) -> tuple[str, ...]:
    """Canonical texts of the series that the trees read, each once, in reading order."""
    return _keys([leaf for tree in trees for leaf in leaves(tree)])


def _keys(found: Iterable[Number]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(canonical(leaf) for leaf in found))


@dataclass(frozen=True, slots=True)
class CompiledStrategy:
    """A strategy ready to run; made by `compile_strategy`.

    Attributes: demands: canonical series that the indicator service must compute; digest: sha256 hex of all
    that changes what it does (texts and comments do not); warmup_bars: base bars after which, at the latest,
    a strategy started fresh is ready if the market gives every series a value; labels: canonical text →
    author's name; foreign: the demands that an indicator of an installed package takes part in.
    """

    id: str
    venue: str
    account: str
    symbols: tuple[str, ...]
    interval: str
    interval_us: int
    params: Mapping[str, float]
    demands: tuple[str, ...]
    sizing: Sizing
    digest: str
    warmup_bars: int
    labels: Mapping[str, str]
    rules: tuple[Rule, ...] = field(repr=False)
    protect: Mapping[str, Number] = field(repr=False)
    volatility: Number | None = field(repr=False)
    python: CheckedRules | None = field(repr=False)
    foreign: tuple[str, ...] = field(repr=False)
    reads: tuple[str, ...] = field(repr=False)
    reads_before: tuple[str, ...] = field(repr=False)
    catalogue: Mapping[str, Indicator] = field(repr=False)
    _distances: dict[str, ScalarForm] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name, tree in self.measures().items():
            self._distances[name] = scalar_form(tree)

    def measures(self) -> dict[str, Number]:
        """The numbers that an entry needs above 0: protections by name, and `volatility` where sizing
        uses it.
        """
        return {**self.protect, **({"volatility": self.volatility} if self.volatility else {})}

    def evaluate(self, values: Snapshot, previous: Snapshot) -> Evaluation:
        """The answer to one closed bar.

        Parameters: values: the demanded series and the bar's open, high, low, close, volume; previous: the
        same one bar earlier ({} before the first). None or a missing key is a series without a value.
        """
        missing = [key for key in self.reads if _missing(values, key)]
        missing_before = [key for key in self.reads_before if _missing(previous, key)]
        raw = self._raw(values, previous, complete=not missing and not missing_before)
        measured = {name: _above_zero(form(values)) for name, form in self._distances.items()}
        lacking = [name for name, value in measured.items() if value is None]
        ready = not missing and not missing_before
        decision, notes = decide(raw, ready=ready, above_0=not lacking)
        return Evaluation(
            signal=decision.signal,
            ready=ready,
            withheld=decision.withheld,
            entry_long=decision.entry_long,
            exit_long=decision.exit_long,
            entry_short=decision.entry_short,
            exit_short=decision.exit_short,
            stop_distance=measured.get("stop_loss"),
            take_profit_distance=measured.get("take_profit"),
            trailing_distance=measured.get("trailing_stop"),
            sizing_inputs=self._sizing_inputs(measured),
            reasons=self._reasons(raw, values, previous),
            notes=(*self._gaps(missing, missing_before, lacking), *notes),
        )

    def evaluate_array(self, bars: Bars) -> EvaluationArrays:
        """The answers to a history that starts fresh; equals `evaluate` fed by the engine on every bar."""
        engine = IndicatorEngine(self.demands, self.interval_us, self.catalogue)
        return self.evaluate_series({**bars.columns(), **engine.array(bars)})

    def evaluate_series(self, series: SeriesArrays) -> EvaluationArrays:
        """The answers to series already computed: every demand and bar field, each shape (n,)."""
        length = len(series["close"])
        complete = np.ones(length, dtype=np.bool_)
        for key in self.reads:
            complete &= np.isfinite(series[key])
        for key in self.reads_before:
            complete[1:] &= np.isfinite(series[key][:-1])
        complete[:1] &= not self.reads_before
        raw = self._raw_arrays(series, complete)
        measured = {name: _above_zero_array(array_form(tree, length)(series)) for name, tree in self.measures().items()}
        above_0 = np.ones(length, dtype=np.bool_)
        for values in measured.values():
            above_0 &= ~np.isnan(values)
        decision = decide_arrays(raw, ready=complete, above_0=above_0)
        empty = np.broadcast_to(np.float64(NAN), length)
        return EvaluationArrays(
            signal=decision.signal(),
            ready=complete,
            withheld=decision.withheld,
            entry_long=decision.entry_long,
            exit_long=decision.exit_long,
            entry_short=decision.entry_short,
            exit_short=decision.exit_short,
            stop_distance=measured.get("stop_loss", empty),
            take_profit_distance=measured.get("take_profit", empty),
            trailing_distance=measured.get("trailing_stop", empty),
            sizing_inputs=self._sizing_arrays(measured),
        )

    def _raw(self, values: Snapshot, previous: Snapshot, *, complete: bool) -> Mapping[str, Truth]:
        if self.python is not None:
            return self.python.rules(values, previous) if complete else {}
        return {rule.name: rule.truth(values, previous) for rule in self.rules}

    def _raw_arrays(self, series: SeriesArrays, complete: BoolArray) -> Mapping[str, BoolArray]:
        if self.python is not None:
            before = {key: one_bar_later(values) for key, values in series.items()}
            raw = self.python.rules_array(series, before)
            return {name: values & complete for name, values in raw.items()}
        length = len(complete)
        return {rule.name: truth_array_form(rule.condition, length)(series).true for rule in self.rules}

    def _sizing_inputs(self, measured: Mapping[str, float | None]) -> dict[str, float]:
        found = {name: measured.get(source) for name, source in self._sizing_sources().items()}
        return {name: value for name, value in found.items() if value is not None}

    def _sizing_arrays(self, measured: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: measured[source] for name, source in self._sizing_sources().items()}

    def _sizing_sources(self) -> dict[str, str]:
        if self.sizing.method is SizingMethod.VOLATILITY_TARGET:
            return {"volatility": "volatility"}
        if self.sizing.method is SizingMethod.RISK_PER_TRADE:
            return {"stop_distance": "stop_loss"}
        return {}

    def _reasons(self, raw: Mapping[str, Truth], values: Snapshot, previous: Snapshot) -> tuple[RuleReason, ...]:
        if self.python is not None:
            now, before = self._labelled(self.reads, values), self._labelled(self.reads_before, previous)
            name = self.python.made_by.__qualname__
            return tuple(RuleReason(rule, name, truth, now, before) for rule, truth in raw.items())
        return tuple(
            RuleReason(
                rule.name,
                rule.text,
                raw[rule.name],
                self._labelled(rule.reads, values),
                self._labelled(rule.reads_before, previous),
            )
            for rule in self.rules
        )

    def _labelled(self, keys: tuple[str, ...], snapshot: Snapshot) -> dict[str, float | None]:
        return {self.labels.get(key, key): snapshot.get(key) for key in keys}

    def _gaps(self, missing: list[str], before: list[str], lacking: list[str]) -> list[str]:
        notes = []
        if missing:
            notes.append("no value yet: " + ", ".join(self.labels.get(key, key) for key in missing))
        elif before:
            notes.append("no value one bar ago: " + ", ".join(self.labels.get(key, key) for key in before))
        if lacking and not missing:
            notes.append("not above 0: " + ", ".join(lacking))
        return notes


BAR_SERIES = BAR_FIELDS
"""Series that every snapshot holds beside the demands."""


def _missing(snapshot: Snapshot, key: str) -> bool:
    value = snapshot.get(key)
    return value is None or value - value != 0.0


def _above_zero(value: float) -> float | None:
    return value if value > 0.0 else None


def _above_zero_array(values: FloatArray) -> FloatArray:
    return np.where(values > 0.0, values, NAN)
