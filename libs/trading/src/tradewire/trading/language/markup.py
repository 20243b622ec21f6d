"""YAML text to nodes whose every character knows its line and column.

A flow mapping may hold calls without quotes, `{fast: ema(close, 20)}`: the comma inside brackets, which YAML
would take for the end of the entry, is masked before YAML reads the text and unmasked after.
"""

from __future__ import annotations

import re

import yaml

from tradewire.trading.language.errors import Diagnostics, Position

MAX_DOCUMENT_CHARS = 65_536
_MASK = "\ue000"
_TOKEN = re.compile(r"[(),{}\[\]]|:(?=\s)")


def read_mapping(text: str, diagnostics: Diagnostics) -> yaml.MappingNode | None:
    """The document's top mapping; None after reporting why there is none."""
    start = Position(1, 1)
    if len(text) > MAX_DOCUMENT_CHARS:
        limit = f"at most {MAX_DOCUMENT_CHARS} are allowed"
        diagnostics.report(start, f"the strategy has {len(text)} characters; {limit}")
        return None
    if _MASK in text:
        diagnostics.report(start, "the strategy holds the private character U+E000")
        return None
    try:
        root = yaml.compose(_mask_commas(text), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Position(mark.line + 1, mark.column + 1) if mark else start
        diagnostics.report(where, f"this is not YAML: {error.problem}", "check indentation and brackets")
        return None
    except (yaml.YAMLError, RecursionError) as error:
        diagnostics.report(start, f"this is not YAML: {str(error).splitlines()[0]}")
        return None
    if not isinstance(root, yaml.MappingNode):
        diagnostics.report(start, "a strategy is a mapping", "begin with `id: my-strategy`")
        return None
    return root


def _mask_commas(text: str) -> str:
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
                chars[match.start()] = _MASK
        else:
            depth = 0
    return "".join(chars)


def position(node: yaml.Node) -> Position:
    """Where the node begins."""
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def scalar_text(node: yaml.ScalarNode) -> str:
    """The scalar's text as written, whatever type YAML would make of it."""
    return str(node.value).replace(_MASK, ",")


def entries(node: yaml.Node, what: str, diagnostics: Diagnostics) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
    """A mapping's entries by key, with the key's node; a key given twice is reported."""
    if not isinstance(node, yaml.MappingNode):
        diagnostics.report(position(node), f"{what} must be a mapping", f"write `{what}: {{name: value}}`")
        return {}
    found: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            diagnostics.report(position(key), f"a key in {what} must be a word")
            continue
        name = scalar_text(key)
        if name in found:
            diagnostics.report(position(key), f"`{name}` is given twice in {what}")
            continue
        found[name] = (key, value)
    return found


def places(node: yaml.ScalarNode) -> tuple[Position, ...]:
    """Where each character of the scalar's text stands, in any YAML style: plain, quoted, folded or literal.

    Characters are matched in order with the source, blanks apart, since YAML only ever rewrites blanks
    (escapes in double quotes aside; those shift columns to the right).
    """
    start, end = node.start_mark, node.end_mark
    source = str(start.buffer)[start.pointer : end.pointer]
    line, column, offset = start.line + 1, start.column + 1, 0
    if node.style in ("|", ">"):
        offset = source.find("\n") + 1
        line, column = line + 1, 1
    found = []
    for char in scalar_text(node):
        while not char.isspace() and offset < len(source) and source[offset].replace(_MASK, ",") != char:
            line, column = _after(source[offset], line, column)
            offset += 1
        found.append(Position(line, column))
        if offset < len(source) and source[offset].replace(_MASK, ",") == char:
            line, column = _after(char, line, column)
            offset += 1
    return tuple(found)


def _after(char: str, line: int, column: int) -> tuple[int, int]:
    return (line + 1, 1) if char == "\n" else (line, column + 1)
