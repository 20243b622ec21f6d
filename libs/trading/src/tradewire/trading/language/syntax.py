"""Expression text to a Python syntax tree that remembers where each part stands in the strategy's text.

Python's own parser reads the text (`ast.parse`, nothing is ever evaluated); `interval=4h`, which is not
Python, is made readable first by a replacement of the same length, so that columns stay true.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from tradewire.trading.language.errors import Diagnostics, TextPosition

MAX_EXPRESSION_CHARS = 2_000
MAX_DEPTH = 120
"""Deepest nesting of one text; canonical text of a tree within `tree.MAX_DEPTH` stays below it."""

_INTERVAL_ARGUMENT = re.compile(r"(\binterval\s*=\s*)(\d)(?=\d*[A-Za-z])")
_FOREIGN = re.compile(r"[^ -~\n\r\t]|[#;\\'\"`@$]")
_MISSPELLINGS = (
    (re.compile(r"&&?"), "write `and`"),
    (re.compile(r"\|\|?"), "write `or`"),
    (re.compile(r"!(?!=)"), "write `not`"),
    (re.compile(r"\bAND\b"), "write `and` in lower case"),
    (re.compile(r"\bOR\b"), "write `or` in lower case"),
    (re.compile(r"\bNOT\b"), "write `not` in lower case"),
    (re.compile(r"<>"), "write `!=`"),
    (re.compile(r"=>"), "write `>=`"),
    (re.compile(r"=<"), "write `<=`"),
    (re.compile(r"\b\d+[mhdw]\b"), "an interval stands only in a call, as interval=4h"),
    (re.compile(r"(?<![<>=!])=(?!=)"), "compare with `==`; `=` only names an argument inside a call"),
)


@dataclass(frozen=True, slots=True)
class Expression:
    """One parsed expression: its text, its syntax tree, and the place of each character of the text."""

    text: str
    body: ast.expr
    places: tuple[TextPosition, ...]

    def position(self, node: ast.AST) -> TextPosition:
        """Where `node` begins."""
        return _place(self.places, int(getattr(node, "col_offset", 0)))

    def source(self, node: ast.expr) -> str:
        """The node's own words, as the author wrote them."""
        return self.text[node.col_offset : node.end_col_offset]


def _place(places: tuple[TextPosition, ...], offset: int) -> TextPosition:
    if not places:
        return TextPosition(1, 1)
    if offset < len(places):
        return places[offset]
    last = places[-1]
    return TextPosition(last.line, last.column + 1 + offset - len(places))


def parse_expression(text: str, places: tuple[TextPosition, ...], diagnostics: Diagnostics) -> Expression | None:
    """The text's syntax tree; None after reporting why there is none.

    Parameters: text: one expression; places: where each of its characters stands, same length as text.
    """
    lead = len(text) - len(text.lstrip())
    text, places = text[lead:].rstrip(), places[lead:] or places
    fault = _unreadable(text)
    if fault:
        diagnostics.report(_place(places, fault[0]), fault[1])
        return None
    flat = re.sub(r"[\r\n\t]", " ", text)
    readable = _INTERVAL_ARGUMENT.sub(r"\1_", flat)
    misspelt = _misspelling(readable, operators_only=True)
    if misspelt:
        diagnostics.report(_place(places, misspelt[0]), *misspelt[1:])
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)  # such as `20(close)`
            body = ast.parse(readable, mode="eval").body
    except SyntaxError as error:
        _report_syntax(error, readable, places, diagnostics)
        return None
    except (RecursionError, MemoryError, ValueError):
        diagnostics.report(_place(places, 0), f"the expression is nested deeper than {MAX_DEPTH} levels")
        return None
    if _depth(body) > MAX_DEPTH:
        diagnostics.report(_place(places, 0), f"the expression is nested deeper than {MAX_DEPTH} levels")
        return None
    return Expression(flat, body, places)


def _unreadable(text: str) -> tuple[int, str] | None:
    if not text.strip():
        return 0, "an expression is missing"
    if len(text) > MAX_EXPRESSION_CHARS:
        return 0, f"the expression has {len(text)} characters; at most {MAX_EXPRESSION_CHARS} are allowed"
    found = _FOREIGN.search(text)
    if found is None:
        return None
    char = found.group()
    shown = char if char.isascii() and char.isprintable() else repr(char)
    return found.start(), f"character {shown} is not part of the language"


def _misspelling(text: str, *, operators_only: bool) -> tuple[int, str, str] | None:
    """First operator of another language in the text: offset, message, suggestion."""
    found = []
    for pattern, advice in _MISSPELLINGS[:6] if operators_only else _MISSPELLINGS:
        match = pattern.search(text)
        if match:
            found.append((match.start(), f"`{match.group()}` is not part of the language here", advice))
    return min(found) if found else None


def _report_syntax(error: SyntaxError, text: str, places: tuple[TextPosition, ...], diagnostics: Diagnostics) -> None:
    misspelt = _misspelling(text, operators_only=False)
    if misspelt:
        diagnostics.report(_place(places, misspelt[0]), *misspelt[1:])
        return
    offset = min(max((error.offset or 1) - 1, 0), len(text.rstrip()))
    opened, closed = text.count("("), text.count(")")
    if opened != closed:
        brackets = f"{opened} `(` but {closed} `)`"
        diagnostics.report(_place(places, offset), f"the brackets do not match: {brackets}", "balance the brackets")
        return
    diagnostics.report(_place(places, offset), f"this is not an expression: {error.msg}")


def _depth(root: ast.AST) -> int:
    depth, level = 0, [root]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth
