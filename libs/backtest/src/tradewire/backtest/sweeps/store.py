"""The results of a sweep on disk, row by row, so that a sweep that was stopped goes on where it was."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from tradewire.backtest.sweeps.space import ParamSet

if TYPE_CHECKING:
    from tradewire.ports.backtest import FloatArray

FILE = "sweep.sqlite"
RESULTS = ("results.parquet", "evidence.json", "heat-map.html", "best.yaml")
"""What is written beside it in the end."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS manifest (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
    scope TEXT NOT NULL, number INTEGER NOT NULL, params BLOB NOT NULL, row BLOB NOT NULL,
    PRIMARY KEY (scope, number)
) WITHOUT ROWID;
"""


class SweepChangedError(ValueError):
    """The folder holds a sweep of something else."""


class SweepStore:
    """A file of result rows by scope (which bars) and number (which set in the search's order).

    Every `put` is one transaction: a kill loses what was not put, and nothing else.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, object]) -> None:
        """Open or create it. Raises: SweepChangedError when it was made from another manifest."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / FILE
        if not self._file.exists() and (found := [name for name in RESULTS if (folder / name).exists()]):
            raise SweepChangedError(f"{folder} holds {', '.join(found)}, which no sweep wrote; give another --out")
        self._base = sqlite3.connect(self._file)
        try:
            self._begin(manifest)
        except BaseException:
            self._base.close()
            raise

    def _begin(self, manifest: Mapping[str, object]) -> None:
        try:
            self._base.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)
        except sqlite3.OperationalError as error:
            raise self._unwritten(error) from error
        except sqlite3.DatabaseError as error:
            raise SweepChangedError(f"{self._file} is no store of a sweep ({error}); give another --out") from None
        wanted = {name: json.dumps(value, sort_keys=True) for name, value in manifest.items()}
        found = dict(self._base.execute("SELECT name, value FROM manifest").fetchall())
        if not found:
            self._insert("INSERT INTO manifest VALUES (?, ?)", list(wanted.items()))
            return
        for name in sorted(wanted.keys() | found.keys()):
            if wanted.get(name) != found.get(name):
                before, now = (_short(source.get(name)) for source in (found, wanted))
                raise SweepChangedError(
                    f"{self._file} holds a sweep with another {name} ({before}, now {now}); "
                    f"give another --out, or remove that folder"
                )

    def put(self, scope: str, numbers: Sequence[int], sets: Sequence[ParamSet], rows: FloatArray) -> None:
        """Keep rows, shape (k, columns), of k sets."""
        packed = [
            (scope, number, np.asarray(values, dtype="<f8").tobytes(), row.astype("<f8").tobytes())
            for number, values, row in zip(numbers, sets, rows, strict=True)
        ]
        self._insert("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", packed)

    def _insert(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Write rows in one transaction. Raises: OSError that names the file, as for a full disk."""
        try:
            with self._base:
                self._base.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: sqlite3.OperationalError) -> OSError:
        return OSError(errno.EIO, str(error), str(self._file))

    def between(self, scope: str, first: int, end: int) -> dict[int, tuple[ParamSet, FloatArray]]:
        """Sets and rows by number, from first up to end."""
        query = "SELECT number, params, row FROM results WHERE scope = ? AND number >= ? AND number < ?"
        return {
            number: (tuple(np.frombuffer(params, dtype="<f8").tolist()), np.frombuffer(row, dtype="<f8"))
            for number, params, row in self._base.execute(query, (scope, first, end))
        }

    def columns(self, scope: str, width: int) -> tuple[FloatArray, FloatArray]:
        """All sets of a scope, shape (k, parameters), and the first columns of their rows, shape (k, width)."""
        query = "SELECT params, row FROM results WHERE scope = ? ORDER BY number"
        found = self._base.execute(query, (scope,))
        sets, rows = bytearray(), bytearray()
        count = 0
        for params, row in found:
            sets += params
            rows += row[: 8 * width]
            count += 1
        shape = (count, -1) if count else (0, 0)
        return np.frombuffer(bytes(sets), "<f8").reshape(shape), np.frombuffer(bytes(rows), "<f8").reshape(count, width)

    def sample(self, scope: str, stride: int, also: int) -> FloatArray:
        """Whole rows of every so many sets of a scope, and of one more, by number; shape (k, columns)."""
        query = "SELECT row FROM results WHERE scope = ? AND (number % ? = 0 OR number = ?) ORDER BY number"
        return np.array([np.frombuffer(row, "<f8") for (row,) in self._base.execute(query, (scope, stride, also))])

    def count(self) -> int:
        """Rows kept, of all scopes."""
        return int(self._base.execute("SELECT COUNT(*) FROM results").fetchone()[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()


def _short(text: str | None) -> str:
    if text is None:
        return "none"
    return text if len(text) <= 40 else text[:37] + "…"
