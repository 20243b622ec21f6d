"""What a strategy answers to one bar: precedence, readiness, protections, sizing and the explanation."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest

from tradewire.trading.language import (
    SIGNALS,
    CompiledStrategy,
    Evaluation,
    Signal,
    Sizing,
    SizingMethod,
    compile_strategy,
    parse_strategy,
)
from tradewire.trading.language.evaluation import WITHHELD, Withheld
from tradewire.trading.language.numbers import Snapshot

NOW = {"open": 1.0, "high": 3.0, "low": 0.5, "close": 2.0, "volume": 10.0}
BEFORE = {"open": 2.0, "high": 3.0, "low": 0.5, "close": 1.0, "volume": 10.0}
YES, NO = "close > open", "close < open"


def strategy(*lines: str, sizing: str = "{fixed_qty: 0.5}", interval: str = "1h") -> CompiledStrategy:
    head = ["id: story", "symbols: [BTCUSDT]", f"interval: {interval}", f"sizing: {sizing}"]
    return compile_strategy(parse_strategy("\n".join([*head, *lines])))


def answer(compiled: CompiledStrategy, now: Snapshot, before: Snapshot) -> Evaluation:
    """The answer to `now`, after making sure that the array form of the two bars gives the same."""
    one = compiled.evaluate(now, before)
    keys = {*now, *before}
    pairs = {key: [before.get(key), now.get(key)] for key in keys}
    arrays = compiled.evaluate_series({key: np.array(pair, dtype=np.float64) for key, pair in pairs.items()})
    assert SIGNALS[arrays.signal[1]] is one.signal
    for name in ("ready", "entry_long", "exit_long", "entry_short", "exit_short"):
        assert getattr(arrays, name)[1] == getattr(one, name), name
    assert WITHHELD[arrays.withheld[1]] is one.withheld
    for name in ("stop_distance", "take_profit_distance", "trailing_distance"):
        assert getattr(arrays, name)[1:].tolist() == pytest.approx(
            [number(getattr(one, name))], nan_ok=True, rel=0, abs=0
        )
    for name, values in arrays.sizing_inputs.items():
        assert values[1:].tolist() == pytest.approx([number(one.sizing_inputs.get(name))], nan_ok=True, rel=0, abs=0)
    return one


def number(value: float | None) -> float:
    return math.nan if value is None else value


@pytest.mark.parametrize(
    ("entry_long", "exit_long", "entry_short", "exit_short", "signal", "note"),
    [
        (NO, NO, NO, NO, Signal.HOLD, None),
        (YES, NO, NO, NO, Signal.ENTER_LONG, None),
        (NO, NO, YES, NO, Signal.ENTER_SHORT, None),
        (NO, YES, NO, NO, Signal.EXIT_LONG, None),
        (NO, NO, NO, YES, Signal.EXIT_SHORT, None),
        (YES, NO, NO, YES, Signal.REVERSE_TO_LONG, None),
        (NO, YES, YES, NO, Signal.REVERSE_TO_SHORT, None),
        (YES, NO, YES, NO, Signal.HOLD, "entry_long and entry_short are both true: no entry"),
        (YES, YES, NO, NO, Signal.EXIT_LONG, "entry_long and exit_long are both true: exit before entry"),
        (NO, NO, YES, YES, Signal.EXIT_SHORT, "entry_short and exit_short are both true: exit before"),
        (YES, YES, YES, NO, Signal.REVERSE_TO_SHORT, "entry_long and exit_long are both true"),
        (NO, YES, NO, YES, Signal.EXIT_LONG, None),
        (YES, YES, YES, YES, Signal.EXIT_LONG, "exit before entry"),
    ],
)
def test_evaluate_when_rules_meet_then_precedence_decides(
    entry_long: str, exit_long: str, entry_short: str, exit_short: str, signal: Signal, note: str | None
) -> None:
    rules = (f"entry_long: {entry_long}", f"exit_long: {exit_long}")
    both = strategy(*rules, f"entry_short: {entry_short}", f"exit_short: {exit_short}")
    told = answer(both, NOW, BEFORE)
    assert told.signal is signal
    assert told.exit_long is (exit_long == YES)
    assert told.exit_short is (exit_short == YES)
    assert (note or "") in "; ".join(told.notes)
    assert bool(note) is bool(told.notes)


@pytest.mark.parametrize(
    ("before", "now", "above", "below"),
    [
        ((1.0, 2.0), (3.0, 2.0), True, False),
        ((2.0, 2.0), (3.0, 2.0), True, False),
        ((2.0, 2.0), (1.0, 2.0), False, True),
        ((3.0, 2.0), (1.0, 2.0), False, True),
        ((1.0, 2.0), (2.0, 2.0), False, False),
        ((3.0, 2.0), (4.0, 2.0), False, False),
    ],
)
def test_crossed_when_sides_change_then_true_on_that_bar_only(
    before: tuple[float, float], now: tuple[float, float], above: bool, below: bool
) -> None:
    crossing = strategy("entry_long: crossed_above(close, open)", "entry_short: crossed_below(close, open)")
    values, previous = ({**NOW, "close": pair[0], "open": pair[1]} for pair in (now, before))
    told = answer(crossing, values, previous)
    assert (told.entry_long, told.entry_short) == (above, below)


def test_evaluate_when_an_input_is_missing_then_no_entry_but_a_known_exit() -> None:
    rules = ("entry_long: close > open or ema(close, 3) > 1", "exit_short: close > open or ema(close, 3) > 1")
    told = answer(strategy(*rules), {**NOW, "ema(close,3)": None}, BEFORE)
    assert not told.ready
    assert told.signal is Signal.EXIT_SHORT
    assert told.notes == ("no value yet: ema(close,3)", "not ready: no entry")


@pytest.mark.parametrize("rule", ["not ema(close, 3) > 1", "not (ema(close, 3) > 1 or close < open)"])
def test_evaluate_when_a_missing_value_is_negated_then_still_not_true(rule: str) -> None:
    negated = strategy("entry_long: close > open", f"exit_long: {rule}")
    assert not negated.evaluate({**NOW, "ema(close,3)": None}, BEFORE).exit_long
    assert negated.evaluate({**NOW, "ema(close,3)": 0.5}, BEFORE).exit_long


def test_evaluate_when_the_previous_bar_is_missing_then_a_crossing_is_unknown() -> None:
    told = answer(strategy("entry_long: crossed_above(close, open)"), NOW, {})
    assert not told.ready
    assert told.reasons[0].truth is None
    assert told.notes == ("no value one bar ago: close, open",)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_evaluate_when_a_value_is_not_finite_then_it_counts_as_missing(bad: float) -> None:
    told = answer(strategy("entry_long: volume > 1 or close > open"), {**NOW, "volume": bad}, BEFORE)
    assert not told.ready
    assert told.signal is Signal.HOLD


def test_evaluate_when_protected_then_gives_distances_in_price_units() -> None:
    protect = "protect: {stop_loss: 2.5 * atr(14), take_profit: 4 * atr(14), trailing_stop: high - low}"
    told = answer(strategy(f"entry_long: {YES}", protect), {**NOW, "atr(14)": 2.0}, BEFORE)
    assert (told.stop_distance, told.take_profit_distance, told.trailing_distance) == (5.0, 8.0, 2.5)


def test_evaluate_when_a_stop_is_not_above_zero_then_no_entry_and_it_is_said() -> None:
    told = answer(strategy(f"entry_long: {YES}", "protect: {stop_loss: open - close}"), NOW, BEFORE)
    assert (told.signal, told.stop_distance) == (Signal.HOLD, None)
    assert told.notes == ("not above 0: stop_loss", "a distance or sizing input is not above 0: no entry")
    assert (told.ready, told.withheld) == (True, Withheld.NOT_ABOVE_0)


@pytest.mark.parametrize("distance", ["open - close", "0 * close", "log(open - close)"])
def test_evaluate_when_a_stop_is_not_above_zero_then_an_exit_acts(distance: str) -> None:
    protect = f"protect: {{stop_loss: {distance}}}"
    told = answer(strategy(f"entry_short: {YES}", f"exit_long: {YES}", protect), NOW, BEFORE)
    assert (told.signal, told.withheld) == (Signal.EXIT_LONG, Withheld.NOT_ABOVE_0)


@pytest.mark.parametrize(
    ("rules", "withheld"),
    [
        ({"entry_long": YES}, None),
        ({"entry_long": NO, "exit_long": YES}, None),
        ({"entry_long": YES, "exit_long": YES}, Withheld.EXIT_FIRST),
        ({"entry_long": YES, "exit_long": YES, "entry_short": YES}, None),
        ({"entry_long": YES, "entry_short": YES}, Withheld.BOTH_ENTRIES),
        ({"entry_long": f"{YES} or ema(close, 9) > 1"}, Withheld.NOT_READY),
    ],
)
def test_evaluate_when_an_entry_is_withheld_then_says_why(rules: dict[str, str], withheld: Withheld | None) -> None:
    told = answer(strategy(*(f"{name}: {rule}" for name, rule in rules.items())), {**NOW, "ema(close,9)": None}, BEFORE)
    assert told.withheld is withheld


def test_sizing_when_by_volatility_then_demands_it_and_gives_it_a_year() -> None:
    sized = strategy(f"entry_long: {YES}", sizing="{volatility_target: 0.2, max_leverage: 2}")
    demand = "stddev(log(roc(close,1)/100+1),30)"
    assert sized.demands == (demand,)
    assert sized.sizing == Sizing(SizingMethod.VOLATILITY_TARGET, Decimal("0.2"), Decimal(2))
    told = answer(sized, {**NOW, demand: 0.01}, BEFORE)
    assert told.sizing_inputs == {"volatility": pytest.approx(0.01 * math.sqrt(8760))}
    assert sized.evaluate({**NOW, demand: 0.0}, BEFORE).withheld is Withheld.NOT_ABOVE_0


def test_sizing_when_by_risk_then_gives_the_stop_distance() -> None:
    sized = strategy(f"entry_long: {YES}", "protect: {stop_loss: high - low}", sizing="{risk_per_trade: 0.01}")
    assert sized.evaluate(NOW, BEFORE).sizing_inputs == {"stop_distance": 2.5}


def test_reasons_when_asked_for_then_have_rule_truth_and_values_by_the_authors_names() -> None:
    named = strategy(
        "indicators: {fast: 'ema(close, 3)', band: 'bollinger(close)'}",
        "entry_long: crossed_above(fast, band.upper) and close > 1",
    )
    upper = "bollinger(close,20,2).upper"
    told = answer(named, {**NOW, "ema(close,3)": 5.0, upper: 4.0}, {**BEFORE, "ema(close,3)": 3.5, upper: 4.0})
    assert told.reasons[0].values == {"fast": 5.0, "band.upper": 4.0, "close": 2.0}
    assert told.reasons[0].previous == {"fast": 3.5, "band.upper": 4.0}
    assert (told.signal, told.reasons[0].truth) == ("ENTER_LONG", True)
    assert told.reasons[0].expression == "crossed_above(fast, band.upper) and close > 1"


def test_digest_when_only_words_change_then_stays_else_changes() -> None:
    plain = strategy("entry_long: ema(close, 20) > open")
    reworded = strategy(
        "description: the same in other words", "indicators: {e: ema(close)}", "entry_long: (e) > open # yes"
    )
    assert plain.digest == reworded.digest == "3dd0623902bc2e74b194751aad76c0c856d3c5ed1a9f80063362a72acc6beb0a"
    for other in (
        strategy("entry_long: ema(close, 21) > open"),
        strategy("entry_short: ema(close, 20) > open"),
        strategy("entry_long: ema(close, 20) > open", sizing="{fixed_qty: 0.6}"),
        strategy("entry_long: ema(close, 20) > open", interval="2h"),
        strategy("entry_long: ema(close, 20) > open", "account: other"),
    ):
        assert other.digest != plain.digest


def test_warmup_when_on_a_higher_interval_then_counts_base_bars_from_the_worst_start() -> None:
    assert strategy("entry_long: sma(close, 3) > open").warmup_bars == 2
    assert strategy("entry_long: crossed_above(sma(close, 3), open)").warmup_bars == 3
    assert strategy("entry_long: sma(sma(close, 3), 2) > open").warmup_bars == 3
    assert strategy("entry_long: sma(close, 3, interval=4h) > open").warmup_bars == 3 + 3 * 4 - 1
