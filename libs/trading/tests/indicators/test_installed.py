"""Indicators that installed packages offer are checked like the built-in ones before they may be named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tradewire.trading.indicators import BUILT_IN, Indicator, IndicatorError
from tradewire.trading.indicators.compiled import compiled, interpreted
from tradewire.trading.indicators.installed import Catalogue

MODULE = """
import math

from tradewire.trading.indicators import Indicator, Kernel, Param


def add_one(value):
    return value + 1.0


def step(state, params, bar, out):
    if state[0] > 3.0:
        out[0] = add_one(bar[0])


def other(inputs, params, outputs):
    for place in range(len(inputs[0])):
        outputs[0][place] = inputs[0][place]
    return True


def endless(state, params, bar, out):
    state[1] = math.inf
    out[0] = bar[0]


def by_price(state, params, bar, out):
    state[int(bar[0] // 100.0)] = 1.0  # within its state below a price of 200
    out[0] = bar[0]


def summed(state, start):
    return state[start] + 1.0


def behind(state, params, bar, out):
    out[0] = summed(state, int(bar[0] // 100.0))  # a function that it calls leaves the state


def made(name, step=step, warmup=3, fields=("close",), stretch=None):
    kernel = Kernel(step, size=lambda: 2, warmup=lambda: warmup, stretch=stretch)
    return Indicator(name, "Title", "formula", "source", (), fields, (), ("value",), kernel)


sound = made("sound")
two_ways = made("two_ways", stretch=other)
late = made("late", warmup=2)
unending = made("unending", step=endless)
ema = made("ema")
renamed = made("another")
odd_field = made("odd_field", fields=("turnover",))
wild = made("wild", step=by_price)
wild_callee = made("wild_callee", step=behind)
number = 7
"""
OFFERED = ("sound", "two_ways", "late", "unending", "ema", "renamed", "odd_field", "number", "missing")

WILD = ("wild", "wild_callee")


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """With a package installed that offers all of the above."""
    (tmp_path / "offered_indicators.py").write_text(MODULE)
    information = tmp_path / "offered_indicators-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: offered-indicators\nVersion: 1.0\n")
    points = "\n".join(f"{name} = offered_indicators:{name}" for name in (*OFFERED, *WILD))
    (information / "entry_points.txt").write_text(f"[tradewire.indicators]\n{points}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "offered_indicators", raising=False)
    return Catalogue(BUILT_IN)


def test_catalogue_when_packages_offer_indicators_then_has_the_sound_ones_beside_the_built_in(
    catalogue: Catalogue,
) -> None:
    assert set(catalogue) == {*BUILT_IN, "sound", *WILD}
    assert isinstance(catalogue["sound"], Indicator)
    assert catalogue["ema"] is BUILT_IN["ema"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("two_ways", "its two forms differ: value of bar 0 is nan bar by bar and"),
        ("late", "its warm-up is 2 bars, but value has its first value at bar 3"),
        ("unending", "its state holds a number that is not finite"),
        ("ema", "an indicator called ema exists already"),
        ("renamed", "its name is another, that of its entry point renamed"),
        ("odd_field", "it reads turnover, allowed are open, high, low, close, volume"),
        ("number", "it is a int, allowed is an Indicator"),
        ("missing", "AttributeError"),
    ],
)
def test_catalogue_when_an_indicator_is_not_sound_then_leaves_it_out_and_says_why(
    name: str, why: str, catalogue: Catalogue
) -> None:
    assert why in catalogue.refused[name]
    assert "may not be used" in catalogue.refused[name]


def test_catalogue_when_only_built_in_names_are_asked_for_then_loads_no_package(
    catalogue: Catalogue,
) -> None:
    assert "rsi" in catalogue
    assert catalogue["rsi"].name == "rsi"
    assert "offered_indicators" not in sys.modules


@pytest.mark.parametrize("form", [interpreted, compiled])
@pytest.mark.parametrize("name", WILD)
def test_array_when_a_step_leaves_its_state_then_an_error_and_no_memory_is_touched(
    name: str, form: Callable[..., object], catalogue: Catalogue
) -> None:
    prices = np.r_[np.full(30, 150.0), np.full(30, 1e7)]
    with pytest.raises(IndexError):
        form(catalogue[name], (prices,), ())


@pytest.mark.parametrize("name", WILD)
def test_both_forms_when_a_step_leaves_its_state_then_name_the_indicator_and_its_bounds(
    name: str, catalogue: Catalogue
) -> None:
    wanted = f"^{name}: its step used an index outside what it was given: a state of 2 numbers, a bar of 1, outputs"
    with pytest.raises(IndicatorError, match=wanted):
        catalogue[name].stream().update(1e7)
    with pytest.raises(IndicatorError, match=wanted):
        catalogue[name].array([np.full(5, 1e7)], ())
