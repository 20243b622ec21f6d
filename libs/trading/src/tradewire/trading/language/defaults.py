"""Writing other values into a strategy file: defaults of parameters, its names and its symbols."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

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


def with_symbols(text: str, symbols: Collection[str]) -> str:
    """The strategy file on those of its symbols alone; as it is when they are all. Raises StrategyErrors."""
    own = parse_strategy(text).symbols
    if set(own) == set(symbols):
        return text
    diagnostics = Diagnostics()
    root = read_mapping(text, diagnostics)
    assert root is not None, "the file was parsed before"
    node = entries(root, "the strategy", diagnostics)["symbols"][1]
    assert isinstance(node, yaml.SequenceNode), "the file was parsed before"
    end = "" if node.flow_style else "\n"  # a block sequence ends where the next line begins
    kept = f" [{', '.join(json.dumps(symbol) for symbol in own if symbol in symbols)}]{end}"
    return text[: node.start_mark.index] + kept + text[node.end_mark.index :]


def with_names(text: str, *, strategy_id: str, account: str) -> str:
    """The strategy file under another id and on another account. Raises StrategyErrors when the file is not allowed."""
    parse_strategy(text)
    diagnostics = Diagnostics()
    root = read_mapping(text, diagnostics)
    assert root is not None, "the file was parsed before"
    named = entries(root, "the strategy", diagnostics)
    key, own = named["id"]
    new = {"id": (own, strategy_id)}
    if "account" in named:
        new["account"] = (named["account"][1], account)
    else:
        gap = ", " if root.flow_style else "\n" + " " * key.start_mark.column
        new["id"] = (own, f"{strategy_id}{gap}account: {account}")
    for node, value in sorted(new.values(), key=lambda place: -place[0].start_mark.index):
        text = text[: node.start_mark.index] + value + text[node.end_mark.index :]
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
