"""A strategy file is plain YAML: what any reader of YAML sees is what runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.language import StrategyErrors, compile_strategy, parse_strategy

ROOT = Path(__file__).parents[4]
SAMPLES = sorted((ROOT / "strategies").glob("*.yaml"))
STORY = """\
id: story
symbols: [BTCUSDT]
interval: 1h
indicators: {indicators}
entry_long: close > band.upper and open > high_side
sizing: {{fixed_qty: 1}}
protect: {protect}
"""
EARLIER = STORY.format(
    indicators="{band: bollinger(close, 20, 2), high_side: max(close, - open)}", protect="{stop_loss: max(atr(14), 5)}"
)
QUOTED = STORY.format(
    indicators="{band: 'bollinger(close, 20, 2)', high_side: \"max(close, - open)\"}",
    protect="{stop_loss: 'max(atr(14), 5)'}",
)


def same_words(text: str) -> None:
    """What a reader of YAML gets, by expression, is what the strategy's document holds."""
    read: Any = yaml.load(text, Loader=yaml.BaseLoader)
    document = parse_strategy(text)
    for part in ("indicators", "protect", "sizing"):
        assert read.get(part, {}) == {name: item.text for name, item in getattr(document, part).items()}
    assert {name: read[name] for name in document.rules} == {k: v.text for k, v in document.rules.items()}
    assert document.warnings == ()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_when_read_by_any_reader_of_yaml_then_says_what_tradewire_reads(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    same_words(text)


def test_quoted_calls_when_read_then_are_those_of_yaml_without_a_warning() -> None:
    same_words(QUOTED)


def test_unquoted_calls_when_read_then_mean_the_same_strategy_with_a_warning_that_quotes_each() -> None:
    document = parse_strategy(EARLIER)
    assert compile_strategy(document).digest == compile_strategy(parse_strategy(QUOTED)).digest
    assert [(found.line, found.column) for found in document.warnings] == [(4, 20), (4, 56), (7, 22)]
    assert [str(found.suggestion) for found in document.warnings] == [
        "write it in quotes: band: 'bollinger(close, 20, 2)'",
        "write it in quotes: high_side: 'max(close, - open)'",
        "write it in quotes: stop_loss: 'max(atr(14), 5)'",
    ]


def test_a_bracket_inside_quotes_when_left_open_then_does_not_reach_the_next_entry() -> None:
    text = STORY.format(indicators="{band: 'bollinger(close', high_side: close}", protect="{stop_loss: 5}")
    with pytest.raises(StrategyErrors, match="line 4, column 30: the brackets do not match") as caught:
        parse_strategy(text)
    assert "not YAML" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [("[BTCUSDT]", "[ON]", 2, "`ON` is true to YAML"), ("id: story", "id: 010", 1, "`010` is 8 to YAML")],
)
def test_word_when_yaml_makes_another_value_of_it_then_warned(old: str, new: str, line: int, said: str) -> None:
    (found,) = parse_strategy(QUOTED.replace(old, new)).warnings
    assert (found.line, found.message) == (line, f"{said}; here it is read as it is written")


CALLS = st.recursive(
    st.sampled_from(["close", "open", "5", "ema(close, 3)", "max(close, - 2)"]),
    lambda inner: st.builds(
        lambda name, items: f"{name}({', '.join(items)})",
        st.sampled_from(["max", "min"]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CALLS, st.sampled_from(["", "'", '"'])), min_size=1, max_size=4))
def test_flow_mapping_when_any_calls_are_quoted_or_not_then_all_are_read_and_the_unquoted_warned(
    calls: list[tuple[str, str]],
) -> None:
    entries = ", ".join(f"n{place}: {quote}{call}{quote}" for place, (call, quote) in enumerate(calls))
    text = STORY.format(indicators=f"{{band: atr(14), high_side: close, {entries}}}", protect="{stop_loss: 5}")
    document = parse_strategy(text.replace("band.upper", "band"))
    assert [document.indicators[f"n{place}"].text for place in range(len(calls))] == [call for call, _ in calls]
    unquoted = [warning for warning in document.warnings if "comma" in warning.message]
    assert len(unquoted) == sum(quote == "" and "," in call for call, quote in calls)


@pytest.mark.parametrize("text", ["a: &a [*a]", "{" * 3_000, "a: " + "[" * 3_000, "indicators: &a {b: *a}"])
def test_text_when_it_is_a_circle_or_very_deep_then_refused_in_words(text: str) -> None:
    with pytest.raises(StrategyErrors):
        parse_strategy(text)


def test_aliases_when_they_multiply_then_are_walked_once() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))]
    with pytest.raises(StrategyErrors, match="`a0` is no part of the strategy"):
        parse_strategy("\n".join(lines))
