"""Strategies that run, and hardly do what their author means, are warned of at the line that does it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libs.trading.tests.indicators.test_exact_values import coarse_market

from tradewire.trading.indicators import indicator
from tradewire.trading.language import Bars, compile_strategy, parse_strategy
from tradewire.trading.language.constancy import BOUNDED, constant_truth
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.implication import implies
from tradewire.trading.language.rules import truth_array_form

from .test_properties import documents, histories

HEAD = "id: a\nsymbols: [BTCUSDT]\ninterval: 1h\nsizing: {fixed_qty: 1}\n"
CROSS, BACK = "crossed_above(close, sma(close, 5))", "crossed_below(close, sma(close, 5))"


def warned(rules: str) -> list[tuple[int, str]]:
    """Line and message of each warning."""
    return [(warning.line, str(warning)) for warning in parse_strategy(HEAD + rules).warnings]


def test_a_position_that_nothing_closes_is_warned_of_at_its_entry() -> None:
    ((line, said),) = warned(f"entry_long: {CROSS}\n")

    assert line == 5
    assert "`entry_long` opens a long position that nothing closes: there is no `exit_long`, and no `protect`" in said
    assert "add `exit_long: …`" in said


@pytest.mark.parametrize("way_out", [f"exit_long: {BACK}", "protect: {stop_loss: 1}", "protect: {take_profit: 1}"])
def test_an_exit_or_a_protection_is_a_way_out(way_out: str) -> None:
    assert warned(f"entry_long: {CROSS}\n{way_out}\n") == []


def test_an_exit_that_never_holds_is_no_way_out() -> None:
    said = [text for _, text in warned(f"entry_long: {CROSS}\nexit_long: close < 0\n")]

    assert any("`exit_long` is never true: close < 0" in text for text in said)
    assert any("nothing closes: `exit_long` is never true, and no `protect`" in text for text in said)


def test_an_opposite_entry_without_the_exit_of_what_is_held_is_warned_of_at_its_line() -> None:
    rules = f"entry_long: {CROSS}\nentry_short: {BACK}\nexit_short: {CROSS}\nprotect: {{stop_loss: 1}}\n"

    ((line, said),) = warned(rules)

    assert line == 6
    assert "`entry_short` has no effect while a long position is held" in said
    assert "add `exit_long` with the same condition" in said


def test_entries_that_reverse_are_not_warned_of() -> None:
    assert warned(f"entry_long: {CROSS}\nexit_long: {BACK}\nentry_short: {BACK}\nexit_short: {CROSS}\n") == []


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            f"entry_long: {CROSS}\nexit_long: {CROSS} or {BACK}",
            "`entry_long` never acts: whenever it holds, `exit_long`",
        ),
        (f"entry_long: {CROSS}\nexit_long: close > sma(close, 5)", "`entry_long` never acts: whenever it holds, `exit"),
        ("entry_long: rsi(close, 9) < 30\nexit_long: 40 > rsi(close, 9)", "and an exit comes first"),
        (
            f"entry_long: {CROSS}\nentry_short: {CROSS}\nprotect: {{stop_loss: 1}}",
            "`entry_short` never acts: whenever it holds, `entry_long` holds, too, and of both none acts",
        ),
        (
            f"entry_long: {CROSS} and volume > 9\nexit_long: {BACK}\nentry_short: {CROSS}\nexit_short: {BACK}",
            "`entry_long` never acts, unless `exit_short` cancels `entry_short`",
        ),
    ],
)
def test_an_entry_that_another_rule_always_cancels_is_warned_of(rules: str, said: str) -> None:
    assert any(said in text for _, text in warned(f"{rules}\n"))


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=documents(), bars=histories())
def test_no_market_contradicts_what_is_said_to_follow(text: str, bars: Bars) -> None:
    compiled = compile_strategy(parse_strategy(text))
    series = {**bars.columns(), **IndicatorEngine(compiled.demands, compiled.interval_us).array(bars)}
    parts = [part for rule in compiled.rules for part in (rule.condition, *getattr(rule.condition, "items", ()))]
    found = [truth_array_form(part, len(bars))(series) for part in parts]

    for (one, first), (other, second) in itertools.product(zip(parts, found, strict=True), repeat=2):
        assert not implies(one, other) or not (first.true & second.false).any()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_market_takes_an_indicator_beyond_its_bounds(seed: int) -> None:
    market = coarse_market(seed, 90)
    for name, bounds in BOUNDED.items():
        subject, output = indicator(name.partition(".")[0]), name.partition(".")[2]
        params = [param.low + 1 if param.integer else param.default for param in subject.params]
        values = subject.array(market.floats(subject), params)[subject.outputs.index(output)]
        known = values[~np.isnan(values)]
        assert not known.size or bounds.low <= known.min() <= known.max() <= bounds.high, name


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        ("close > 0", True),
        ("close <= 0", False),
        ("high < low", False),
        ("low <= close", True),
        ("close > high", False),
        ("close == close", True),
        ("sma(close, 5) > sma(close, 5)", False),
        ("volume >= 0", True),
        ("2 > 1", True),
        ("close > 0 and crossed_above(close, sma(close, 5))", None),
        ("close < 0 and crossed_above(close, sma(close, 5))", False),
        ("close > 0 or crossed_above(close, sma(close, 5))", True),
        ("not close > 0", False),
        ("crossed_above(close, 0)", False),
        ("crossed_below(low, high)", None),
        ("crossed_above(low, close)", False),
        ("close / volume > 0", None),
        ("abs(close - open) >= 0", True),
        ("abs(close - open) > 0", None),
        ("-close < max(volume, 1)", True),
        ("close > open", None),
        ("sma(close, 5) > 0", None),
        ("rsi(close, 14) > 101", False),
        ("willr(14) <= 0", True),
        ("stochastic(14, 3, 3).k > 80", None),
        ("atr(14) < 0", False),
    ],
)
def test_what_is_always_or_never_true_is_known_without_a_market(condition: str, truth: bool | None) -> None:
    (rule,) = compile_strategy(parse_strategy(f"{HEAD}entry_long: {condition}\n")).rules

    assert constant_truth(rule.condition) is truth


def test_a_rule_that_a_parameter_switches_is_not_warned_of() -> None:
    params = "params: {shorts: {default: 0, low: 0, high: 1, step: 1}}\n"
    rules = f"entry_long: {CROSS}\nexit_long: {BACK}\nentry_short: shorts > 0 and {BACK}\nexit_short: {CROSS}\n"

    assert warned(rules + params) == []


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=documents(), bars=histories())
def test_no_market_contradicts_what_is_said_to_be_constant(text: str, bars: Bars) -> None:
    compiled = compile_strategy(parse_strategy(text))
    series = {**bars.columns(), **IndicatorEngine(compiled.demands, compiled.interval_us).array(bars)}

    for rule in compiled.rules:
        found = truth_array_form(rule.condition, len(bars))(series)
        truth = constant_truth(rule.condition)
        assert not (truth is True and found.false.any())
        assert not (truth is False and found.true.any())
