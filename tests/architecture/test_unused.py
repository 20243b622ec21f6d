"""What no process runs is deleted: every public name of the sources is used somewhere else than in tests."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.layout import GENERATED, distributions, every_module, relative, sources, tree

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
PROTOCOL = "a fact of the venue's protocol, held to recorded messages; whoever reads that stream needs it"
USED_BY_NONE = {
    "libs/backtest/src/tradewire/backtest/statistics/summary.py:units": "for users of the library: units of numbers",
    "libs/binance/src/tradewire/binance/depth.py:best_ask": PROTOCOL,
    "libs/binance/src/tradewire/binance/depth.py:best_bid": PROTOCOL,
    "libs/binance/src/tradewire/binance/replies.py:ErrorReply": PROTOCOL,
    "libs/binance/src/tradewire/binance/streams.py:write_event": PROTOCOL,
    "libs/runtime/src/tradewire/runtime/access/http.py:needs": "how a route asks for a role, as its package says",
    "libs/runtime/src/tradewire/runtime/observe/figures.py:describe": "called by prometheus_client",
    "libs/venue/src/tradewire/venue/turned_clock.py:turn": "for days of turned time, as tests/acceptance has one",
}
"""Names that nothing of ours uses outside tests, with the reason. The list may only shrink."""


def _is_test(name: str) -> bool:
    return name.startswith(("tests/", "libs/testkit/")) or "/tests/" in name or name.endswith("conftest.py")


@cache
def _users() -> tuple[Path, ...]:
    """Files whose uses count."""
    return tuple(path for path in sorted({*every_module(), *sources()}) if not _is_test(relative(path)))


@cache
def _texts() -> frozenset[str]:
    """Names that entry points and texts of the code name, as `module:name` or `a.b.name`."""
    found: set[str] = set()
    for distribution in distributions():
        project = tomllib.loads((distribution.folder / "pyproject.toml").read_text()).get("project", {})
        groups = [project.get("scripts", {}), *project.get("entry-points", {}).values()]
        found |= {target.rpartition(":")[2] for group in groups for target in group.values()}
    for node in (node for path in _users() for node in ast.walk(tree(path))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[\w.:]+", node.value):
            found.add(re.split(r"[.:]", node.value)[-1])
    return frozenset(found)


@cache
def _attributes() -> frozenset[str]:
    """Names that follow a dot or stand before an equals sign of a call."""
    nodes = [node for path in _users() for node in ast.walk(tree(path))]
    found = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return frozenset(found | {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg})


@cache
def _imported() -> frozenset[str]:
    """Names that are imported from somewhere, or taken out of an imported module."""
    found: set[str] = set()
    for path in _users():
        nodes = list(ast.walk(tree(path)))
        imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
        found |= {alias.name for node in imports for alias in node.names}
        local = {alias.asname or alias.name.split(".")[-1] for node in imports for alias in node.names}
        found |= {
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in local
        }
    return frozenset(found)


def _definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Public ones that nothing registers: a decorator may."""
    for node in body:
        is_registered = not isinstance(node, ast.ClassDef) and bool(getattr(node, "decorator_list", ()))
        if isinstance(node, Definition) and not node.name.startswith("_") and not is_registered:
            yield node


def _unused() -> Iterator[str]:
    texts, attributes, imported = _texts(), _attributes(), _imported()
    for path in (path for path in sources() if not _is_test(relative(path)) and relative(path) not in GENERATED):
        module = tree(path)
        own = {node.id for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        for node in _definitions(module.body):
            if node.name not in own | imported | texts:
                yield f"{relative(path)}:{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from (
                    f"{relative(path)}:{method.name}"
                    for method in _definitions(node.body)
                    if method.name not in own | attributes | texts
                )


def test_every_public_name_is_used_outside_tests() -> None:
    assert sorted(set(_unused()) ^ set(USED_BY_NONE)) == [], "delete or wire these, or take them off the list"
