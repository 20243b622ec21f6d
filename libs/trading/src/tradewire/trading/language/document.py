"""A strategy's document: what the author wrote, read and placed, before names are looked up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from tradewire.trading.language.constants import is_held, too_many_digits
from tradewire.trading.language.errors import Diagnostics, StrategyError, TextPosition, did_you_mean, one_of
from tradewire.trading.language.intervals import INTERVALS_US
from tradewire.trading.language.markup import Parser, entries, places, position, read_mapping, scalar_text
from tradewire.trading.language.syntax import Expression, parse_expression
from tradewire.trading.language.tree import BAR_FIELDS

ENTRIES = ("entry_long", "entry_short")
RULES = ("entry_long", "exit_long", "entry_short", "exit_short")
PROTECTIONS = ("stop_loss", "take_profit", "trailing_stop")
SIZING_METHODS = (
    "volatility_target",
    "fraction_of_equity",
    "fixed_notional",
    "fixed_qty",
    "risk_per_trade",
)
SIZING_KEYS = (*SIZING_METHODS, "max_leverage", "volatility")
PARAM_KEYS = ("default", "low", "high", "step")
KEYS = (
    "id",
    "description",
    "venue",
    "account",
    "symbols",
    "interval",
    "indicators",
    *RULES,
    "python",
    "sizing",
    "protect",
    "params",
    "warmup",
)
MAX_WARMUP = 100_000
MAX_SYMBOLS = 2_000
NAME = re.compile(r"[a-z0-9-]{1,40}")
_SYMBOL = re.compile(r"[^\W_][\w-]{0,29}")
_WORD = re.compile(r"[a-z_][a-z0-9_]{0,39}")
_PYTHON = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_RESERVED = {*BAR_FIELDS, "and", "or", "not", "in", "is", "if", "else", "for", "lambda", "interval"}


@dataclass(frozen=True, slots=True)
class ParamRange:
    """A named number for sweeps: default, allowed range (both ends included) and the sweep's step."""

    default: float
    low: float
    high: float
    step: float | None

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant: a step is given, and it, default and ends all are whole."""
        numbers = (self.step, self.default, self.low, self.high)
        return all(number is not None and number == int(number) for number in numbers)


@dataclass(frozen=True, slots=True)
class StrategyDocument:
    """A strategy as written. Expressions are parsed, not yet resolved; `python` names a plug-in's rules
    instead.
    """

    text: str
    id: str
    venue: str
    account: str
    symbols: tuple[str, ...]
    interval: str
    description: str = ""
    indicators: Mapping[str, Expression] = field(default_factory=dict)
    rules: Mapping[str, Expression] = field(default_factory=dict)
    protect: Mapping[str, Expression] = field(default_factory=dict)
    sizing: Mapping[str, Expression] = field(default_factory=dict)
    params: Mapping[str, ParamRange] = field(default_factory=dict)
    python: str | None = None
    warmup: int = 0
    faulty: frozenset[str] = frozenset()
    positions: Mapping[str, TextPosition] = field(default_factory=dict)
    warnings: tuple[StrategyError, ...] = ()


def read_document(text: str, diagnostics: Diagnostics, parser: Parser = Parser.TELLING) -> StrategyDocument | None:
    """Read the YAML text; faults go to `diagnostics`. None when it is no mapping at all.

    A document is returned even when parts are faulty, so that its expressions can still be checked.
    """
    root = read_mapping(text, diagnostics, parser)
    return None if root is None else _Reader(text, root, diagnostics).document()


class _Reader:
    """Reads the parts of one document."""

    def __init__(self, text: str, root: yaml.MappingNode, diagnostics: Diagnostics) -> None:
        self._text = text
        self._diagnostics = diagnostics
        self._entries = entries(root, "the strategy", diagnostics)
        self._check_keys(self._entries, KEYS, "the strategy")

    def document(self) -> StrategyDocument:
        """The document, with every faulty part left out."""
        interval = self._word("interval", None, None)
        if interval and interval not in INTERVALS_US:
            hint = did_you_mean(interval, INTERVALS_US) or one_of(INTERVALS_US)
            self._report("interval", f"`{interval}` is not an interval", hint)
            interval = ""
        indicators = self._indicators()
        document = StrategyDocument(
            text=self._text,
            id=self._word("id", NAME, None),
            venue=self._word("venue", NAME, "binance"),
            account=self._word("account", NAME, "default"),
            symbols=self._symbols(),
            interval=interval or "1m",
            description=self._word("description", None, ""),
            indicators=indicators,
            rules=self._rules(),
            protect=self._expressions("protect", PROTECTIONS),
            sizing=self._sizing(),
            params=self._params(),
            python=self._word("python", _PYTHON, "") or None,
            warmup=self._warmup(),
            faulty=frozenset(self._names("indicators")) - frozenset(indicators),
            positions={name: position(key) for name, (key, _) in self._entries.items()},
            warnings=tuple(self._diagnostics.warnings),
        )
        self._check_whole(document)
        return document

    def _report(self, key: str, message: str, suggestion: str | None = None) -> None:
        found = self._entries.get(key)
        self._diagnostics.report(position(found[1]) if found else TextPosition(1, 1), message, suggestion)

    def _check_keys(
        self, found: Mapping[str, tuple[yaml.ScalarNode, yaml.Node]], allowed: tuple[str, ...], what: str
    ) -> None:
        for name, (key, _) in found.items():
            if name not in allowed:
                hint = did_you_mean(name, allowed) or one_of(allowed)
                self._diagnostics.report(position(key), f"`{name}` is no part of {what}", hint)

    def _word(self, key: str, pattern: re.Pattern[str] | None, default: str | None) -> str:
        if key not in self._entries:
            if default is None:
                self._diagnostics.report(TextPosition(1, 1), f"`{key}` is missing", f"add `{key}: …`")
            return default or ""
        node = self._entries[key][1]
        if not isinstance(node, yaml.ScalarNode):
            self._report(key, f"`{key}` must be one word")
            return ""
        text = scalar_text(node)
        if pattern and not pattern.fullmatch(text):
            self._report(key, f"{key} `{text}` is not allowed; allowed is {pattern.pattern}")
        return text

    def _symbols(self) -> tuple[str, ...]:
        if "symbols" not in self._entries:
            self._report("symbols", "`symbols` is missing", "add `symbols: [BTCUSDT]`")
            return ()
        node = self._entries["symbols"][1]
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self._report("symbols", "`symbols` must be a list of at least one", "write `symbols: [BTCUSDT]`")
            return ()
        if len(node.value) > MAX_SYMBOLS:
            self._report("symbols", f"{len(node.value)} symbols; at most {MAX_SYMBOLS} are allowed")
        found: list[str] = []
        for item in node.value:
            symbol = scalar_text(item) if isinstance(item, yaml.ScalarNode) else ""
            if not _is_symbol(symbol):
                upper = symbol.upper().replace("/", "")
                hint = f"write `{upper}`" if _is_symbol(upper) else "write the venue's symbol, as BTCUSDT"
                self._diagnostics.report(position(item), f"`{symbol}` is not a symbol", hint)
            elif symbol in found:
                self._diagnostics.report(position(item), f"symbol {symbol} is given twice")
            found.append(symbol)
        return tuple(found)

    def _expression(self, name: str, node: yaml.Node) -> Expression | None:
        if not isinstance(node, yaml.ScalarNode):
            self._diagnostics.report(position(node), f"`{name}` must be one expression")
            return None
        return parse_expression(scalar_text(node), places(node, self._text), self._diagnostics)

    def _expressions(self, key: str, allowed: tuple[str, ...] | None) -> dict[str, Expression]:
        if key not in self._entries:
            return {}
        found = entries(self._entries[key][1], key, self._diagnostics)
        if allowed:
            self._check_keys(found, allowed, key)
        parsed = {name: self._expression(name, node) for name, (_, node) in found.items()}
        return {name: expression for name, expression in parsed.items() if expression}

    def _names(self, key: str) -> dict[str, yaml.ScalarNode]:
        """The names that a mapping defines, and where; faults of the mapping are reported by who reads it."""
        if key not in self._entries:
            return {}
        return {name: node for name, (node, _) in entries(self._entries[key][1], key, Diagnostics()).items()}

    def _indicators(self) -> dict[str, Expression]:
        for name, key in self._names("indicators").items():
            self._check_name(name, key)
        return self._expressions("indicators", None)

    def _check_name(self, name: str, key: yaml.ScalarNode) -> None:
        if not _WORD.fullmatch(name):
            self._diagnostics.report(position(key), f"`{name}` is not a name; allowed is {_WORD.pattern}")
        elif name in _RESERVED:
            self._diagnostics.report(position(key), f"`{name}` is taken by the language", "choose another name")

    def _rules(self) -> dict[str, Expression]:
        present = [name for name in RULES if name in self._entries]
        parsed = {name: self._expression(name, self._entries[name][1]) for name in present}
        return {name: expression for name, expression in parsed.items() if expression}

    def _sizing(self) -> dict[str, Expression]:
        if "sizing" not in self._entries:
            self._report("sizing", "`sizing` is missing", "add `sizing: {fraction_of_equity: 0.1}`")
            return {}
        found = self._expressions("sizing", SIZING_KEYS)
        methods = [name for name in found if name in SIZING_METHODS]
        if len(methods) != 1:
            count = f"{len(methods)} methods of sizing" if methods else "no method of sizing"
            self._report("sizing", f"{count}; exactly one is needed", one_of(SIZING_METHODS))
        if "volatility" in found and "volatility_target" not in methods:
            self._report("sizing", "`volatility` is used by volatility_target only", "leave it out")
        if "risk_per_trade" in methods and "stop_loss" not in self._names("protect"):
            self._report("sizing", "risk_per_trade needs a stop", "add `protect: {stop_loss: 2 * atr(14)}`")
        return found

    def _params(self) -> dict[str, ParamRange]:
        if "params" not in self._entries:
            return {}
        found: dict[str, ParamRange] = {}
        for name, (key, node) in entries(self._entries["params"][1], "params", self._diagnostics).items():
            self._check_name(name, key)
            if name in self._names("indicators"):
                self._diagnostics.report(position(key), f"`{name}` is an indicator and a parameter")
            found[name] = self._param(name, node)
        return found

    def _param(self, name: str, node: yaml.Node) -> ParamRange:
        given = entries(node, name, self._diagnostics)
        self._check_keys(given, PARAM_KEYS, f"parameter `{name}`")
        numbers: dict[str, float] = {}
        for key, (_, value) in given.items():
            try:
                numbers[key] = float(scalar_text(value)) if isinstance(value, yaml.ScalarNode) else float("nan")
            except ValueError:
                numbers[key] = float("nan")
            if not abs(numbers[key]) < 1e300:
                self._diagnostics.report(position(value), f"`{key}` of `{name}` is not a number")
            elif isinstance(value, yaml.ScalarNode) and not is_held(scalar_text(value)):
                self._diagnostics.report(position(value), *too_many_digits(f"`{key}` of `{name}`", scalar_text(value)))
        missing = [key for key in PARAM_KEYS[:3] if key not in numbers]
        if missing:
            lack = f"parameter `{name}` lacks {', '.join(missing)}"
            self._diagnostics.report(position(node), lack, "write {default: 20, low: 5, high: 100, step: 5}")
            return ParamRange(numbers.get("default", 1.0), 0.0, 1e300, None)
        span = ParamRange(numbers["default"], numbers["low"], numbers["high"], numbers.get("step"))
        if not span.low <= span.default <= span.high:
            outside = f"default {span.default:g} of `{name}` is outside {span.low:g} to {span.high:g}"
            self._diagnostics.report(position(node), outside)
        if span.step is not None and not span.step > 0:
            self._diagnostics.report(position(node), f"step {span.step:g} of `{name}` must be above 0")
        return span

    def _warmup(self) -> int:
        text = self._word("warmup", None, "0")
        if text.isascii() and text.isdigit() and int(text) <= MAX_WARMUP:
            return int(text)
        self._report("warmup", f"`warmup` is `{text}`; allowed is a whole number of bars, 0 to {MAX_WARMUP}")
        return 0

    def _check_whole(self, document: StrategyDocument) -> None:
        given = [name for name in RULES if name in self._entries]
        if "python" in self._entries:
            if given:
                self._report(given[0], f"`{given[0]}` and `python` exclude each other", "keep one of them")
        elif not any(name in self._entries for name in ENTRIES):
            self._report("entry_long", "a strategy needs an entry", "add `entry_long: crossed_above(…)`")


def _is_symbol(text: str) -> bool:
    """Whether a venue may list it: capitals of any script (Binance lists Chinese names), digits, `_` and `-`."""
    return bool(_SYMBOL.fullmatch(text)) and text == text.upper()
