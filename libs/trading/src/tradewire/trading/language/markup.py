"""YAML text to nodes whose every character knows its line and column."""

from __future__ import annotations

import re
from enum import Enum, auto

import yaml

from tradewire.trading.language.errors import Diagnostics, TextPosition
from tradewire.trading.language.plain_yaml import MASK, mask_commas, other_values, splits_a_call, unquoted_calls

MAX_DOCUMENT_CHARS = 65_536
_RARE = re.compile(
    r"[^\n -~\u00a1-\u2027\u202a-\ud7ff\ue001-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
    r"|[?]|[|>]#|!(?!=)|^(%|---|\.\.\.)",
    re.MULTILINE,
)
"""What libyaml, the parser in C, reads in another way than the one in Python: tabs, marks of byte order, tags."""


class Parser(Enum):
    """Who reads YAML: the parser whose words and places faults are told in, or one in C, a dozen times as fast."""

    TELLING = auto()
    FAST = auto()


def parsers(text: str) -> tuple[Parser, ...]:
    """The parsers to read a text with, one after the other until one finds no fault; the last one tells faults.

    Where both find none, they find the same nodes at the same places.
    """
    fast = yaml.__with_libyaml__ and _RARE.search(text) is None
    return (Parser.FAST, Parser.TELLING) if fast else (Parser.TELLING,)


def read_mapping(text: str, diagnostics: Diagnostics, parser: Parser = Parser.TELLING) -> yaml.MappingNode | None:
    """The document's top mapping; None after reporting why there is none."""
    start = TextPosition(1, 1)
    if len(text) > MAX_DOCUMENT_CHARS:
        limit = f"at most {MAX_DOCUMENT_CHARS} are allowed"
        diagnostics.report(start, f"the strategy has {len(text)} characters; {limit}")
        return None
    if MASK in text:
        diagnostics.report(start, "the strategy holds the private character U+E000")
        return None
    root = _composed(text, diagnostics, parser)
    if diagnostics.errors:
        return None
    if not isinstance(root, yaml.MappingNode):
        diagnostics.report(start, "a strategy is a mapping", "begin with `id: my-strategy`")
        return None
    for node, value in other_values(root):
        told = f"`{node.value}` is {str(value).lower()} to YAML; here it is read as it is written"
        hint = f"write '{node.value}'" if isinstance(value, bool) else "write its decimal digits"
        diagnostics.warn(position(node), told, hint)
    return root


def _composed(text: str, diagnostics: Diagnostics, parser: Parser) -> yaml.Node | None:
    """What YAML reads; of a text that has calls without quotes inside braces, what the calls mean, with warnings."""
    plain = Diagnostics()
    root = _compose(text, plain, parser)
    if plain.errors or (root is not None and splits_a_call(root)):
        earlier = _compose(mask_commas(text), Diagnostics(), parser)
        calls = () if earlier is None else tuple(unquoted_calls(earlier))
        for node, quoted in calls:
            what = "to YAML this entry ends at its first comma, and any other program reads another strategy"
            diagnostics.warn(position(node), what, f"write it in quotes: {quoted}")
        if calls:
            return earlier
    diagnostics.errors.extend(plain.errors)
    return root


def _compose(text: str, diagnostics: Diagnostics, parser: Parser) -> yaml.Node | None:
    """The text's top node; None for an empty text, or after reporting that it is not YAML."""
    start = TextPosition(1, 1)
    try:
        loader = yaml.CSafeLoader if parser is Parser.FAST else yaml.SafeLoader
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = TextPosition(mark.line + 1, mark.column + 1) if mark else start
        diagnostics.report(where, f"this is not YAML: {error.problem}", "check indentation and brackets")
    except (yaml.YAMLError, RecursionError) as error:
        diagnostics.report(start, f"this is not YAML: {str(error).splitlines()[0]}")
    return None


def position(node: yaml.Node) -> TextPosition:
    """Where the node begins."""
    return TextPosition(node.start_mark.line + 1, node.start_mark.column + 1)


def scalar_text(node: yaml.ScalarNode) -> str:
    """The scalar's text as written, whatever type YAML would make of it."""
    return str(node.value).replace(MASK, ",")


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


def places(node: yaml.ScalarNode, text: str) -> tuple[TextPosition, ...]:
    """Where each character of the scalar stands in the document's text, in any YAML style.

    Styles are plain, quoted, folded and literal. Characters are matched in order with the source, blanks apart, since
    YAML only ever rewrites blanks (escapes in double quotes aside; those shift columns to the right).
    """
    start, end = node.start_mark, node.end_mark
    source, scalar = text[start.index : end.index], scalar_text(node)
    line, column, offset = start.line + 1, start.column + 1, 0
    if source == scalar and "\n" not in source:
        return tuple([TextPosition(line, column + place) for place in range(len(source))])
    if node.style in ("|", ">"):
        offset = source.find("\n") + 1
        line, column = line + 1, 1
    found = []
    for char in scalar:
        while not char.isspace() and offset < len(source) and source[offset] != char:
            line, column = _after(source[offset], line, column)
            offset += 1
        found.append(TextPosition(line, column))
        if offset < len(source) and source[offset] == char:
            line, column = _after(char, line, column)
            offset += 1
    return tuple(found)


def _after(char: str, line: int, column: int) -> tuple[int, int]:
    return (line + 1, 1) if char == "\n" else (line, column + 1)
