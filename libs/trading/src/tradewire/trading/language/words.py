"""Every word of the strategy language: what it means, and an example that runs.

The words come from the code that reads them, so a word without a meaning here is an error at once. An example is a
few lines of a strategy; `runnable` puts them into EXAMPLE in place of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tradewire.trading.language.document import (
    KEYS,
    MAX_SYMBOLS,
    NAME,
    PARAM_KEYS,
    PROTECTIONS,
    RULES,
    SIZING_KEYS,
)
from tradewire.trading.language.intervals import INTERVALS_US
from tradewire.trading.language.numbers import FUNCTIONS
from tradewire.trading.language.scope import CROSSINGS, VOLATILITY
from tradewire.trading.language.tree import BAR_FIELDS

EXAMPLE = """\
id: example
venue: coinbase
account: main
symbols: [BTCUSD]
interval: 1h
indicators:
  fast: ema(close, 12)
  slow: ema(close, 26)
entry_long: crossed_above(fast, slow)
exit_long: crossed_below(fast, slow)
sizing: {fraction_of_equity: 0.5, max_leverage: 1}
"""
OPERATORS = ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "and", "or", "not")
_KEY = re.compile(r"^(\w+):", re.MULTILINE)


class Section(StrEnum):
    """A chapter of the reference."""

    KEYS = "keys"
    PARAMS = "params"
    SIZING = "sizing"
    PROTECT = "protect"
    FIELDS = "fields"
    OPERATORS = "operators"
    FUNCTIONS = "functions"


@dataclass(frozen=True, slots=True)
class Word:
    """One word: where it stands, what it means, and lines of a strategy that use it."""

    name: str
    section: Section
    meaning: str
    example: str


_Notes = Mapping[str, tuple[str, str]]
_INTERVALS = ", ".join(INTERVALS_US)
_KEY_NOTES: _Notes = {
    "id": (f"Required. The strategy's name, `{NAME.pattern}`.", "id: my-cross"),
    "description": ("Free text.", "description: Two averages cross"),
    "venue": ("Where it trades, as the instruments file names it; default `binance`.", "venue: coinbase"),
    "account": ("The account whose equity and limits hold; default `default`.", "account: main"),
    "symbols": (f"Required. A list of the venue's symbols, 1 to {MAX_SYMBOLS}.", "symbols: [BTCUSD]"),
    "interval": (f"Required. The bars that it decides on: {_INTERVALS}.", "interval: 1h"),
    "indicators": (
        "Names for numbers. A name may use other names, in any order, and stands wherever a number may.",
        "indicators:\n  fast: ema(close, 12)\n  slow: ema(close, 26)\n  gap: (fast - slow) / slow",
    ),
    "entry_long": (
        "A condition: buy when it holds and no position of this strategy is open. At least one entry is required.",
        "entry_long: crossed_above(fast, slow) and close > ema(close, 200)",
    ),
    "exit_long": ("A condition: sell the long position.", "exit_long: close < slow"),
    "entry_short": (
        "A condition: sell when it holds and no position of this strategy is open.",
        "entry_short: crossed_below(fast, slow)\nexit_short: crossed_above(fast, slow)",
    ),
    "exit_short": (
        "A condition: buy the short position back. With `entry_long` on the same bar, the position is reversed.",
        "entry_short: crossed_below(fast, slow)\nexit_short: crossed_above(fast, slow)",
    ),
    "python": (
        "`module:Class` of an installed plug-in, in place of the four rules.",
        "python: tradewire_example.rules:Breakout\nparams: {n: {default: 20, low: 5, high: 200, step: 5}}",
    ),
    "sizing": (
        "Required. How large an entry is: exactly one method, and its limits.",
        "sizing: {fraction_of_equity: 0.5, max_leverage: 1}",
    ),
    "protect": (
        "Orders that guard a position. Each value is a distance from the close that decided, in price units.",
        "protect: {stop_loss: 2 * atr(14), take_profit: 4 * atr(14)}",
    ),
    "params": (
        "Names for numbers that `--set` and `sweep` may change. A name stands wherever a number may.",
        "indicators:\n  fast: ema(close, length)\n  slow: ema(close, 2 * length)\n"
        "params:\n  length: {default: 12, low: 5, high: 60, step: 1}",
    ),
    "warmup": (
        "Bars of a history on which it enters nothing; default: until every number has a value. Averages that never "
        "forget their first value (`ema`, `rsi`, `atr`) need more to settle: `strategy validate` says how many.",
        "warmup: 400",
    ),
}
_PARAM = "params:\n  edge: {default: 0.5, low: 0, high: 2, step: 0.25}\nentry_long: close - slow > edge * atr(14)"
_PARAM_NOTES: _Notes = {
    "default": ("The value when nothing else is said.", _PARAM),
    "low": ("The least value allowed.", _PARAM),
    "high": ("The greatest value allowed.", _PARAM),
    "step": ("The sweep's step. If it, the default and both ends are whole, only whole numbers are allowed.", _PARAM),
}
_SIZING_NOTES: _Notes = {
    "volatility_target": (
        "Leverage = amount / `volatility`: a position that is to move by this ratio a year.",
        "sizing: {volatility_target: 0.4, volatility: volatility(168), max_leverage: 2}",
    ),
    "fraction_of_equity": ("Notional = amount × equity.", "sizing: {fraction_of_equity: 0.25}"),
    "fixed_notional": ("Notional in the quote currency.", "sizing: {fixed_notional: 10000}"),
    "fixed_qty": ("Quantity of the base asset.", "sizing: {fixed_qty: 0.1}"),
    "risk_per_trade": (
        "Quantity = amount × equity / stop distance: the stop costs this share of equity. Needs `protect.stop_loss`.",
        "sizing: {risk_per_trade: 0.01, max_leverage: 2}\nprotect: {stop_loss: 2 * atr(14)}",
    ),
    "max_leverage": (
        "The entry's notional is at most this multiple of equity.",
        "sizing: {fixed_notional: 50000, max_leverage: 1.5}",
    ),
    "volatility": (
        "For `volatility_target` only: the yearly volatility to divide by; default `volatility(30)`.",
        "sizing: {volatility_target: 0.3, volatility: 'volatility(20, interval=1d)'}",
    ),
}
_PROTECT_NOTES: _Notes = {
    "stop_loss": ("Closes the position at a loss of this distance.", "protect: {stop_loss: 2.5 * atr(14)}"),
    "take_profit": ("Closes the position at a gain of this distance.", "protect: {take_profit: 0.05 * close}"),
    "trailing_stop": (
        "Closes the position when the price falls back by this distance from its best since the fill.",
        "protect: {trailing_stop: 3 * atr(14)}",
    ),
}
_FIELD = "entry_long: close > open and volume > sma(volume, 24)\nexit_long: high - low > 3 * atr(14)"
_FIELD_NOTES: _Notes = {
    "open": ("First price of the bar.", _FIELD),
    "high": ("Highest price of the bar.", _FIELD),
    "low": ("Lowest price of the bar.", _FIELD),
    "close": ("Last price of the bar.", _FIELD),
    "volume": ("Quantity traded in the bar, base asset.", _FIELD),
}
_ARITHMETIC = "entry_long: (close - slow) / slow > 0.01 * 2 + 0.005"
_COMPARISON = (
    "entry_long: 1 < close / slow <= 1.05 and close != open\n"
    "exit_long: close >= 1.2 * slow or close == low or fast > 1.1 * slow"
)
_LOGIC = "entry_long: (close > fast or close > slow) and not close > 2 * slow"
_OPERATOR_NOTES: _Notes = {
    **dict.fromkeys("+-*", ("Arithmetic on numbers.", _ARITHMETIC)),
    "/": ("Division; by zero there is no value.", _ARITHMETIC),
    **dict.fromkeys(
        ("<", "<=", ">", ">=", "==", "!="), ("Compares two numbers; comparisons may be chained.", _COMPARISON)
    ),
    "and": ("Both hold. False when one is false, else unknown when one is unknown.", _LOGIC),
    "or": ("At least one holds. True when one is true, else unknown when one is unknown.", _LOGIC),
    "not": ("Turns a condition round; unknown stays unknown.", _LOGIC),
}
_FUNCTION_NOTES: _Notes = {
    "abs": ("Absolute value.", "entry_long: abs(close - slow) < 0.01 * slow"),
    "log": ("Natural logarithm; no value for numbers ≤ 0.", "entry_long: log(close / shift(close, 24)) > 0.02"),
    "sqrt": ("Square root; no value for numbers < 0.", "entry_long: sqrt(variance(close, 20)) < 0.01 * close"),
    "min": (
        "The least of two or more numbers.",
        "entry_long: close > max(fast, slow)\nexit_long: close < min(fast, slow)",
    ),
    "max": (
        "The greatest of two or more numbers.",
        "entry_long: close > max(fast, slow)\nexit_long: close < min(fast, slow)",
    ),
    "crossed_above": ("`a` ≤ `b` one bar ago and `a` > `b` now.", "entry_long: crossed_above(close, slow)"),
    "crossed_below": ("`a` ≥ `b` one bar ago and `a` < `b` now.", "exit_long: crossed_below(rsi(close, 14), 50)"),
    "volatility": (
        "Yearly realized volatility as a ratio: standard deviation of the last n log returns × √(bars a year).",
        "entry_long: crossed_above(fast, slow) and volatility(168) < 0.8",
    ),
    "interval": (
        "`interval=4h` as the last argument computes the whole call on bars of 4 h, made from the strategy's own. A "
        "bar sees the last higher bar that has closed by its own close.",
        "entry_long: crossed_above(fast, slow) and close > sma(close, 50, interval=4h)",
    ),
}


def _words(section: Section, names: Iterable[str], notes: _Notes) -> tuple[Word, ...]:
    return tuple(Word(name, section, *notes[name]) for name in names)


WORDS = (
    *_words(Section.KEYS, KEYS, _KEY_NOTES),
    *_words(Section.PARAMS, PARAM_KEYS, _PARAM_NOTES),
    *_words(Section.SIZING, SIZING_KEYS, _SIZING_NOTES),
    *_words(Section.PROTECT, PROTECTIONS, _PROTECT_NOTES),
    *_words(Section.FIELDS, BAR_FIELDS, _FIELD_NOTES),
    *_words(Section.OPERATORS, OPERATORS, _OPERATOR_NOTES),
    *_words(Section.FUNCTIONS, (*FUNCTIONS, *CROSSINGS, VOLATILITY, "interval"), _FUNCTION_NOTES),
)


def runnable(word: Word) -> str:
    """The word's example as a whole strategy file: EXAMPLE with these lines in place of its own."""
    given = _blocks(word.example)
    whole = {**_blocks(EXAMPLE), **given}
    if "python" in given:
        whole = {key: lines for key, lines in whole.items() if key not in RULES}
    return "".join(f"{whole[key].rstrip()}\n" for key in KEYS if key in whole)


def _blocks(text: str) -> dict[str, str]:
    """A strategy's lines by key."""
    starts = [*_KEY.finditer(text)]
    ends = [*(match.start() for match in starts[1:]), len(text)]
    return {match.group(1): text[match.start() : end] for match, end in zip(starts, ends, strict=True)}
