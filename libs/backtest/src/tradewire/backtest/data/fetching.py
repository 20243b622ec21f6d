"""History fetched to a folder, chunk by chunk, so that a fetch that was killed goes on where it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import polars as pl

from tradewire.backtest.data.errors import MarketDataError
from tradewire.backtest.data.writing import write_table

_CHUNK = re.compile(r"(\d+)-(\d+)\.parquet")


class FetchKind(StrEnum):
    """What is fetched."""

    CANDLES = "candles"
    MARK = "mark"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """Rows of one answer, by time, and the time (ms) from which to ask next; None when nothing came."""

    table: pl.DataFrame
    next_ms: int | None


Progress = Callable[[FetchKind, int, int], None]
"""Told after each chunk: what is fetched, the time reached (ms), rows in the chunk."""


class Pages(Protocol):
    """Answers for spans of time; ``Venue`` gives them."""

    def page(self, kind: FetchKind, since_ms: int, until_ms: int) -> FetchedPage:
        """Rows from ``since_ms`` up to before ``until_ms``, as many as one answer holds."""


class History(Pages, Protocol):
    """One market's history; ``symbol_id``: the venue's own name of it."""

    @property
    def symbol_id(self) -> str:
        """The venue's own name of the market."""

    def offers(self, kind: FetchKind) -> bool:
        """Whether there is any of a kind."""

    def now_ms(self) -> int:
        """The time, ms, that says what has closed."""


@dataclass(frozen=True, slots=True)
class FetchSpan:
    """Open times from ``start_ms`` up to before ``end_ms`` (ms since the epoch)."""

    start_ms: int
    end_ms: int


def fetch(pages: Pages, kind: FetchKind, span: FetchSpan, path: Path, progress: Progress) -> pl.DataFrame:
    """Fetch the span into the Parquet file ``path``, joined with what the file holds already.

    Each answer is kept at once in a folder beside it, as a file that appears whole or not at all and whose name says
    which span it answers; a later call with the same start goes on behind the last one. Raises MarketDataError when
    rows of one time differ, RetryableError when the venue does not answer, OSError.
    """
    chunks = path.with_name(f".{path.name}.chunks")
    time = "funding_time" if kind is FetchKind.FUNDING else "open_time"
    since_ms = _reached(chunks, path, span.start_ms, time)
    while since_ms < span.end_ms:
        page = pages.page(kind, since_ms, span.end_ms)
        until_ms = page.next_ms if page.next_ms is not None else span.end_ms
        if until_ms <= since_ms:
            raise MarketDataError(str(path), field=time, found="an answer that goes nowhere", allowed="newer rows")
        write_table(page.table, chunks / f"{since_ms}-{until_ms}.parquet")
        progress(kind, until_ms, page.table.height)
        since_ms = until_ms
    return _joined(chunks, path, time)


def _reached(chunks: Path, path: Path, start_ms: int, time: str) -> int:
    """From when on (ms) the span is still unanswered."""
    reached_ms = start_ms
    if path.exists():
        held = pl.read_parquet(path, columns=[time]).get_column(time)
        if held.len() and int(held[0]) <= start_ms:
            reached_ms = max(reached_ms, int(held[-1]) + 1)
    spans = {int(m[1]): int(m[2]) for m in map(_CHUNK.fullmatch, _names(chunks)) if m}
    while reached_ms in spans:
        reached_ms = spans[reached_ms]
    return reached_ms


def _names(chunks: Path) -> list[str]:
    return sorted(file.name for file in chunks.iterdir()) if chunks.exists() else []


def _joined(chunks: Path, path: Path, time: str) -> pl.DataFrame:
    """Join all chunks with the file, and drop them once it is written."""
    tables = [pl.read_parquet(path)] if path.exists() else []
    tables += [pl.read_parquet(chunks / name) for name in _names(chunks) if _CHUNK.fullmatch(name)]
    if not any(table.height for table in tables):
        _drop(chunks)
        raise MarketDataError(str(path), found="no rows", allowed="a span of which the venue has any")
    table = pl.concat(tables).unique(maintain_order=False).sort(time)
    twice = table.filter(pl.col(time).is_duplicated())
    if twice.height:
        raise MarketDataError(
            str(path),
            field=time,
            time_us=int(twice.get_column(time)[0]) * 1000,
            found="rows that differ",
            allowed="one row a time",
        )
    write_table(table, path)
    _drop(chunks)
    return table


def _drop(chunks: Path) -> None:
    """Delete the chunks, and their folder unless something else lies in it."""
    for name in _names(chunks):
        if _CHUNK.fullmatch(name):
            (chunks / name).unlink()
    with suppress(OSError):
        chunks.rmdir()
