"""Writing other parameter values into a strategy file."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from tradewire.trading.language.compiler import compile_strategy, parse_strategy
from tradewire.trading.language.errors import Diagnostics
from tradewire.trading.language.markup import entries, read_mapping
from tradewire.trading.language.tree import number_text


def with_defaults(text: str, params: Mapping[str, float]) -> str:
    """The strategy file with these values as its parameters' defaults; comments and layout stay as they are.

    So a file says all that a backtest or a sweep has chosen, and can be published as it is.
    Raises: StrategyErrors when the file or a value is not allowed.
    """
    compile_strategy(parse_strategy(text), params)
    for name, value in params.items():
        node = _default_node(text, name)
        text = text[: node.start_mark.index] + number_text(value) + text[node.end_mark.index :]
    return text


def _default_node(text: str, name: str) -> yaml.Node:
    """Where the parameter's default is written. The file has been checked: every step is there."""
    diagnostics = Diagnostics()
    root = read_mapping(text, diagnostics)
    assert root is not None, "the file was parsed before"
    block = entries(root, "the strategy", diagnostics)["params"][1]
    _, given = entries(block, "params", diagnostics)[name]
    _, node = entries(given, name, diagnostics)["default"]
    return node
