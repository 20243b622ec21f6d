"""Strategies that run, and hardly do what their author means, are warned of at the line that does it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from libs.trading.tests.indicators.test_exact_values import coarse_market

from tradewire.trading.indicators import indicator
from tradewire.trading.language import Bars, StrategyErrors, compile_strategy, parse_strategy
from tradewire.trading.language.constancy import always_holds, constant_truth
from tradewire.trading.language.engine import IndicatorEngine
from tradewire.trading.language.ranges import BOUNDED
from tradewire.trading.language.rules import truth_array_form
from tradewire.trading.language.tree import BAR_FIELDS

from .test_properties import documents, histories

HEAD = "id: a\nsymbols: [BTCUSDT]\ninterval: 1h\nsizing: {fixed_qty: 1}\n"
EXIT = "exit_long: close < open\n"
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
        missed = (first.true & ~second.true)[compiled.warmup_bars :]
        assert not always_holds(other, given=[one]) or not missed.any()


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
        ("close > highest(close, 5)", False),
        ("close >= highest(close, 5)", None),
        ("close > highest(high, 20)", False),
        ("close > shift(highest(high, 20), 1)", None),
        ("shift(close, 3) > highest(high, 4)", False),
        ("shift(close, 4) > highest(high, 4)", None),
        ("highest(close, 5) > highest(high, 5)", False),
        ("highest(close, 6) > highest(high, 5)", None),
        ("lowest(low, 5) > highest(close, 9)", False),
        ("lowest(high, 5) > lowest(low, 9)", None),
        ("lowest(high, 5) < lowest(low, 3)", None),
        ("highest(close, 5, interval=1d) < close", None),
        ("close > donchian(20).upper", False),
        ("close < donchian(20).lower", False),
        ("close < donchian(20).middle", None),
        ("sma(close, 5) > highest(close, 5)", False),
        ("typprice() > high", False),
        ("bollinger(close, 20, 2).lower > bollinger(close, 20, 2).upper", False),
        ("bollinger(close, 20, 2).lower > bollinger(close, 20, 1).upper", None),
        ("keltner(20, 10, 2).middle <= keltner(20, 10, 2).upper", True),
        ("rsi(close, 14) < 30 and rsi(close, 14) > 70", False),
        ("rsi(close, 14) < 70 and rsi(close, 14) > 30", None),
        ("rsi(close, 14) > 30 or rsi(close, 14) <= 30", True),
        ("rsi(close, 14) > 30 or rsi(close, 14) < 30", None),
        ("not close > open or close > open", True),
        ("close > 10 and close < 5", False),
        ("close > 5 and close <= 5", False),
        ("close >= 5 and close <= 5", None),
        ("close == open and close > open", False),
        ("close == open and open != close", False),
        ("close > open and open > close", False),
        ("close > close + 1", False),
        ("close >= close + 0.000000001", None),
        ("close - close > 0", False),
        ("close > 1.0 * close", False),
        ("close - high > 0", False),
        ("(high + low) / 2 > high", False),
        ("close > open and close - open <= 0", None),
        ("close > 1.05 * shift(close, 1) and close < 0.95 * shift(close, 1)", None),
        ("min(close, open) > max(close, open)", False),
        ("max(close, open) > high", False),
        ("cdldoji() > 100", False),
        ("cdlhikkake() > 100", None),
        ("cdlengulfing() < -100", False),
        ("crossed_above(close, open) and crossed_below(close, open)", False),
        ("crossed_above(close, high)", False),
        ("crossed_above(close, open) and not crossed_above(close, open)", False),
        ("(close > open or rsi(close, 9) > 50) and close < open and rsi(close, 9) < 50", False),
        ("close - open > 1 and open - close > 1", False),
        ("sqrt(close - open) >= 0", None),
        ("sqrt(close) >= 0", True),
        ("sqrt(rsi(close, 14) - 50) > -1", None),
        ("close / (high - low) >= close / (high - low)", None),
        ("close / (high + low) >= close / (high + low)", True),
        ("sqrt(close - open) >= 0 or close > 0", True),
        ("log(close - open) < 0 and close < 0", False),
        ("close * 1e300 * 1e10 > open", None),
        ("close * 1e300 * 1e10 < open and close > 0", False),
        ("rsi(close * 1e300, 3) <= 100", None),
    ],
)
def test_what_is_always_or_never_true_is_known_without_a_market(condition: str, truth: bool | None) -> None:
    (rule,) = compile_strategy(parse_strategy(f"{HEAD}entry_long: {condition}\n")).rules

    assert constant_truth(rule.condition) is truth


def test_a_rule_that_a_parameter_switches_is_not_warned_of() -> None:
    params = "params: {shorts: {default: 0, low: 0, high: 1, step: 1}}\n"
    rules = f"entry_long: {CROSS}\nexit_long: {BACK}\nentry_short: shorts > 0 and {BACK}\nexit_short: {CROSS}\n"

    assert warned(rules + params) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("close > highest(close, 5)", "compare with the bars before it, `shift(highest(close,5), 1)`"),
        ("volume > 9 and close > donchian(20).upper", "`shift(donchian(20).upper, 1)`"),
        ("close > 10 and close < 5", "no bar meets all of its parts"),
        ("close < 0", "turn the comparison round"),
    ],
)
def test_a_rule_that_is_never_true_has_a_way_out(rule: str, said: str) -> None:
    assert any("is never true" in text and said in text for _, text in warned(f"entry_long: {rule}\n{EXIT}"))


def test_a_rule_that_no_value_of_its_parameters_makes_true_is_warned_of() -> None:
    for span, count in (("low: 1, high: 4", 1), ("low: 1, high: 6", 0)):
        params = f"params: {{k: {{default: 3, {span}, step: 1}}}}\n"
        said = [text for _, text in warned(f"entry_long: k > 5\n{EXIT}{params}")]
        assert sum("`entry_long` is never true, whatever its parameters are: k > 5" in text for text in said) == count


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=documents(), bars=histories())
def test_no_market_contradicts_what_is_said_to_be_constant(text: str, bars: Bars) -> None:
    compiled = compile_strategy(parse_strategy(text))
    series = {**bars.columns(), **IndicatorEngine(compiled.demands, compiled.interval_us).array(bars)}

    for rule in compiled.rules:
        found = truth_array_form(rule.condition, len(bars))(series)
        truth = constant_truth(rule.condition)
        assert not (truth is True and not found.true[compiled.warmup_bars :].all())
        assert not (truth is False and found.true.any())


FIELDS = ["open", "high", "low", "close"]
NUMBERS = st.recursive(
    st.sampled_from([*FIELDS, "100", "0.25", "donchian(3).upper", "donchian(3).middle", "donchian(2).lower"]),
    lambda inner: st.one_of(
        st.builds("{}({}, {})".format, st.sampled_from(["highest", "lowest", "shift"]), inner, st.integers(1, 3)),
        st.builds(
            "{}({}, {})".format, st.sampled_from(["sma", "wma", "midpoint"]), st.sampled_from(FIELDS), st.just(3)
        ),
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-"]), inner),
        st.builds("({} * {})".format, inner, st.sampled_from(["1", "0.5", "2"])),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("sqrt({})".format, inner),
        st.builds("({} / {})".format, inner, inner),
        st.sampled_from([f"bollinger(close, 3, 2).{line}" for line in ("upper", "middle", "lower")]),
        st.sampled_from(["typprice()", "medprice()", "midprice(3)", "cdlengulfing()", "rsi(close, 3)"]),
    ),
    max_leaves=3,
)
CONDITIONS = st.recursive(
    st.one_of(
        st.builds("({} {} {})".format, NUMBERS, st.sampled_from(["<", "<=", "==", "!=", ">=", ">"]), NUMBERS),
        st.builds("crossed_{}({}, {})".format, st.sampled_from(["above", "below"]), NUMBERS, NUMBERS),
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=3,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=CONDITIONS, seed=st.integers(0, 2**32 - 1))
def test_no_coarse_market_contradicts_what_is_said_of_extremes_and_sums(condition: str, seed: int) -> None:
    try:
        compiled = compile_strategy(parse_strategy(f"{HEAD}entry_long: {condition}\n"))
    except StrategyErrors:  # as a constant where a series belongs
        reject()
    truth = constant_truth(compiled.rules[0].condition)
    if truth is None:
        return
    market, times = coarse_market(seed, 60), np.arange(60, dtype=np.int64) * 3_600_000_000
    opened, high, low, close, volume = (np.array([float(value) for value in market.exact[name]]) for name in BAR_FIELDS)
    bars = Bars(times, np.clip(opened, low, high), high, low, close, volume)
    series = {**bars.columns(), **IndicatorEngine(compiled.demands, compiled.interval_us).array(bars)}
    found = truth_array_form(compiled.rules[0].condition, len(bars))(series)
    assert not (~found.true[compiled.warmup_bars :] if truth else found.true).any()
