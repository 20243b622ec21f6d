"""No property test depends on the speed of the machine, and each run draws anew: the profile of conftest.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from hypothesis import HealthCheck, settings
from tests.architecture.layout import ROOT


def _written() -> Iterator[tuple[str, ast.keyword]]:
    """What tests set themselves, with the place."""
    for path in sorted([*ROOT.glob("*/*/tests/**/*.py"), *ROOT.glob("tests/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "settings":
                for keyword in node.keywords:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", keyword


def test_profile_when_nothing_is_set_then_no_speed_matters_and_draws_are_new() -> None:
    profile = settings()
    assert profile.deadline is None
    assert HealthCheck.too_slow in profile.suppress_health_check
    assert not profile.derandomize
    assert profile.print_blob


def test_settings_of_a_test_when_written_then_keep_to_that() -> None:
    faults = []
    for place, keyword in _written():
        text = ast.unparse(keyword.value)
        if keyword.arg == "deadline" and text != "None":
            faults.append(f"{place}: deadline={text}: found a time limit, allowed none")
        if keyword.arg == "suppress_health_check" and "too_slow" not in text and text != "list(HealthCheck)":
            faults.append(f"{place}: suppress_health_check={text}: found without too_slow, which must be among them")
        if keyword.arg == "derandomize":
            faults.append(f"{place}: derandomize: every run draws anew")
    assert faults == []
