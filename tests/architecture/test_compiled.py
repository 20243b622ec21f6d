"""What only compiled code may call is called by compiled code only: from the interpreter there is no way into it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import tradewire.backtest

ROOT = Path(tradewire.backtest.__file__).parent
INSIDE = {"compiled_inside", "compiled_in_place"}
COMPILED = INSIDE | {"compiled", "compiled_on_borrowed"}


def modules() -> dict[str, ast.Module]:
    """Every module of the package by its dotted name."""
    return {
        ".".join(("tradewire", "backtest", *path.relative_to(ROOT).with_suffix("").parts)): ast.parse(path.read_text())
        for path in ROOT.rglob("*.py")
    }


def decorated(module: ast.Module, names: set[str]) -> set[str]:
    """Functions of a module that carry one of these decorators."""
    return {
        node.name
        for node in module.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id in names for mark in node.decorator_list)
    }


def interpreted(node: ast.AST, compiled: set[str]) -> Iterator[ast.AST]:
    """All nodes outside compiled functions."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.FunctionDef) and child.name in compiled):
            yield child
            yield from interpreted(child, compiled)


def misused(found: dict[str, ast.Module]) -> Iterator[str]:
    """Calls from the interpreter of what it can't call."""
    inside = {name: decorated(module, INSIDE) for name, module in found.items()}
    for name, module in found.items():
        forbidden = set(inside[name])
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom) and node.module in inside:
                forbidden |= {item.name for item in node.names} & inside[node.module]
        for node in interpreted(module, decorated(module, COMPILED)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden:
                yield f"{name}:{node.lineno} calls {node.func.id}"


def test_nothing_calls_from_the_interpreter_what_only_compiled_code_can() -> None:
    assert list(misused(modules())) == []


def test_such_a_call_would_be_seen() -> None:
    text = "@compiled_inside\ndef f(): ...\n@compiled\ndef g(): f()\ndef h():\n    return [f() for _ in ()]\n"

    assert list(misused({"m": ast.parse(text), "n": ast.parse("from m import f\nf()\n")})) == [
        "m:6 calls f",
        "n:2 calls f",
    ]
