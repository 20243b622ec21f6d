"""The language's reference, generated from the code that runs it."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.trading.indicators import INDICATORS, Indicator
from tradewire.trading.language.calls import usage
from tradewire.trading.language.document import KEYS, MAX_SYMBOLS, NAME, PROTECTIONS, RULES
from tradewire.trading.language.intervals import INTERVALS_US
from tradewire.trading.language.sizing import SizingMethod
from tradewire.trading.language.syntax import MAX_EXPRESSION_CHARS
from tradewire.trading.language.tree import BAR_FIELDS, MAX_DEPTH, MAX_NODES, number_text

_KEY_NOTES: Mapping[str, str] = {
    "id": f"required; `{NAME.pattern}`",
    "description": "free text",
    "venue": "default `binance`",
    "account": "default `default`",
    "symbols": f"required; list of the venue's symbols, 1 to {MAX_SYMBOLS}",
    "interval": f"required; one of {', '.join(INTERVALS_US)}",
    "indicators": "names for series: `name: number`; a name may use other names, in any order",
    "entry_long": "condition; at least one entry is required",
    "exit_long": "condition",
    "entry_short": "condition",
    "exit_short": "condition",
    "python": "`module:Class` of an installed plug-in, in place of the four rules",
    "sizing": "required; one method of the table below, `max_leverage`, and `volatility` for volatility_target",
    "protect": f"distances in price units at the bar that decides: {', '.join(PROTECTIONS)}",
    "params": "`name: {default, low, high, step}`; a name may stand wherever a number may",
}
_SIZING_NOTES: Mapping[SizingMethod, str] = {
    SizingMethod.VOLATILITY_TARGET: "leverage = amount / `volatility` (a number, default `volatility(30)`)",
    SizingMethod.FRACTION_OF_EQUITY: "notional = amount × equity",
    SizingMethod.FIXED_NOTIONAL: "notional in quote units",
    SizingMethod.FIXED_QTY: "quantity in base asset units",
    SizingMethod.RISK_PER_TRADE: "qty = amount × equity / stop distance; needs `protect.stop_loss`",
}
_GRAMMAR = """\
condition  = comparison | crossing | condition "and" condition | condition "or" condition
           | "not" condition | "(" condition ")"
comparison = number (("<" | "<=" | ">" | ">=" | "==" | "!=") number)+
crossing   = ("crossed_above" | "crossed_below") "(" number "," number ")"
number     = literal | field | name | parameter | number ("+" | "-" | "*" | "/") number | "-" number
           | ("abs" | "log" | "sqrt") "(" number ")" | ("min" | "max") "(" number ("," number)+ ")"
           | "volatility" "(" literal ["," "interval" "=" interval] ")"
           | indicator "(" series* parameters ["," "interval" "=" interval] ")" ["." output]
           | "(" number ")"
"""
_SENSE = f"""\
- `crossed_above(a, b)` is true when a ≤ b one bar ago and a > b now; `crossed_below` when a ≥ b and a < b.
- A number without finite value (warming up, division by zero, `log` of a number ≤ 0) is missing. A
  comparison with a missing number is unknown: `and` with a false is false, `or` with a true is true, all
  else stays unknown.
- `volatility(n)` is the yearly realized volatility as a ratio: standard deviation of the last n log returns
  of `close` × √(bars in a year of 365 days).
- `interval=4h` computes the whole call on bars of 4 h, built from the strategy's own. A bar sees the last
  higher bar closed by its own close. Buckets are aligned to the UTC epoch, weeks to Mondays.
- No entry while an input is missing or a protection or sizing input is not above 0. Exit before entry: an
  exit cancels the entry of the same side on the same bar. Both entries true: no entry.
- An expression has at most {MAX_EXPRESSION_CHARS} characters and, names written out, {MAX_NODES} parts
  and {MAX_DEPTH} levels of nesting."""


def language_reference(catalogue: Mapping[str, Indicator] = INDICATORS) -> str:
    """Markdown: document keys, grammar, sense, sizing, and every indicator with formula and source."""
    rules = ", ".join(f"`{name}`" for name in RULES)
    parts = [
        "# Strategy language",
        "Generated from the code. A strategy is a YAML mapping with these keys.",
        _table(("key", "meaning"), [(f"`{key}`", _KEY_NOTES[key]) for key in KEYS]),
        "## Expressions",
        f"The rules ({rules}) are conditions; indicators, protections and sizing are numbers.",
        f"```\n{_GRAMMAR}```",
        f"Fields of the bar: {', '.join(f'`{name}`' for name in BAR_FIELDS)}.",
        _SENSE,
        "## Sizing",
        _table(("method", "meaning"), [(f"`{method}`", note) for method, note in _SIZING_NOTES.items()]),
        "## Indicators",
        *(_indicator(catalogue[name]) for name in sorted(catalogue)),
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join('---' for _ in head)}|"]
    lines += [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _indicator(indicator: Indicator) -> str:
    lines = [f"### `{usage(indicator)}`", "", f"{indicator.title}.", "", f"Formula: {indicator.formula}", ""]
    if indicator.fields:
        lines += [f"Reads: {', '.join(indicator.fields)}.", ""]
    for param in indicator.params:
        kind = "whole number" if param.integer else "number"
        span = f"{number_text(param.low)} to {number_text(param.high)}"
        lines.append(f"- `{param.name}`: {kind}, {span}, default {number_text(param.default)}")
    if len(indicator.outputs) > 1:
        lines.append(f"- outputs: {', '.join(f'`.{name}`' for name in indicator.outputs)}")
    lines += ["", f"Source: {indicator.source}"]
    return "\n".join(lines)
