"""Registration checks: look-ahead and forms that disagree are found, with bar, value and expression."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

from tradewire.trading.indicators import INDICATORS, FloatArray, Indicator
from tradewire.trading.language import (
    Bars,
    Check,
    CompiledStrategy,
    Finding,
    StrategyErrors,
    check_strategy,
    compile_strategy,
    parse_strategy,
)
from tradewire.trading.language.memory import settled_bars, unsettled
from tradewire.trading.language.plugins import UnknownPlugin, installed_rules
from tradewire.trading.language.truth import check_decisions

HOUR_US = 3_600_000_000
Arrays = Mapping[str, FloatArray]
Snapshot = Mapping[str, float | None]


class Honest:
    """Buys a bar whose close is above its average."""

    demands: tuple[str, ...] = ("sma(close,3)",)

    def __init__(self, params: Mapping[str, float]) -> None:
        self.edge = params.get("edge", 0.0)

    def rules(self, values: Snapshot, previous: Snapshot) -> dict[str, bool | None]:
        close, average = values["close"], values["sma(close,3)"]
        assert close is not None, "rules are asked only when every value is there"
        assert average is not None, "rules are asked only when every value is there"
        return {"entry_long": close > average + self.edge, "exit_long": close < average}

    def rules_array(self, values: Arrays, previous: Arrays) -> dict[str, np.ndarray]:
        close, average = values["close"], values["sma(close,3)"]
        return {"entry_long": close > average + self.edge, "exit_long": close < average}


class Prophet(Honest):
    """Looks one bar ahead in its array form, the classic of backtests too good to be true."""

    def rules_array(self, values: Arrays, previous: Arrays) -> dict[str, np.ndarray]:
        tomorrow = np.append(values["close"][1:], values["close"][-1:])
        return {**super().rules_array(values, previous), "entry_long": tomorrow > values["close"]}


class Normaliser(Honest):
    """Compares with the mean of the whole history, which only its end can know."""

    def rules_array(self, values: Arrays, previous: Arrays) -> dict[str, np.ndarray]:
        return {"entry_long": values["close"] > values["close"].mean()}


class Careless(Honest):
    """Says ≥ where its other form says >."""

    def rules_array(self, values: Arrays, previous: Arrays) -> dict[str, np.ndarray]:
        return {**super().rules_array(values, previous), "exit_long": values["close"] <= values["sma(close,3)"]}


class Failing(Honest):
    """Fails on real data."""

    def rules(self, values: Snapshot, previous: Snapshot) -> dict[str, bool | None]:
        raise ZeroDivisionError("spread is 0")


class Stranded(Honest):
    """Runs on a machine whose disk is full."""

    error = OSError(errno.ENOSPC, "No space left on device")

    def rules(self, values: Snapshot, previous: Snapshot) -> dict[str, bool | None]:
        raise self.error


class Loose(Honest):
    """Demands a text that is not canonical."""

    demands = ("sma(close, 3)", "sma(clos,3)")


PLUGINS = {
    "plugin:" + found.__name__: found for found in (Honest, Prophet, Normaliser, Careless, Failing, Stranded, Loose)
}


def plugin(name: str, params: Mapping[str, float] | None = None) -> CompiledStrategy:
    text = (
        f"id: plugin\nsymbols: [BTCUSDT]\ninterval: 1h\npython: 'plugin:{name}'\n"
        "sizing: {fixed_qty: 1}\nparams: {edge: {default: 0, low: 0, high: 5}}\n"
    )
    return compile_strategy(parse_strategy(text), params or {}, find_rules=PLUGINS.__getitem__)


def history(count: int = 300, seed: int = 7) -> Bars:
    close = 100 + np.cumsum(np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], count))
    times = np.arange(count, dtype=np.int64) * HOUR_US
    return Bars(times, close, close + 1, close - 1, close, np.ones(count))


def refusals(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.refuses]


def test_check_when_a_strategy_is_sound_then_finds_nothing() -> None:
    text = (
        "id: sound\nsymbols: [BTCUSDT]\ninterval: 1h\nentry_long: crossed_above(sma(close, 3), sma(close, 9))\n"
        "exit_long: close < sma(close, 4, interval=4h)\nsizing: {fixed_qty: 1}\nprotect: {stop_loss: 'high - low'}\n"
    )
    assert check_strategy(compile_strategy(parse_strategy(text)), history()) == []


def test_check_when_a_plugin_is_honest_then_finds_nothing() -> None:
    assert check_strategy(plugin("Honest"), history()) == []


@pytest.mark.parametrize("name", ["Prophet", "Normaliser"])
def test_check_when_a_plugin_looks_ahead_then_refuses_with_bar_value_and_rule(name: str) -> None:
    bars = history()
    found = refusals(check_strategy(plugin(name), bars))
    first = next(finding for finding in found if finding.expression == "entry_long")
    assert first.check is Check.PREFIX_INVARIANCE
    assert {first.found, first.expected} == {0.0, 1.0}
    assert first.open_time_us == bars.open_time_us[first.bar]
    assert f"bar {first.bar}: `entry_long` is" in first.message
    assert "looks ahead: the answer changes when the bars after bar" in first.message


@pytest.mark.parametrize("check", [check_strategy, check_decisions])
def test_check_when_the_machine_fails_then_raises_its_error_and_blames_no_strategy(
    check: Callable[[CompiledStrategy, Bars], list[Finding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        check(plugin("Stranded"), history())
    monkeypatch.setattr(Stranded, "error", FileNotFoundError(errno.ENOENT, "No such file", "levels.csv"))
    (finding,) = check(plugin("Stranded"), history())
    assert "the strategy fails on this history: FileNotFoundError" in finding.message


def test_check_when_the_two_forms_disagree_then_refuses_without_calling_it_look_ahead() -> None:
    found = refusals(check_strategy(plugin("Careless"), history()))
    assert {finding.check for finding in found} == {Check.BATCH_EQUALS_STREAM}
    assert "exit_long" in {finding.expression for finding in found}


def test_check_when_a_plugin_raises_then_refuses_and_tells_the_error() -> None:
    found = check_strategy(plugin("Failing"), history())
    assert [finding.check for finding in found] == [Check.RUNS]
    assert "ZeroDivisionError: spread is 0" in found[0].message


def test_check_when_an_indicators_array_form_looks_ahead_then_names_the_series() -> None:
    catalogue = {**INDICATORS, "sma": centred(INDICATORS["sma"])}
    text = "id: c\nsymbols: [BTCUSDT]\ninterval: 1h\nentry_long: close > sma(close, 3)\nsizing: {fixed_qty: 1}\n"
    compiled = compile_strategy(parse_strategy(text), catalogue=catalogue)
    found = refusals(check_strategy(compiled, history()))
    assert found[0].expression == "sma(close,3)"
    assert found[0].check is Check.PREFIX_INVARIANCE


def test_check_when_the_stream_too_was_made_of_the_future_then_the_cuts_show_it() -> None:
    """A plug-in that smuggles the history in agrees with itself on every bar, but not on a shorter history."""
    bars = history()

    class Smuggler(Honest):
        def rules(self, values: Snapshot, previous: Snapshot) -> dict[str, bool | None]:
            return {"entry_long": bars.close[-1] > (values["close"] or 0.0)}

        def rules_array(self, values: Arrays, previous: Arrays) -> dict[str, np.ndarray]:
            return {"entry_long": values["close"][-1] > values["close"]}

    text = "id: s\nsymbols: [BTCUSDT]\ninterval: 1h\npython: 'plugin:Smuggler'\nsizing: {fixed_qty: 1}\n"
    compiled = compile_strategy(parse_strategy(text), find_rules=lambda name: Smuggler)
    assert refusals(check_strategy(compiled, bars))[0].check is Check.PREFIX_INVARIANCE


def centred(sma: Indicator) -> Indicator:
    """A moving average whose array form is centred, as plotting libraries offer."""

    class Centred(Indicator):
        __slots__ = ()

        def array(self, inputs: Sequence[FloatArray], params: Sequence[float]) -> tuple[FloatArray, ...]:
            (values,) = sma.array(inputs, params)
            return (np.append(values[1:], values[-1:]),)

    return Centred(**{name: getattr(sma, name) for name in Indicator.__dataclass_fields__})


def recursive(entry: str, warmup: str = "") -> CompiledStrategy:
    text = f"id: w\nsymbols: [BTCUSDT]\ninterval: 1h\nentry_long: {entry} > 0\nsizing: {{fixed_qty: 1}}\n{warmup}"
    return compile_strategy(parse_strategy(text))


def test_memory_that_outlasts_the_warmup_is_measured_in_bars_and_not_warned_of() -> None:
    bars = history()
    jumpy = replace(bars, close=np.where(np.arange(300) % 2, 100.0, 200.0))
    compiled = recursive("rma(close, 2)")

    assert check_strategy(compiled, jumpy) == []
    assert compiled.warmup_bars < (settled_bars(compiled, jumpy) or 0) <= 16


def test_memory_that_never_fades_is_warned_of_with_what_to_do() -> None:
    compiled = recursive("obv()")

    (found,) = unsettled(compiled, history())

    assert (found.check, found.refuses) == (Check.WARM_UP, False)
    assert "`obv()` depends on where the history begins" in found.message
    assert "compare its change with `shift`" in found.message
    assert settled_bars(compiled, history()) is None


def test_a_strategy_with_a_warmup_is_not_ready_before_in_both_forms() -> None:
    bars, compiled = history(), recursive("sma(close, 3)", "warmup: 40\n")

    assert np.flatnonzero(compiled.evaluate_array(bars).ready)[0] == 40
    assert compiled.warmup_bars >= 40
    assert check_strategy(compiled, bars) == []
    before = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0, "sma(close,3)": 1.0}
    assert compiled.evaluate(before, before).notes[0] == "no value yet: warmup"


@pytest.mark.parametrize("warmup", ["-1", "1.5", "soon", "1000000"])
def test_a_warmup_that_is_no_number_of_bars_is_refused_at_its_place(warmup: str) -> None:
    with pytest.raises(StrategyErrors, match=r"line 6, column 9: `warmup` is .*; allowed is a whole number of bars"):
        recursive("close", f"warmup: {warmup}\n")


def test_check_when_the_history_is_shorter_than_the_warmup_then_says_that_it_shows_nothing() -> None:
    text = "id: w\nsymbols: [BTCUSDT]\ninterval: 1h\nentry_long: sma(close, 50) > 0\nsizing: {fixed_qty: 1}\n"
    found = check_strategy(compile_strategy(parse_strategy(text)), history(20))
    assert "it shows no decision" in found[0].message


def test_plugin_when_its_demands_are_not_canonical_then_refused_at_its_line() -> None:
    with pytest.raises(StrategyErrors) as caught:
        plugin("Loose")
    assert [(error.line, error.suggestion) for error in caught.value.errors] == [
        (4, "write `sma(close,3)`"),
        (4, "did you mean `close`?"),
    ]


def test_plugin_when_parameters_are_set_then_its_rules_get_them() -> None:
    snapshot = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 3.0, "volume": 1.0, "sma(close,3)": 2.0}
    assert plugin("Honest", {"edge": 0.5}).evaluate(snapshot, snapshot).entry_long
    assert not plugin("Honest", {"edge": 1.5}).evaluate(snapshot, snapshot).entry_long


def test_installed_rules_when_offered_by_an_entry_point_then_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = metadata.EntryPoint(name="counter", value="collections:Counter", group="tradewire.strategies")
    monkeypatch.setattr(
        "tradewire.trading.language.plugins.entry_points",
        lambda group: [offered] if group == "tradewire.strategies" else [],
    )
    assert isinstance(installed_rules("collections:Counter")({}), Counter)
    with pytest.raises(UnknownPlugin, match="did you mean `collections:Counter`"):
        installed_rules("collections:Conter")


def test_compile_when_the_plugin_is_not_installed_then_refused_at_its_line() -> None:
    text = "id: s\nsymbols: [BTCUSDT]\ninterval: 1h\npython: 'os:system'\nsizing: {fixed_qty: 1}\n"
    with pytest.raises(StrategyErrors, match="line 4, column 1: no installed package offers `os:system`"):
        compile_strategy(parse_strategy(text))
