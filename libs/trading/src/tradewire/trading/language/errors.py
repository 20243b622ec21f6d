"""What is wrong with a strategy: every fault at its line and column, with a way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tradewire.trading.spelling import nearest_word

MAX_ERRORS = 100
"""A report stops growing here; nobody reads further before fixing the first."""


@dataclass(frozen=True, slots=True)
class TextPosition:
    """A place in the strategy's text; line and column count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class StrategyError:
    """One fault or warning: where it is, what was found and allowed, and a suggestion where there is one."""

    line: int
    column: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"line {self.line}, column {self.column}: {self.message}{hint}"


class StrategyErrors(ValueError):  # noqa: N818 - it holds many, and its name says so
    """A strategy that cannot be accepted. `errors` holds every fault found, in text order."""

    def __init__(self, errors: Iterable[StrategyError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda error: (error.line, error.column)))
        super().__init__("\n".join(str(error) for error in self.errors))

    def __reduce__(self) -> tuple[type[StrategyErrors], tuple[tuple[StrategyError, ...]]]:
        """So that it arrives from a worker process: the default would hand the text over as errors."""
        return type(self), (self.errors,)


class Diagnostics:
    """Collects faults so that one run reports them all."""

    def __init__(self) -> None:
        self.errors: list[StrategyError] = []
        self.warnings: list[StrategyError] = []

    def report(self, position: TextPosition, message: str, suggestion: str | None = None) -> None:
        """Note one fault; the same fault at the same place is noted once."""
        error = StrategyError(position.line, position.column, message, suggestion)
        if error not in self.errors and len(self.errors) < MAX_ERRORS:
            self.errors.append(error)

    def warn(self, position: TextPosition, message: str, suggestion: str | None = None) -> None:
        """Note what is taken as it is, but should be written in another way."""
        warning = StrategyError(position.line, position.column, message, suggestion)
        if warning not in self.warnings and len(self.warnings) < MAX_ERRORS:
            self.warnings.append(warning)

    def raise_if_any(self) -> None:
        """Raise StrategyErrors when at least one fault was noted."""
        if self.errors:
            raise StrategyErrors(self.errors)


_FOREIGN_WORDS = {
    "crossover": "crossed_above",
    "cross_over": "crossed_above",
    "cross_above": "crossed_above",
    "crossunder": "crossed_below",
    "cross_under": "crossed_below",
    "cross_below": "crossed_below",
    "bb": "bollinger",
    "bbands": "bollinger",
    "std": "stddev",
    "stdev": "stddev",
    "stoch": "stochastic",
    "ref": "shift",
    "lag": "shift",
    "prev": "shift",
    "ln": "log",
    "price": "close",
    "src": "close",
    "timeframe": "interval",
}
"""Words of other trading languages (TradingView, TA-Lib, pandas-ta) and ours for them."""


def did_you_mean(word: str, allowed: Iterable[str]) -> str | None:
    """`did you mean `fast`?` for the nearest allowed word, else None."""
    words = list(allowed)
    lowered = word.lower()
    foreign = _FOREIGN_WORDS.get(lowered)
    if foreign in words:
        return f"did you mean `{foreign}`?"
    near = nearest_word(word, words)
    return f"did you mean `{near}`?" if near else None


def one_of(allowed: Iterable[str]) -> str:
    """`one of a, b, c`, for messages."""
    return "one of " + ", ".join(allowed)
