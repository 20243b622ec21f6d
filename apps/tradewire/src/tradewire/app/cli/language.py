"""``tradewire strategy language``: the words of the strategy language, each with an example that runs."""

from __future__ import annotations

from typing import Annotated

import typer

from tradewire.app.cli.options import JsonOption
from tradewire.app.cli.output import Exit, fail, print_json, tell
from tradewire.trading.indicators import INDICATORS
from tradewire.trading.language.errors import did_you_mean
from tradewire.trading.language.reference import indicator_text, known_words, words_called
from tradewire.trading.language.words import WORDS, Section, Word, runnable

WordArgument = Annotated[
    str | None, typer.Argument(metavar="[WORD]", help="A key, function, operator, indicator, or a chapter.")
]


def language(word: WordArgument = None, as_json: JsonOption = False) -> None:
    """Explain the strategy language: all its words, or one word or chapter, each with an example that runs."""
    name = word.strip() if word is not None else None
    found = WORDS if name is None else words_called(name)
    if name is not None and not found and name not in INDICATORS:
        hint = did_you_mean(name, known_words()) or f"chapters: {', '.join(Section)}"
        fail(f"{name!r} is no word of the strategy language; {hint}", Exit.REFUSED)
    if as_json:
        indicators = [item for item in INDICATORS.values() if item.name == name]
        print_json({"words": [_plain(item) for item in found], "indicators": [indicator_text(i) for i in indicators]})
        return
    if name is None or name in tuple(Section):
        _show_chapters(found)
    else:
        _show_words(name, found)


def _plain(word: Word) -> dict[str, str]:
    return {
        "name": word.name,
        "chapter": word.section,
        "meaning": word.meaning,
        "example": word.example,
        "file": runnable(word),
    }


def _show_chapters(words: tuple[Word, ...]) -> None:
    width = max(len(word.name) for word in words)
    for section in Section:
        inside = [word for word in words if word.section is section]
        if not inside:
            continue
        tell(section.upper(), style="bold")
        for word in inside:
            tell(f"  {word.name:{width}}  {word.meaning}")
        if section is Section.FUNCTIONS:
            tell(f"  {'indicators':{width}}  {_names()}")
    tell("one word with an example: tradewire strategy language WORD")


def _names() -> str:
    """The indicators' names, candlestick patterns left to their document."""
    return ", ".join(name for name in sorted(INDICATORS) if not name.startswith("cdl")) + ", and cdl… (candlesticks)"


def _show_words(name: str, words: tuple[Word, ...]) -> None:
    if name in INDICATORS:
        tell(indicator_text(INDICATORS[name]))
    for word in words:
        tell(f"{word.name} ({word.section}): {word.meaning}")
        tell()
        tell("\n".join(f"  {line}" for line in runnable(word).splitlines()))
