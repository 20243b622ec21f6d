"""What a strategy says about one closed bar, and about every bar of a history.

How raw rules become a signal, the same in both forms:
1. No entry while the strategy is not ready, which is while an input has no value, nor while a protection or
   sizing input is not above 0.
2. Exit before entry: `exit_long` cancels `entry_long` of the same bar, `exit_short` cancels `entry_short`.
3. Both entries true: no entry.
4. An exit acts as soon as it is known to be true, whatever stands against an entry.
The language knows no positions: which of the signals applies to the position held is for risk to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tradewire.trading.indicators import FloatArray
from tradewire.trading.language.rules import BoolArray, Truth

Int8Array = NDArray[np.int8]


class Signal(StrEnum):
    """The four booleans in one word. When both exits hold and no entry, it is EXIT_LONG: read the
    booleans.
    """

    HOLD = "HOLD"
    ENTER_LONG = "ENTER_LONG"
    ENTER_SHORT = "ENTER_SHORT"
    EXIT_LONG = "EXIT_LONG"
    EXIT_SHORT = "EXIT_SHORT"
    REVERSE_TO_LONG = "REVERSE_TO_LONG"
    REVERSE_TO_SHORT = "REVERSE_TO_SHORT"


SIGNALS = tuple(Signal)
"""Signals by their code in EvaluationArrays."""
_CODE = {signal: np.int8(code) for code, signal in enumerate(SIGNALS)}


class Withheld(StrEnum):
    """Why a bar at which an entry rule holds asks for no entry: the first that applies."""

    EXIT_FIRST = "exit_first"
    BOTH_ENTRIES = "both_entries"
    NOT_READY = "not_ready"
    NOT_ABOVE_0 = "not_above_0"


WITHHELD: tuple[Withheld | None, ...] = (None, *Withheld)
"""Reasons by their code in EvaluationArrays; the first is none."""


@dataclass(frozen=True, slots=True)
class RuleReason:
    """Why a rule held or not: its text, its truth (None = unknown) and the values it saw, now and a bar
    before.

    Series carry the author's name where they have one (`fast`, `band.upper`), else their canonical text.
    """

    rule: str
    expression: str
    truth: Truth
    values: Mapping[str, float | None]
    previous: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A strategy's answer to one bar; distances in price units, None where not asked for or not above 0.

    ready: every input has a value; withheld: why an entry rule that holds asks for no entry, None where it does or
    none holds.
    """

    signal: Signal
    ready: bool
    withheld: Withheld | None
    entry_long: bool
    exit_long: bool
    entry_short: bool
    exit_short: bool
    stop_distance: float | None
    take_profit_distance: float | None
    trailing_distance: float | None
    sizing_inputs: Mapping[str, float]
    reasons: tuple[RuleReason, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvaluationArrays:
    """A strategy's answers to a history, each array of shape (n,): `Evaluation` without reasons and notes.

    signal: int8 index into SIGNALS; withheld: int8 index into WITHHELD; distances and sizing inputs: float64, NaN for
    None.
    """

    signal: Int8Array
    ready: BoolArray
    withheld: Int8Array
    entry_long: BoolArray
    exit_long: BoolArray
    entry_short: BoolArray
    exit_short: BoolArray
    stop_distance: FloatArray
    take_profit_distance: FloatArray
    trailing_distance: FloatArray
    sizing_inputs: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.signal)

    def since(self, first: int) -> EvaluationArrays:
        """The answers from a bar on."""
        if not first:
            return self
        arrays = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "sizing_inputs"}
        inputs = {name: values[first:] for name, values in self.sizing_inputs.items()}
        return EvaluationArrays(**{name: values[first:] for name, values in arrays.items()}, sizing_inputs=inputs)


@dataclass(frozen=True, slots=True)
class RuleDecision:
    """The four rules after precedence, for one bar, and why an entry is withheld."""

    entry_long: bool
    exit_long: bool
    entry_short: bool
    exit_short: bool
    withheld: Withheld | None

    @property
    def signal(self) -> Signal:
        """The booleans in one word."""
        if self.entry_long:
            return Signal.REVERSE_TO_LONG if self.exit_short else Signal.ENTER_LONG
        if self.entry_short:
            return Signal.REVERSE_TO_SHORT if self.exit_long else Signal.ENTER_SHORT
        if self.exit_long:
            return Signal.EXIT_LONG
        return Signal.EXIT_SHORT if self.exit_short else Signal.HOLD


def decide(raw: Mapping[str, Truth], *, ready: bool, above_0: bool) -> tuple[RuleDecision, tuple[str, ...]]:
    """Precedence over the raw rules of one bar: the decision and what had to be said about it.

    Parameters: ready: every input has a value; above_0: so is every distance and sizing input.
    """
    exit_long, exit_short = raw.get("exit_long") is True, raw.get("exit_short") is True
    entry_long, entry_short = raw.get("entry_long") is True, raw.get("entry_short") is True
    notes: list[str] = []
    withheld = Withheld.EXIT_FIRST if entry_long or entry_short else None
    if entry_long and exit_long:
        entry_long = False
        notes.append("entry_long and exit_long are both true: exit before entry, no entry")
    if entry_short and exit_short:
        entry_short = False
        notes.append("entry_short and exit_short are both true: exit before entry, no entry")
    if entry_long or entry_short:
        withheld = _withheld(both=entry_long and entry_short, ready=ready, above_0=above_0)
        if withheld is not None:
            entry_long = entry_short = False
            notes.append(_NOTES[withheld])
    return RuleDecision(entry_long, exit_long, entry_short, exit_short, withheld), tuple(notes)


_NOTES: Mapping[Withheld, str] = {
    Withheld.BOTH_ENTRIES: "entry_long and entry_short are both true: no entry",
    Withheld.NOT_READY: "not ready: no entry",
    Withheld.NOT_ABOVE_0: "a distance or sizing input is not above 0: no entry",
}


def _withheld(*, both: bool, ready: bool, above_0: bool) -> Withheld | None:
    """Why an entry is withheld that no exit cancels."""
    if both:
        return Withheld.BOTH_ENTRIES
    if not ready:
        return Withheld.NOT_READY
    return None if above_0 else Withheld.NOT_ABOVE_0


@dataclass(frozen=True, slots=True)
class DecisionArrays:
    """The four rules after precedence, on every bar, each shape (n,)."""

    entry_long: BoolArray
    exit_long: BoolArray
    entry_short: BoolArray
    exit_short: BoolArray
    withheld: Int8Array

    def signal(self) -> Int8Array:
        """Signal codes, shape (n,), as `RuleDecision.signal` on every bar."""
        conditions = [
            self.entry_long & self.exit_short,
            self.entry_long,
            self.entry_short & self.exit_long,
            self.entry_short,
            self.exit_long,
            self.exit_short,
        ]
        codes = [
            _CODE[Signal.REVERSE_TO_LONG],
            _CODE[Signal.ENTER_LONG],
            _CODE[Signal.REVERSE_TO_SHORT],
            _CODE[Signal.ENTER_SHORT],
            _CODE[Signal.EXIT_LONG],
            _CODE[Signal.EXIT_SHORT],
        ]
        return np.select(conditions, codes, default=_CODE[Signal.HOLD]).astype(np.int8)


def decide_arrays(raw: Mapping[str, BoolArray], *, ready: BoolArray, above_0: BoolArray) -> DecisionArrays:
    """`decide` on every bar; a rule that is not in `raw` is false throughout."""
    never = np.zeros(len(ready), dtype=np.bool_)
    exit_long, exit_short = raw.get("exit_long", never), raw.get("exit_short", never)
    asked = raw.get("entry_long", never) | raw.get("entry_short", never)
    entry_long = raw.get("entry_long", never) & ~exit_long
    entry_short = raw.get("entry_short", never) & ~exit_short
    both, left = entry_long & entry_short, entry_long | entry_short
    reasons = [asked & ~left, both, left & ~ready, left & ~above_0]
    withheld = np.select(reasons, [np.int8(code) for code in range(1, len(WITHHELD))], default=np.int8(0))
    acts = withheld == 0
    return DecisionArrays(entry_long & acts, exit_long, entry_short & acts, exit_short, withheld)
