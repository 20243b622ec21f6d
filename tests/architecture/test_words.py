"""One word, one meaning: the field's words in services and in `tradewire.trading`, and no class name twice."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.layout import ROOT, tree

BANNED = {
    r"(?<!in_)flights?$|(?<!in_)flights?_": "in_flight, InFlightOrder",
    r"standing": "context, RiskContext",
    r"^held_(records?|offsets?)$|^Held$": "pending, PendingOffsets",
    r"^in_air$": "in_flight",
    r"cancelled": "canceled",
}
"""Parts of names that had a private meaning, and the standard word."""
PYTHONS_OWN = {"cancelled", "CancelledError"}
"""Names of the standard library."""
DOUBLES = {
    "Account": "an account as risk, execution and the exchange keep it",
    "Bar": "of the exchange in integers, of indicators in floats",
    "Decision": "of an assessment, of an evaluation",
    "Feed": "of ingest, of indicator",
    "Finding": "of strategy's validation, of the language's",
    "Position": "at the exchange, in a text",
    "Seen": "of risk, of telemetry",
    "Settings": "one per service, by design",
    "Stream": "of the roster, of indicators, of the API",
}
"""Class names that still stand for several things. It may only grow shorter."""


def files() -> Iterator[Path]:
    """Modules of services and of the trading library."""
    for folder in (*sorted((ROOT / "services").iterdir()), ROOT / "libs/trading"):
        yield from sorted(folder.glob("src/**/*.py"))


def names(module: ast.Module) -> Iterator[str]:
    """Every name that a module gives or uses; what is written in texts, as keys of saved states, is left out."""
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield name
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name


def test_names_are_the_fields_own() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}, say {standard}"
        for path in files()
        for name in set(names(tree(path))) - PYTHONS_OWN
        for private, standard in BANNED.items()
        if re.search(private, name)
    }
    assert found == set()


def test_a_banned_name_is_seen() -> None:
    planted = ast.parse("class Standing:\n    def of(self, flights, in_flight): return self.in_flight + flights")
    hits = {name for name in names(planted) for private in BANNED if re.search(private, name, re.IGNORECASE)}
    assert hits == {"Standing", "flights"}


def test_no_class_name_stands_for_two_things() -> None:
    owners: defaultdict[str, list[Path]] = defaultdict(list)
    for path in files():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                owners[node.name].append(path)
    assert {name for name, paths in owners.items() if len(paths) > 1} == set(DOUBLES)
