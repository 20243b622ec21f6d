"""The fast parser of YAML gives the nodes that the telling one gives, or leaves the text to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.trading.language import StrategyErrors, parse_strategy
from tradewire.trading.language.errors import Diagnostics
from tradewire.trading.language.markup import Parser, parsers, read_mapping

SAMPLES = sorted((Path(__file__).parents[4] / "strategies").glob("*.yaml"))
STYLES = """\
id: "wé-ß€𝄞"
symbols: ["𝄞", 'b', c]
entry_long: >
  close > 1
  and open < 2
exit_long: |
  close < 1

protect:   {stop_loss: "2 *\\
   x", take_profit: a
      b }
indicators:
  # a remark 𝄞
  fast:    ema(close, 20)   # and one behind
  slow: 'it''s'
"""
TEXTS = [*(sample.read_text(encoding="utf-8") for sample in SAMPLES), STYLES]
SCRAPS = [
    *"\n {}[],\"'#-|>\t\r\x85\u2028é𝄞!%@`?\\\x00\ufeff1a&*:",
    *["\n  ", ": ", "- ", "\r\n", "&a ", "*a ", "!x ", "---", "...", "<<", "''", "~", "\\n"],
]


def nodes(text: str, parser: Parser) -> object:
    """What the parser finds, as plain values; None for a fault."""
    diagnostics = Diagnostics()
    root = read_mapping(text, diagnostics, parser)
    return None if root is None or diagnostics.errors else plain(root)


def plain(node: yaml.Node) -> object:
    """A node's kind, value and place. That of no value at all is told by the parsers in two ways."""
    place = (node.start_mark.line, node.start_mark.column, node.start_mark.index)
    if isinstance(node, yaml.ScalarNode):
        return (node.tag, node.value, node.style or None, (*place, node.end_mark.index) if node.value else None)
    if isinstance(node, yaml.MappingNode):
        return place, [(plain(key), plain(value)) for key, value in node.value]
    return place, [plain(item) for item in node.value]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Part of a strategy with scraps in it."""
    text = draw(st.sampled_from(TEXTS))
    if draw(st.booleans()):
        end = draw(st.integers(1, len(text)))
        text = text[max(end - draw(st.integers(1, 200)), 0) : end]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(SCRAPS)) + text[at + draw(st.sampled_from([0, 0, 1, 3])) :]
    return text


@settings(max_examples=300, deadline=None)
@given(damaged())
def test_nodes_when_the_fast_parser_finds_no_fault_then_are_those_of_the_telling_one(text: str) -> None:
    if Parser.FAST in parsers(text):
        found = nodes(text, Parser.FAST)
        assert found is None or found == nodes(text, Parser.TELLING)


@pytest.mark.parametrize("text", TEXTS)
def test_parsers_when_a_text_is_ordinary_then_the_fast_one_comes_first(text: str) -> None:
    assert parsers(text)[0] is Parser.FAST
    assert nodes(text, Parser.FAST) is not None


def test_fault_when_the_fast_parser_finds_one_then_is_told_by_the_other() -> None:
    with pytest.raises(StrategyErrors) as caught:
        parse_strategy("id: story\nsymbols: [BTCUSDT, ETH: , LTC]\n")
    found = [str(error) for error in caught.value.errors if error.line == 2]
    assert found == ["line 2, column 20: `` is not a symbol; write the venue's symbol, as BTCUSDT"]
