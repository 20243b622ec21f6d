"""One word, one meaning: the field's words in services and in `tradewire.trading`, and no class name twice there."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
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
DOUBLES = {"Settings": "one per service, in its settings.py: whoever knows one service knows all six"}
"""Class names that stand for several things, by design."""
ELSEWHERE = frozenset(
    (
        *("Account", "Answer", "Asked", "Assessed", "Bar", "Books", "Bracket", "Candles"),
        *("Comparison", "Decision", "Fault", "Feed", "Field", "Figures", "Finding", "Judged", "Kind"),
        *("Layout", "Liquidity", "MarginMode", "Market", "Member", "OrderFilled", "OrderStatus"),
        *("OrderType", "Page", "Part", "Position", "Question", "Record"),
        *("RefusedError", "Rows", "Rule", "Run", "Seen", "Settings", "Side", "Signal", "Sizing"),
        *("SizingMethod", "Span", "Story", "Stream", "Tape", "TimeInForce", "Trade", "Venue"),
        *("VenueFill", "VenueOrder", "Waiting", "WorkingType", "_Account", "_Listener", "_Source"),
    )
)
"""Those of different distributions. It may only grow shorter."""


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


def doubles(paths: Iterable[Path]) -> set[str]:
    """Names of classes that two modules define."""
    owners: defaultdict[str, set[Path]] = defaultdict(set)
    for path in paths:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef):
                owners[node.name].add(path)
    return {name for name, modules in owners.items() if len(modules) > 1}


def test_no_class_name_stands_for_two_things() -> None:
    assert doubles(files()) == set(DOUBLES)


def test_no_class_name_is_taken_twice_anew_anywhere() -> None:
    everywhere = (path for kind in ("libs", "services", "apps") for path in sorted(ROOT.glob(f"{kind}/*/src/**/*.py")))
    assert doubles(everywhere) <= ELSEWHERE, "find a name that says whose it is"
