"""The reference of the language: generated, current, complete, and every example in it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tradewire.trading.language import compile_strategy, language_document, parse_strategy
from tradewire.trading.language.document import KEYS, PARAM_KEYS, PROTECTIONS, SIZING_KEYS
from tradewire.trading.language.numbers import FUNCTIONS
from tradewire.trading.language.scope import CROSSINGS, VOLATILITY
from tradewire.trading.language.tree import BAR_FIELDS
from tradewire.trading.language.words import EXAMPLE, OPERATORS, WORDS, Word, runnable

ROOT = Path(__file__).parents[4]
SCRIPT = ROOT / "docs" / "research" / "generate_language.py"
IN_YAML = [word for word in WORDS if word.name != "python"]


def test_the_committed_reference_is_current() -> None:
    found = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_reference_when_generated_then_has_every_word_of_the_language() -> None:
    text = language_document()
    words = [*KEYS, *PARAM_KEYS, *SIZING_KEYS, *PROTECTIONS, *BAR_FIELDS, *OPERATORS]
    words += [*FUNCTIONS, *CROSSINGS, VOLATILITY, "interval"]
    assert [word for word in words if f"| `{word}` |" not in text] == []


@pytest.mark.parametrize("word", IN_YAML, ids=lambda word: f"{word.section}-{word.name}")
def test_example_when_put_into_the_whole_file_then_compiles_and_uses_its_word(word: Word) -> None:
    text = runnable(word)
    document = parse_strategy(text)
    assert document.warnings == ()
    assert compile_strategy(document).digest
    assert word.name in text
    assert text != EXAMPLE or word.example in EXAMPLE
