"""docs/venues/binance.md says what the venue serves: its tables are the code's, and the tests that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

from tradewire.binance.limits import BY_CALL
from tradewire.binance.streams import EVENTS
from tradewire.binance.user_stream import USER_EVENTS
from tradewire.venue.api_methods import METHODS
from tradewire.venue.door import CALLS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/venues/binance.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith(f"{heading}\n")]
    lines = [line for line in found.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_table_of_calls_is_what_is_served() -> None:
    told = [tuple(row[0].strip("`").split(" ")) for row in rows("REST")]
    assert told == list(BY_CALL)
    assert set(told) == set(CALLS)


def test_the_table_of_methods_is_what_is_served() -> None:
    assert {row[0].strip("`"): row[1] for row in rows("WebSocket API")} == {
        method: f"as `{verb} {path}`" for method, (verb, path) in METHODS.items()
    }


def test_every_event_of_the_user_stream_is_in_the_document() -> None:
    assert {cls.EVENT for cls in USER_EVENTS} <= {word for word in re.findall(r"\w+", TEXT) if word in EVENTS}


def test_every_test_that_the_document_names_exists() -> None:
    for path, name in re.findall(r"`([\w/.]+\.py)::(\w+)`", TEXT):
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"
    assert all("::" in row[-1] for heading in ("REST", "WebSocket streams", "WebSocket API") for row in rows(heading))
