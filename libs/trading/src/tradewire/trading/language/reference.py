"""The language's reference, generated from the code that runs it."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.trading.indicators import INDICATORS, Indicator
from tradewire.trading.language.calls import usage
from tradewire.trading.language.syntax import MAX_EXPRESSION_CHARS
from tradewire.trading.language.tree import MAX_DEPTH, MAX_NODES, number_text
from tradewire.trading.language.words import EXAMPLE, WORDS, Section, Word

HEAD = f"""\
# Strategy language

Generated from the code by `docs/research/generate_language.py`; do not edit. A strategy is a YAML file. What any YAML
reader sees is what runs, so a call with a comma inside braces stands in quotes: `{{fast: 'ema(close, 20)'}}`. Every
example below runs when its lines take the place of those of this file; a test runs them all.

```yaml
{EXAMPLE}```

In the terminal `tradewire strategy language stop_loss` explains a word, `tradewire strategy language sizing` a chapter;
`tradewire strategy validate FILE` names every fault of a file with line, column and a way out. Coming from another
program: [ten strategies side by side](coming-from.md)."""
TITLES: Mapping[Section, tuple[str, str]] = {
    Section.KEYS: ("Keys", "The keys of the file."),
    Section.PARAMS: ("Parameters", "The keys of one parameter under `params`."),
    Section.SIZING: (
        "Sizing",
        "The keys of `sizing`: exactly one of the first five. Amounts are constants or parameters, above 0. Quantities "
        "are rounded down to the instrument's step.",
    ),
    Section.PROTECT: (
        "Protection",
        "The keys of `protect`. Distances are numbers in price units, read once, at the bar that decides; the first "
        "order to fill cancels the others.",
    ),
    Section.FIELDS: ("Fields of the bar", "Numbers of the closed bar."),
    Section.OPERATORS: ("Operators", "As in Python; `and` binds closer than `or`, `not` closer than both."),
    Section.FUNCTIONS: (
        "Functions",
        "Beside these, every indicator of [indicators.md](indicators.md) and every installed one is a function. Other "
        "bars are read with `shift(x, n)`, n bars back.",
    ),
}
GRAMMAR = """\
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
_LIMITS = f"""\
The four rules are conditions; indicators, protections and sizing are numbers. An expression has at most
{MAX_EXPRESSION_CHARS} characters and, names written out, {MAX_NODES} parts and {MAX_DEPTH} levels of nesting."""
WHEN = """\
1. A bar closes. Its indicators see closed bars only: the bar itself, those before it, and the higher bars closed by
   then. Higher bars begin at multiples of their interval since the UTC epoch, weeks on Mondays.
2. The four rules are decided on the closed bar. A number without a finite value (warming up, division by zero) makes
   its comparison unknown, and a rule acts only when it is true. Sums, differences and averages of prices are
   compared as the decimals that they are, up to 13 digits: a rise from 100.2 to 100.3 is not above 0.1
   ([ADR 38](../adr/0038-rules-compare-decimals.md)).
3. No entry while an input has no value, or a distance or a sizing input is not above 0. An exit acts whenever its rule
   is true, whatever stands against an entry, and cancels the entry of its own side on the same bar. When both entries
   are true there is no entry. Rules in Python are asked at bars at which every input has a value.
4. An exit closes the strategy's own position and withdraws its protective orders. An entry is taken only from flat; an
   entry of the other side acts only together with the exit of the held one, as a reversal. Nothing is added to a
   position.
5. An entry is sized with the account's equity as of that close and judged against the account's limits. A refused
   entry is not tried again: the next entry is the next bar whose rule is true.
6. Orders are market orders. They fill at the next bar's open at the earliest, with the slippage that the account is
   set to.
7. Protective orders are at work from the fill of the entry on. Their prices count from the close that decided
   ([ADR 3](../adr/0003-protection-from-the-decision.md)), not from the fill.
8. Parameters are numbers of one version of the strategy. A changed file is a new version, which decides from the next
   bar on."""
PLUGINS = """\
Rules and indicators may be written in Python. A file can name only what an installed package offers through an entry
point, so a strategy never brings code with it. An installable package with one of each is in
[example-plugin](example-plugin/README.md).

- Group `tradewire.strategies`: a class that lists the series it reads (`demands`) and decides in two forms, `rules` for
  one bar and `rules_array` for a history; named by `python: module:Class`. Both get the demands and the bar's own
  prices and volume, of the bar and of the one before (`previous`), and answer the four rules by name: True, False or
  None of a bar, a bool array of a history; a rule left out is false. They are asked on bars where every demand and
  every price has a value now and a bar before. A class is refused unless both forms decide alike on every bar and no
  answer changes when later bars are cut off; other names and other answers are errors.
- Group `tradewire.indicators`: an `Indicator`, named like a built-in one: `heikin_ashi().close`. It is refused unless
  its name is free, its two forms are equal bit for bit on random markets with holes and on both ends of each history
  that is traded, and its first value comes after the warm-up that it states. An index outside its state is an error."""


def language_document() -> str:
    """The reference as Markdown, without the built-in indicators, which have a document of their own."""
    parts = [HEAD]
    for section, (title, text) in TITLES.items():
        parts += [f"## {title}", text, _table([word for word in WORDS if word.section is section])]
    parts += ["## Grammar", f"```\n{GRAMMAR}```", _LIMITS, "## What happens when", WHEN, "## Plug-ins", PLUGINS]
    return "\n\n".join(parts) + "\n"


def _table(words: list[Word]) -> str:
    lines = ["| word | meaning | example |", "|---|---|---|"]
    for word in words:
        example = "<br>".join(f"`{line.replace('|', '&#124;')}`" for line in _shown(word.example))
        lines.append(f"| `{word.name}` | {word.meaning} | {example} |")
    return "\n".join(lines)


def _shown(example: str) -> list[str]:
    """The lines of an example, with what leads them kept visible in a table."""
    return [line.replace("  ", "\u00a0\u00a0", 1) if line.startswith("  ") else line for line in example.split("\n")]


def indicator_text(indicator: Indicator) -> str:
    """One indicator in plain lines: call, formula, parameters, outputs, warm-up, source."""
    lines = [usage(indicator), f"  {indicator.title}. {indicator.formula}"]
    for param in indicator.params:
        kind = "whole number" if param.integer else "number"
        span = f"{number_text(param.low)} to {number_text(param.high)}"
        lines.append(f"  {param.name}: {kind}, {span}, default {number_text(param.default)}")
    if len(indicator.outputs) > 1:
        lines.append(f"  outputs: {', '.join(f'.{name}' for name in indicator.outputs)}")
    return "\n".join([*lines, f"  warm-up {indicator.warmup()} bars; source: {indicator.source}"])


def words_called(name: str) -> tuple[Word, ...]:
    """The words of this name (`volatility` is a function and a key of sizing), or a chapter's words."""
    return tuple(word for word in WORDS if word.name == name or word.section == name)


def known_words(catalogue: Mapping[str, Indicator] = INDICATORS) -> tuple[str, ...]:
    """Everything that can be asked for: chapters, words, indicators."""
    return tuple(dict.fromkeys((*Section, *(word.name for word in WORDS), *catalogue)))
