"""Whoever reads a topic checks what it reads, and fetches a writer's new schema: one odd record blinds nobody."""

from __future__ import annotations

import ast

from tests.architecture.layout import relative, sources, tree

DECODERS = ("libs/runtime/src/tradewire/runtime/loop/", "libs/runtime/src/tradewire/runtime/codec/", "libs/testkit/")
"""Who decodes without: the codec; the loop, which fetches and tries again; rigs of tests, which have one schema."""


def test_nobody_else_decodes_without_fetching_the_schema_first() -> None:
    found = {
        f"{relative(path)}:{node.lineno}"
        for path in sources()
        if not relative(path).startswith(DECODERS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "decode"
        if _named(node.func.value).endswith("codec")
    }
    assert found == set()


UNCHECKED = {
    "libs/runtime/src/tradewire/runtime/codec/messages.py",
    "libs/runtime/src/tradewire/runtime/stores/changelog.py",
    "libs/runtime/src/tradewire/runtime/dead_letters/kept.py",
}
"""Who reads without the checks of ``read_record``: the store of states, whose keys hold a claim, checks them itself;
``dlq show`` shows what is wrong with them.
"""


def test_nobody_else_reads_a_message_unchecked() -> None:
    names = {"read_unchecked", "decode_record", "decode_control"}
    found = {
        relative(path)
        for path in sources()
        if not relative(path).startswith(DECODERS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and names & {alias.name for alias in node.names}
    }
    assert found == UNCHECKED - {"libs/runtime/src/tradewire/runtime/codec/messages.py"}


def _named(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
