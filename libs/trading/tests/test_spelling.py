"""Suggestions for misspelt words help, or are not made."""

from __future__ import annotations

import pytest

from tradewire.trading.indicators import INDICATORS
from tradewire.trading.spelling import nearest_word


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("emaa", "ema"),
        ("bolinger", "bollinger"),
        ("stohcastic", "stochastic"),
        ("boll", "bollinger"),
        ("BOLLINGER", "bollinger"),
        ("bars_since", None),
        ("barssince", None),
        ("valuewhen", None),
        ("heikinashi", None),
        ("xy", None),
        ("qqqqqq", None),
    ],
)
def test_nearest_word_when_an_indicator_is_misspelt_then_it_or_nothing(word: str, meant: str | None) -> None:
    assert nearest_word(word, INDICATORS) == meant


def test_nearest_word_when_neighbouring_letters_are_exchanged_then_one_slip() -> None:
    assert nearest_word("fats", ["slow", "fast"]) == "fast"
