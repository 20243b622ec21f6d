"""One word, one meaning: the field's words in services, trading and research, and no class name twice anywhere."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.architecture.layout import ROOT, tree

BANNED = {
    r"(?<!in_)flights?$|(?<!in_)flights?_": "in_flight, InFlightOrder",
    r"standing": "context, RiskContext",
    r"^held_(records?|offsets?)$|^Held$": "pending, PendingOffsets",
    r"^in_air$": "in_flight",
}
"""Parts of names that had a private meaning, and the standard word."""
SPELLED = {r"cancelled": "canceled", r"realised": "realized", r"^(min_|max_)?quantity(_e8)?$": "qty"}
"""Parts of names that are written in one way, in research, too."""
PYTHONS_OWN = {"cancelled", "CancelledError"}
"""Names of the standard library."""
DOUBLES = {"Settings": "one per service, in its settings.py: whoever knows one service knows all six"}
"""Class names that stand for several things, by design."""
WIRE_AND_DOMAIN = frozenset(
    (
        *("Liquidity", "MarginMode", "OrderFilled", "OrderStatus", "OrderType", "Position"),
        *("Side", "Signal", "Sizing", "SizingMethod", "TimeInForce"),
    )
)
"""What a message says and what the trading library reckons with, of one name because it is one thing."""


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


def banned(paths: Iterable[Path], words: Mapping[str, str]) -> set[str]:
    """Names that have another, standard word, and where they stand."""
    return {
        f"{path.relative_to(ROOT)}: {name}, say {standard}"
        for path in paths
        for name in set(names(tree(path))) - PYTHONS_OWN
        for private, standard in words.items()
        if re.search(private, name)
    }


def test_names_are_the_fields_own() -> None:
    assert banned(files(), BANNED | SPELLED) == set()


def test_names_in_research_are_spelled_alike() -> None:
    assert banned(sorted(ROOT.glob("libs/backtest/src/**/*.py")), SPELLED) == set()


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


def test_no_class_name_is_taken_twice_anywhere() -> None:
    everywhere = (path for kind in ("libs", "services", "apps") for path in sorted(ROOT.glob(f"{kind}/*/src/**/*.py")))
    assert doubles(everywhere) == WIRE_AND_DOMAIN | set(DOUBLES), "find a name that says whose it is"
