"""No market, and no value of its parameters, contradicts what a strategy is warned of."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, reject, settings
from hypothesis import strategies as st
from libs.trading.tests.indicators.test_exact_values import coarse_market

from tradewire.trading.language import Bars, StrategyErrors, compile_strategy, parse_strategy
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.rules import truth_array_form
from tradewire.trading.language.tree import BAR_FIELDS

HEAD = "id: a\nsymbols: [BTCUSDT]\ninterval: 1h\nsizing: {fixed_qty: 1}\n"
PARAMS = """params:
  n: {default: 2, low: 1, high: 3, step: 1}
  m: {default: 1, low: 1, high: 3, step: 1}
"""
FIELDS = ["open", "high", "low", "close"]
NAMED = st.one_of(
    st.builds("{}({}, n)".format, st.sampled_from(["highest", "lowest", "shift"]), st.sampled_from(FIELDS)),
    st.builds("{} {} {}".format, st.sampled_from(FIELDS), st.sampled_from(["*", "+", "-", "/"]), st.just("n")),
)
NUMBERS = st.recursive(
    st.sampled_from([*FIELDS, "one", "two", "n", "shift(close, m)", "volume", "2"]),
    lambda inner: st.one_of(
        st.builds("sqrt({})".format, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
    ),
    max_leaves=3,
)
CONDITIONS = st.recursive(
    st.builds("{} {} {}".format, NUMBERS, st.sampled_from(["<", "<=", "==", ">=", ">"]), NUMBERS),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
    max_leaves=3,
)


def of(rules: str, one: str = "highest(close, n)", two: str = "one + 1") -> str:
    """A strategy with two parameters and two named indicators, of which the second may name the first."""
    return f"{HEAD}{PARAMS}indicators:\n  one: {one}\n  two: {two}\n{rules}"


def market(seed: int) -> Bars:
    exact, times = coarse_market(seed, 60).exact, np.arange(60, dtype=np.int64) * 3_600_000_000
    opened, high, low, close, volume = (np.array([float(value) for value in exact[name]]) for name in BAR_FIELDS)
    return Bars(times, np.clip(opened, low, high), high, low, close, volume)


@pytest.mark.parametrize("named", ["one", "two - 1"])
def test_a_rule_that_a_parameter_of_a_named_indicator_makes_true_is_not_warned_of(named: str) -> None:
    rules = f"entry_long: shift(close, m) > {named} and m < 2\nexit_long: close < open\n"
    assert parse_strategy(of(rules)).warnings == ()


def test_an_entry_that_a_named_indicator_alone_cancels_at_its_default_is_not_warned_of() -> None:
    rules = "entry_long: rsi(close, 9) > 50\nexit_long: rsi(close, 9) > one\n"
    assert parse_strategy(of(rules, "n * 20")).warnings == ()
    assert "never acts" in str(parse_strategy(of(rules, "2 * 20")).warnings[0])


@pytest.mark.parametrize(
    ("rules", "acts"),
    [
        ("entry_long: close < open\nexit_long: sqrt(close - open) >= 0", True),
        ("entry_long: close < open\nexit_long: sqrt(close - open) >= 0 or open > close", False),
        ("entry_long: sqrt(rsi(close, 9) - 50) > 2\nexit_long: sqrt(rsi(close, 9) - 50) > 1", False),
        ("entry_long: close < open\nexit_long: sqrt(rsi(close, 9) - 50) > -1", True),
        ("entry_long: close / volume > 2 or close > 2\nexit_long: close / volume > 1 or close / volume <= 1", True),
    ],
)
def test_an_exit_that_may_be_unknown_cancels_no_entry(rules: str, acts: bool) -> None:
    said = [str(warning) for warning in parse_strategy(f"{HEAD}{rules}\n").warnings]
    assert any("never acts" in text for text in said) is not acts


def test_numbers_too_large_for_a_float_are_no_fault_of_the_reader() -> None:
    for rule in ("close * 1e300 * 1e10 > open", "close * 1e308 * 1e308 < 0 - open * 1e308", "1.7e308 * close > close"):
        assert not any("every bar" in str(one) for one in parse_strategy(f"{HEAD}entry_long: {rule}\n").warnings)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(entry=CONDITIONS, leave=CONDITIONS, one=NAMED, two=st.one_of(NAMED, st.just("one + 1")), seed=st.integers(0, 99))
@example("shift(close, m) > one and m < 2", "sqrt(close - open) >= 0", "highest(close, n)", "close", 0)
@example("close < open", "close / (high - low) >= close / (high - low)", "close + n", "close", 0)
def test_no_parameter_and_no_market_contradicts_a_warning(
    entry: str, leave: str, one: str, two: str, seed: int
) -> None:
    try:
        document = parse_strategy(of(f"entry_long: {entry}\nexit_long: {leave}\n", one, two))
    except StrategyErrors:  # as a division of constants by zero
        reject()
    said = "\n".join(map(str, document.warnings))
    if not re.search("is never true|on every bar|never acts", said):
        return
    bars = market(seed)
    for n, m in product((1.0, 2.0, 3.0), repeat=2):
        try:
            compiled = compile_strategy(document, {"n": n, "m": m})
        except StrategyErrors:  # it does not run there
            continue
        series = {**bars.columns(), **IndicatorEngine(compiled.demands, compiled.interval_us).array(bars)}
        found = {rule.name: truth_array_form(rule.condition, len(bars))(series).true for rule in compiled.rules}
        for name, true in found.items():
            assert f"`{name}` is never true" not in said or not true.any()
            assert f"`{name}` is true on every bar" not in said or true[compiled.warmup_bars :].all()
        missed = (found["entry_long"] & ~found["exit_long"])[compiled.warmup_bars :]
        assert "never acts" not in said or not missed.any()
