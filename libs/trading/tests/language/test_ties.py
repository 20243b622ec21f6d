"""Rules decide by decimals: on markets of coarse ticks, where ties are many, each is what fractions say."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.language import Bars, compile_strategy, parse_series, parse_strategy
from tradewire.trading.language.ties import sizes
from tradewire.trading.language.tree import Apply, Arithmetic, Constant, Field, Function, Negate, Number
from tradewire.trading.language.truth import check_strategy

HOUR_US = 3_600_000_000
Column = list[Fraction | None]
OPERATORS: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
CHOICES: Mapping[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "abs": lambda row: abs(row[0]),
    "min": min,
    "max": max,
}
COMPARISONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def mean(window: Sequence[Fraction]) -> Fraction:
    return sum(window, Fraction(0)) / len(window)


def fitted(window: Sequence[Fraction]) -> Fraction:
    """The line's value at the last bar."""
    n, middle = len(window), Fraction(len(window) - 1, 2)
    spread = sum(((i - middle) ** 2 for i in range(n)), Fraction(0))
    slope = sum(((i - middle) * x for i, x in enumerate(window)), Fraction(0)) / spread
    return mean(window) + slope * middle


WINDOWED: Mapping[str, Callable[[Sequence[Fraction]], Fraction]] = {
    "sma": mean,
    "sum": lambda window: sum(window, Fraction(0)),
    "wma": lambda w: sum(((i + 1) * x for i, x in enumerate(w)), Fraction(0)) / (len(w) * (len(w) + 1) // 2),
    "highest": max,
    "lowest": min,
    "midpoint": lambda window: (max(window) + min(window)) / 2,
    "linreg": fitted,
}
BACK: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "shift": lambda now, then: then,
    "momentum": operator.sub,
    "roc": lambda now, then: (now - then) / then * 100,
    "rocp": lambda now, then: (now - then) / then,
}


def column(tree: Number, market: Mapping[str, Column]) -> Column:
    """The number on every bar, None where it has no value."""
    bars = range(len(market["close"]))
    match tree:
        case Constant(value):
            return [Fraction(repr(value)).limit_denominator(10**9)] * len(bars)  # constants are summed up before
        case Field(name):
            return market[name]
        case Negate(operand):
            return [None if x is None else -x for x in column(operand, market)]
        case Arithmetic(symbol, left, right):
            pairs = zip(column(left, market), column(right, market), strict=True)
            return [
                None if a is None or b is None or (symbol == "/" and b == 0) else OPERATORS[symbol](a, b)
                for a, b in pairs
            ]
        case Function(name, arguments):
            rows = zip(*(column(item, market) for item in arguments), strict=True)
            return [None if None in row else CHOICES[name]([x for x in row if x is not None]) for row in rows]
        case Apply(name, arguments, params):
            return indicator(name, [column(item, market) for item in arguments], [int(x) for x in params], market)
    raise AssertionError(tree)


def indicator(name: str, inputs: list[Column], params: list[int], market: Mapping[str, Column]) -> Column:
    if name == "medprice":
        return column(parse("(high + low) / 2"), market)
    if name == "trange":
        text = "max(high, shift(close, 1)) - min(low, shift(close, 1))"
        return column(parse(text), market)
    found: Column = []
    for at in range(len(inputs[0])):
        window = inputs[0][max(at - params[0] + (name in WINDOWED), 0) : at + 1]
        full = len(window) == params[0] + (name in BACK) and None not in window
        known = [x for x in window if x is not None]
        if not full:
            found.append(None)
        elif name in WINDOWED:
            found.append(WINDOWED[name](known))
        else:
            found.append(BACK[name](known[-1], known[0]))
    return found


def parse(text: str) -> Number:
    return parse_series(text, HOUR_US)


fields = st.sampled_from(["open", "high", "low", "close"])
lengths = st.integers(2, 12)
means = st.sampled_from(["sma", "sum", "wma", "highest", "lowest", "midpoint", "shift"])
constants = st.sampled_from(["0.1", "0.2", "0.3", "1", "1.5", "10", "0"])
differences = st.builds(lambda a, b: f"({a} - {b})", fields, fields)
numbers = st.recursive(
    st.one_of(
        fields,
        constants,
        st.sampled_from(["medprice()", "trange()"]),
        st.builds(lambda name, x, n: f"{name}({x}, {n})", means, st.one_of(fields, differences), lengths),
        st.builds(lambda name, x, n: f"{name}({x}, {n})", st.sampled_from([*BACK, "linreg"]), fields, lengths),
        st.builds(lambda x, n, m: f"sma(sma({x}, {n}), {m})", fields, lengths, lengths),
    ),
    lambda inner: st.one_of(
        st.builds(lambda a, symbol, b: f"({a} {symbol} {b})", inner, st.sampled_from("+-"), inner),
        st.builds(lambda a, b: f"({a} * {b})", inner, constants),
        st.builds(lambda a, b: f"({a} / {b})", inner, st.one_of(fields, st.sampled_from(["2", "3", "0.5"]))),
        st.builds(lambda a, b: f"max({a}, {b})", inner, inner),
        st.builds(lambda a: f"abs({a})", inner),
    ),
    max_leaves=4,
)


def coarse(seed: int, tick: str, count: int = 90) -> dict[str, Column]:
    """A market that moves by a few ticks or not at all."""
    rng, unit = np.random.default_rng(seed), Fraction(tick)
    closes = 100 + np.cumsum(rng.integers(-2, 3, count) * (rng.random(count) < 0.8))
    opens = np.concatenate([[100], closes[:-1]])
    highs = np.maximum(opens, closes) + rng.integers(0, 3, count)
    lows = np.minimum(opens, closes) - rng.integers(0, 3, count)
    columns = {"open": opens, "high": highs, "low": lows, "close": closes}
    return {name: [int(x) * unit for x in values] for name, values in columns.items()}


def bars_of(market: Mapping[str, Column]) -> Bars:
    opened, high, low, close = (
        np.array([float(x or 0) for x in market[name]]) for name in ("open", "high", "low", "close")
    )
    return Bars(np.arange(len(close), dtype=np.int64) * HOUR_US, opened, high, low, close, np.ones(len(close)))


def agree(left: str, symbol: str, right: str, market: Mapping[str, Column]) -> None:
    """Both forms of a comparison and of a crossing are what fractions say."""
    a, b = column(parse(left), market), column(parse(right), market)
    apart = [None if x is None or y is None else x - y for x, y in zip(a, b, strict=True)]
    holds = [None if x is None else COMPARISONS[symbol](x, Fraction(0)) for x in apart]
    crossed = [
        None if now is None or before is None else before <= 0 < now
        for before, now in zip([None, *apart[:-1]], apart, strict=True)
    ]
    for rule, expected in ((f"{left} {symbol} {right}", holds), (f"crossed_above({left}, {right})", crossed)):
        text = f"id: t\nsymbols: [A]\ninterval: 1h\nentry_long: {rule}\nsizing: {{fixed_qty: 1}}\n"
        compiled, bars = compile_strategy(parse_strategy(text)), bars_of(market)
        found = compiled.evaluate_array(bars)
        wrong = [at for at, truth in enumerate(expected) if found.ready[at] and bool(truth) != found.entry_long[at]]
        assert not wrong, (rule, wrong)
        assert not [finding for finding in check_strategy(compiled, bars) if finding.refuses]


@settings(max_examples=60, deadline=None)
@given(numbers, st.sampled_from(list(COMPARISONS)), numbers, st.integers(0, 2**20), st.sampled_from(["1/10", "1/100"]))
def test_rules_are_what_fractions_say(left: str, symbol: str, right: str, seed: int, tick: str) -> None:
    agree(left, symbol, right, coarse(seed, tick))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("close - open", "0.1"),
        ("high - low", "0.2"),
        ("trange()", "0.2"),
        ("close", "sma(close, 20)"),
        ("sma(close, 3)", "sma(close, 5)"),
        ("close", "(high + low) / 2"),
        ("close", "linreg(close, 3)"),
        ("sma(close - open, 5)", "0"),
        ("roc(close, 2)", "1"),
        ("close / open", "1.01"),
        ("close - 10", "0.1 + 0.2"),
        ("max(open, 0)", "9.8 + 0.3"),
    ],
)
def test_ties_that_floats_break_are_ties(left: str, right: str) -> None:
    for seed in range(5):
        agree(left, ">", right, coarse(seed, "1/10"))


@pytest.mark.parametrize("recursive", ["ema(close, 5)", "rsi(close, 5)", "sqrt(close)", "close + atr(5)"])
def test_numbers_without_decimals_are_compared_as_floats(recursive: str) -> None:
    assert sizes(parse(recursive), parse("close - open")) is None


def test_prices_of_thirteen_digits_are_told_apart() -> None:
    unit, base = Fraction(1, 10**8), Fraction(60_000)
    closes: Column = [base + (at % 3) * unit for at in range(30)]
    opens: Column = [base] * 30
    agree("close - open", ">", "0.00000001", {"open": opens, "high": closes, "low": opens, "close": closes})
