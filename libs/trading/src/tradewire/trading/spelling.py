"""The word that a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

PREFIX_CHARS = 3
"""A beginning of at least so many letters stands for the word that begins so."""


def nearest_word(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that differs from `word` by a slip of the hand, else None.

    A slip is one changed, missing, added or exchanged letter in a word of 3 or 4, two in up to 8, three in longer
    ones; or the word is the beginning of one allowed word and of those that go on from it.
    """
    words = list(dict.fromkeys(allowed))
    wanted = word.lower()
    most = sum(len(wanted) > length for length in (2, 4, 8))
    near = [(distance, item) for item in words if (distance := _slips(wanted, item.lower())) <= most]
    if near:
        return min(near, key=lambda found: found[0])[1]
    begun = sorted((item for item in words if item.lower().startswith(wanted)), key=len)
    plain = begun and all(item.startswith(begun[0]) for item in begun)
    return begun[0] if plain and len(wanted) >= PREFIX_CHARS else None


def _slips(left: str, right: str) -> int:
    """Letters changed, missing, added or exchanged with their neighbour (optimal string alignment distance)."""
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            best = min(row[j - 1] + 1, rows[i - 1][j] + 1, rows[i - 1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                best = min(best, rows[i - 2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
