"""Strategies as texts, parsed once: a sweep asks for the same one with each of its sets."""

from __future__ import annotations

from functools import lru_cache

from tradewire.trading.language import StrategyDocument, parse_strategy

KEPT = 16


@lru_cache(maxsize=KEPT)
def document_of(text: str) -> StrategyDocument:
    """The text as a document, which is the same one for the same text. Raises: StrategyErrors."""
    return parse_strategy(text)
