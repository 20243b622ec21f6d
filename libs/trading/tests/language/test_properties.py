"""Properties over random strategies and bars: both forms agree on every bar, and texts keep their sense."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tradewire.trading.indicators import INDICATORS
from tradewire.trading.language import (
    SIGNALS,
    Bars,
    CompiledStrategy,
    Evaluation,
    EvaluationArrays,
    IndicatorEngine,
    compile_strategy,
    parse_series,
    parse_strategy,
)
from tradewire.trading.language.tree import canonical

HOUR_US = 3_600_000_000
FEW = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

USED = ["sma", "ema", "rsi", "atr", "macd", "bollinger", "donchian", "stochastic", "obv", "vwap"]
USED += ["stddev", "roc", "shift", "trange"]
"""Enough kinds of indicators; that every one agrees with itself in both forms is tested with the indicators."""
FIELDS = st.sampled_from(["open", "high", "low", "close", "volume"])
LENGTHS = st.integers(2, 6)


@st.composite
def calls(draw: st.DrawFn, series: st.SearchStrategy[str], higher: bool) -> str:
    """A call of any indicator with short windows, on the strategy's bars or on 4 h bars."""
    indicator = INDICATORS[draw(st.sampled_from(USED))]
    arguments = [draw(series) for _ in indicator.series]
    for param in indicator.params:
        low, high = max(param.low, 2.0), min(param.high, 6.0)
        value = draw(st.integers(math.ceil(low), int(high))) if low <= high else param.default
        arguments.append(str(value))
    if higher and draw(st.booleans()):
        arguments.append("interval=4h")
    output = "" if len(indicator.outputs) == 1 else "." + draw(st.sampled_from(indicator.outputs))
    return f"{indicator.name}({', '.join(arguments)}){output}"


def numbers(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Numeric expressions over the leaves."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
            st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
            st.tuples(st.sampled_from(["abs", "log", "sqrt"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
            st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
            inner.map(lambda text: f"-({text})"),
            st.tuples(inner, st.sampled_from("+-*/"), st.sampled_from(["2", "0.5", "-3"])).map(" ".join),
        ),
        max_leaves=4,
    )


INNER = st.one_of(FIELDS, calls(FIELDS, False))
SERIES = numbers(st.one_of(FIELDS, calls(st.one_of(INNER, numbers(FIELDS)), True)))
COMPARISONS = st.tuples(SERIES, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), SERIES).map(" ".join)
CHAINS = st.tuples(SERIES, SERIES, SERIES).map(" < ".join)
CROSSINGS = st.tuples(st.sampled_from(["above", "below"]), SERIES, SERIES).map(
    lambda t: f"crossed_{t[0]}({t[1]}, {t[2]})"
)
CONDITIONS = st.recursive(
    st.one_of(COMPARISONS, CHAINS, CROSSINGS, CROSSINGS),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} {t[2]}"),
        inner.map(lambda text: f"not ({text})"),
    ),
    max_leaves=3,
)
SIZINGS = st.sampled_from(
    ["{fixed_qty: 0.5}", "{risk_per_trade: 0.01}", "{volatility_target: 0.2, volatility: volatility(5)}"]
)


@st.composite
def histories(draw: st.DrawFn) -> Bars:
    """Hourly bars that may begin inside a 4 h bucket, with gaps, flat stretches and repeated prices."""
    steps = draw(st.lists(st.sampled_from([1, 1, 1, 1, 1, 2, 3, 5, 9]), min_size=30, max_size=80))
    first = draw(st.integers(0, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count = len(steps)
    times = (first + np.cumsum(steps)) * HOUR_US
    close = np.round(100 + np.cumsum(rng.choice([-1.0, 0.0, 0.5, 1.0], count)), 2)
    opening = np.append(close[:1], close[:-1])
    high = np.maximum(opening, close) + rng.choice([0.0, 0.25, 1.0], count)
    low = np.minimum(opening, close) - rng.choice([0.0, 0.25, 1.0], count)
    return Bars(times, opening, high, low, close, rng.choice([0.0, 1.0, 7.25], count))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A strategy with random rules, stop and sizing."""
    rules = {"entry_long": draw(CONDITIONS)}
    for name in ("exit_long", "entry_short", "exit_short"):
        if draw(st.booleans()):
            rules[name] = draw(CONDITIONS)
    lines = ["id: random", "symbols: [BTCUSDT]", "interval: 1h", f"sizing: {draw(SIZINGS)}"]
    lines += [f"{name}: {text}" for name, text in rules.items()]
    lines += [f"protect: {{stop_loss: 'abs({draw(SERIES)}) + atr(3)', trailing_stop: 'atr(3) - 1'}}"]
    return "\n".join(lines)


def snapshots(strategy: CompiledStrategy, bars: Bars) -> list[dict[str, float | None]]:
    """What the indicator service would send for each bar."""
    engine = IndicatorEngine(strategy.demands, strategy.interval_us)
    return [feed(engine, bars, index) for index in range(len(bars))]


def feed(engine: IndicatorEngine, bars: Bars, index: int) -> dict[str, float | None]:
    """One bar through the engine; the bar's own fields added."""
    bar = bars.bar(index)
    fields = {name: float(column[index]) for name, column in bars.columns().items()}
    return {
        **engine.update(bar.open_time_us, bar.open, bar.high, bar.low, bar.close, bar.volume),
        **fields,
    }


def same(value: float | None, found: float) -> bool:
    """None and NaN are the same; numbers must have the same bits."""
    return math.isnan(found) if value is None else np.float64(value).tobytes() == np.float64(found).tobytes()


def assert_equal_bar(one: Evaluation, arrays: EvaluationArrays, index: int) -> None:
    assert one.signal is SIGNALS[arrays.signal[index]]
    for name in ("ready", "entry_long", "exit_long", "entry_short", "exit_short"):
        assert getattr(one, name) == getattr(arrays, name)[index], (index, name)
    for name in ("stop_distance", "take_profit_distance", "trailing_distance"):
        assert same(getattr(one, name), getattr(arrays, name)[index]), (index, name)
    for name, values in arrays.sizing_inputs.items():
        assert same(one.sizing_inputs.get(name), values[index]), (index, name)


@given(documents(), histories())
@FEW
def test_evaluate_when_fed_bar_by_bar_then_equals_the_array_form_on_every_bar(text: str, bars: Bars) -> None:
    strategy = compile_strategy(parse_strategy(text))
    arrays = strategy.evaluate_array(bars)
    previous: Mapping[str, float | None] = {}
    for index, values in enumerate(snapshots(strategy, bars)):
        assert_equal_bar(strategy.evaluate(values, previous), arrays, index)
        previous = values


@given(st.lists(SERIES, min_size=1, max_size=4, unique=True), histories())
@FEW
def test_engine_when_fed_bar_by_bar_then_equals_the_array_form_bit_for_bit(demands: list[str], bars: Bars) -> None:
    arrays = IndicatorEngine(demands, HOUR_US).array(bars)
    engine = IndicatorEngine(demands, HOUR_US)
    for index in range(len(bars)):
        values = feed(engine, bars, index)
        for demand in demands:
            assert same(values[demand], arrays[demand][index]), (demand, index)


@given(st.lists(SERIES, min_size=2, max_size=4, unique=True), histories(), st.data())
@FEW
def test_restore_when_demands_change_then_the_nodes_that_stay_go_on_without_a_jump(
    demands: list[str], bars: Bars, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(bars)))
    engine, kept = IndicatorEngine(demands, HOUR_US), demands[:-1]
    for index in range(cut):
        feed(engine, bars, index)
    saved = json.loads(json.dumps(engine.state(), allow_nan=False))
    restored = IndicatorEngine([*kept, "ema(volume, 3)"], HOUR_US)
    restored.restore(saved)
    for index in range(cut, len(bars)):
        expected, found = feed(engine, bars, index), feed(restored, bars, index)
        assert {key: found[key] for key in kept} == {key: expected[key] for key in kept}


@given(SERIES, histories(), st.data())
@FEW
def test_array_when_the_future_is_cut_off_then_the_past_stays(text: str, bars: Bars, data: st.DataObject) -> None:
    engine = IndicatorEngine([text], HOUR_US)
    cut = data.draw(st.integers(1, len(bars)))
    whole, part = engine.array(bars)[text][:cut], engine.array(bars.head(cut))[text]
    assert whole.tobytes() == part.tobytes()


@given(SERIES)
@FEW
def test_canonical_when_parsed_again_then_is_the_same_tree(text: str) -> None:
    tree = parse_series(text, HOUR_US)
    assert parse_series(canonical(tree), HOUR_US) == tree


@given(documents())
@FEW
def test_digest_when_rules_are_written_canonically_then_stays(text: str) -> None:
    strategy = compile_strategy(parse_strategy(text))
    rules = {rule.name: canonical(rule.condition) for rule in strategy.rules}
    lines = [line for line in text.splitlines() if line.split(":")[0] not in rules]
    rewritten = "\n".join([*lines, *(f"{name}: {rule}  # rewritten" for name, rule in rules.items())])
    again = compile_strategy(parse_strategy(rewritten))
    assert again.digest == strategy.digest
    assert set(again.demands) == set(strategy.demands)
