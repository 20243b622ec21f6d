"""What rules in Python may answer, and that whatever else they answer or raise is told in words, on every door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tradewire.trading.indicators import INDICATORS, Indicator, Kernel
from tradewire.trading.language import Bars, Check, CompiledStrategy, StrategyErrors, compile_strategy, parse_strategy
from tradewire.trading.language.truth import check_decisions, check_foreign, check_strategy

HOUR_US = 3_600_000_000
TEXT = "id: plugin\nsymbols: [BTCUSDT]\ninterval: 1h\npython: 'plugin:Rules'\nsizing: {fixed_qty: 1}\n"


class Rules:
    """Up bars are bought and down bars sold."""

    demands: Any = ()

    def __init__(self, params: Mapping[str, float]) -> None:
        pass

    def rules(self, values: Any, previous: Any) -> Any:
        return {"entry_long": values["close"] > values["open"], "exit_long": values["close"] < values["open"]}

    rules_array = rules


class OfNumpy(Rules):
    """Truths of numpy, as any comparison with one of its numbers gives them."""

    def rules(self, values: Any, previous: Any) -> Any:
        return {name: np.bool_(truth) for name, truth in super().rules(values, previous).items()}


class Before(Rules):
    """Compares with the bar before, of which it demands nothing."""

    def rules(self, values: Any, previous: Any) -> Any:
        return {"entry_long": values["close"] > previous["close"], "exit_long": values["low"] < previous["low"]}

    rules_array = rules


class Misspelt(Rules):
    """Names no rule."""

    def rules(self, values: Any, previous: Any) -> Any:
        return {"enter_long": values["close"] > values["open"]}

    rules_array = rules


class Numbers(Rules):
    """Answers a distance for a truth."""

    def rules(self, values: Any, previous: Any) -> Any:
        return {"entry_long": values["close"] - values["open"]}


class Short(Rules):
    """One truth for all bars."""

    def rules_array(self, values: Any, previous: Any) -> Any:
        return {"entry_long": np.array([True])}


class Nothing(Rules):
    """Forgets to return."""

    def rules(self, values: Any, previous: Any) -> Any:
        return None


class Leaving(Rules):
    """Ends the process while it decides."""

    def rules_array(self, values: Any, previous: Any) -> Any:
        raise SystemExit(0)


class LeavingOnABar(Rules):
    """Ends the process while it decides on one bar."""

    def rules(self, values: Any, previous: Any) -> Any:
        raise SystemExit(0)


class Unmade(Rules):
    """Reads a parameter that the file does not have."""

    def __init__(self, params: Mapping[str, float]) -> None:
        params["nope"]


class Left(Rules):
    """Ends the process while it is made."""

    def __init__(self, params: Mapping[str, float]) -> None:
        raise SystemExit(0)


class OneText(Rules):
    """Demands a text, and not a tuple of them."""

    demands = "sma(close,3)"


class Undemanding(Rules):
    """Has no usable demands."""

    demands = (3,)


class Held(Rules):
    """Opens, and never closes."""

    def rules(self, values: Any, previous: Any) -> Any:
        return {"entry_long": values["close"] > values["open"]}

    rules_array = rules


def compiled(rules: type, more: str = "") -> CompiledStrategy:
    return compile_strategy(parse_strategy(TEXT + more), find_rules=lambda _: rules)


def history() -> Bars:
    close = 100 + np.cumsum(np.random.default_rng(7).choice([-1.0, 0.0, 1.0], 300))
    opened = np.r_[100.0, close[:-1]]
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Bars(np.arange(300, dtype=np.int64) * HOUR_US, opened, high, low, close, np.ones(300))


@pytest.mark.parametrize("rules", [Rules, OfNumpy, Before])
def test_truths_of_python_and_numpy_are_taken_and_prices_of_the_bar_before_are_there(rules: type) -> None:
    strategy, bars = compiled(rules), history()
    assert check_strategy(strategy, bars) == check_decisions(strategy, bars) == []
    answers = strategy.evaluate_array(bars)
    assert answers.entry_long.any()
    assert not answers.ready[0]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (Misspelt, "the rules answer `enter_long`, which is no rule; did you mean `entry_long`?"),
        (Numbers, "of one bar, allowed are True, False and None"),
        (Short, "`entry_long` is an array of bool and shape (1,), allowed is one truth for each bar: bool, (300,)"),
        (
            Nothing,
            "the rules answer None, allowed is a mapping of one of entry_long, exit_long, entry_short, ",
        ),
        (Leaving, "the rules ask to end the process (SystemExit)"),
        (LeavingOnABar, "the rules ask to end the process (SystemExit)"),
    ],
)
def test_answers_that_are_no_decisions_are_refused_in_words(rules: type, why: str) -> None:
    strategy, bars = compiled(rules), history()
    for check in (check_strategy, check_decisions):
        (finding,) = check(strategy, bars)
        assert finding.check is Check.RUNS
        assert why in finding.message


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (Unmade, "`plugin:Rules` can't be made with the strategy's parameters: KeyError: 'nope'"),
        (Left, "`plugin:Rules` can't be made with the strategy's parameters: SystemExit: 0"),
        (OneText, "`plugin:Rules` demands 'sma(close,3)', allowed is a tuple of series"),
        (Undemanding, "`plugin:Rules` demands (3,), allowed is a tuple of series"),
    ],
)
def test_classes_that_can_not_be_made_are_refused_at_their_line(rules: type, why: str) -> None:
    with pytest.raises(StrategyErrors) as refused:
        compiled(rules)
    (error,) = refused.value.errors
    assert why in error.message
    assert error.line == 4


def test_positions_that_nothing_closes_are_warned_of() -> None:
    (finding,) = check_strategy(compiled(Held), history())
    assert not finding.refuses
    assert "`entry_long` opens a long position that nothing closes: `exit_long` is true on no bar" in finding.message
    assert check_strategy(compiled(Held, "protect: {stop_loss: 5}\n"), history()) == []


@pytest.mark.parametrize("place", [10, 60_000, 150_000])
def test_indicators_of_packages_are_checked_at_both_ends_of_the_history_that_is_traded(place: int) -> None:
    def step(state: Any, params: Any, bar: Any, out: Any) -> None:
        out[0] = 1.0 / (bar[0] - 7.0)  # the interpreter raises where machine code has an infinity

    kernel = Kernel(step, size=lambda: 1, warmup=lambda: 0)
    own = Indicator("own", "Title", "formula", "source", (), ("close",), (), ("value",), kernel)
    text = TEXT.replace("python: 'plugin:Rules'", "entry_long: ema(own(), 3) > 0")
    strategy = compile_strategy(parse_strategy(text, {**INDICATORS, "own": own}), catalogue={**INDICATORS, "own": own})
    close = np.full(200_000, 100.0)
    close[place] = 7.0
    bars = Bars(np.arange(200_000, dtype=np.int64) * HOUR_US, close, close, close, close, close)

    found = check_foreign(strategy, bars)

    assert strategy.foreign == ("ema(own(),3)",)
    assert [finding.check for finding in found] == ([] if place == 60_000 else [Check.RUNS])
    assert all("ZeroDivisionError" in finding.message for finding in found)
