"""Whoever reads a topic fetches a writer's schema that is new, so that one odd record blinds nobody."""

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


def _named(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
