"""Where a strategy's text means one thing to tradewire and another to the next reader of YAML.

Commas end an entry inside braces, so YAML reads `{fast: ema(close, 20)}` as two entries: `fast: ema(close` and `20)`.
Earlier versions took the call as one entry. They still do, with a warning that shows it in quotes; every other text is
read as YAML reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

MASK = "\ue000"
"""Stands for a comma inside round brackets while YAML reads a text of the earlier form."""
_TOKEN = re.compile(r"[(),{}\[\]]|:(?=\s)")
_TAG = "tag:yaml.org,2002:"


def mask_commas(text: str) -> str:
    """The text with commas inside round brackets masked; a new key or a brace ends any bracket left open."""
    chars, depth = list(text), 0
    for match in _TOKEN.finditer(text):
        mark = match.group()
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth = max(depth - 1, 0)
        elif mark == ",":
            if depth:
                chars[match.start()] = MASK
        else:
            depth = 0
    return "".join(chars)


def splits_a_call(root: yaml.Node) -> bool:
    """Whether an entry inside braces ends in the middle of a call, at a comma that is in no quotes."""
    return any(str(node.value).count("(") > str(node.value).count(")") for _, node in _bare(root))


def unquoted_calls(root: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, str]]:
    """Each entry inside braces that holds a masked comma, and how it is written in quotes."""
    for key, node in _bare(root):
        if MASK in node.value:
            quoted = f"'{str(node.value).replace(MASK, ',')}'"
            yield node, quoted if key is None else f"{key}: {quoted}"


def other_values(root: yaml.Node) -> Iterator[tuple[yaml.ScalarNode, object]]:
    """Each scalar of which YAML makes another value than its text says, and that value: `on` is true, `010` is 8."""
    for _, node, _ in _scalars(root):
        kind = str(node.tag).removeprefix(_TAG)
        if node.style or kind not in ("bool", "int", "float"):
            continue
        value = yaml.safe_load(node.value)
        if kind == "bool" or not _same_number(value, node.value):
            yield node, value


def _same_number(value: float, text: str) -> bool:
    try:
        return float(text) == value
    except ValueError:
        return False


def _bare(root: yaml.Node) -> Iterator[tuple[str | None, yaml.ScalarNode]]:
    """Scalars without quotes inside braces or square brackets, each with its key."""
    return ((key, node) for key, node, flow in _scalars(root) if flow and not node.style)


def _scalars(root: yaml.Node) -> Iterator[tuple[str | None, yaml.ScalarNode, bool]]:
    """Every scalar in text order, with its key and whether braces surround it; what aliases repeat comes once."""
    pending: list[tuple[str | None, yaml.Node, bool]] = [(None, root, False)]
    seen: set[int] = set()
    while pending:
        key, node, flow = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield key, node, flow
            continue
        assert isinstance(node, yaml.CollectionNode), "a node is a scalar, a sequence or a mapping"
        flow = flow or bool(node.flow_style)
        inside: list[tuple[str | None, yaml.Node, bool]] = []
        if isinstance(node, yaml.SequenceNode):
            inside = [(None, item, flow) for item in node.value]
        else:
            for name, value in node.value:
                inside += [(None, name, flow), (str(name.value), value, flow)]
        pending.extend(reversed(inside))
