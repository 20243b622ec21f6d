"""The windows' rows on disk, in RocksDB: each write survives the death of the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from rocksdict import Options, Rdict

from tradewire.telemetry.domain.windows import AccountKey, AccountWindow, Change, FillFigures, FillKey, Key, Row


class Rows:
    """Rows by key in ``folder``.

    ``generation`` names the folder's contents: a folder that was lost comes back with another name, and whoever reads
    topics under that name begins at their beginning. So state and consumer group are always of one age.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.generation = _generation(folder / "generation")
        self._rows = Rdict(str(folder / f"rows-{self.generation}"), options=Options(raw_mode=True))

    def read(self) -> Iterator[tuple[Key, Row]]:
        """All rows."""
        for key, row in self._rows.items():
            assert isinstance(key, bytes), "raw mode gives bytes"
            yield _read_key(key), _read_row(row)

    def write(self, changes: Iterable[Change]) -> None:
        """Keep and forget rows; durable against the death of the process when it returns."""
        for key, row in changes:
            if row is None:
                del self._rows[_written(key)]
            else:
                self._rows[_written(key)] = _written(_figures(row))

    def close(self) -> None:
        """Let go of the files."""
        self._rows.close()


def _generation(path: Path) -> str:
    """Read the name, or make one of the moment at which the file came to be."""
    if not path.exists():
        path.touch()
    if not (name := path.read_text()):
        name = f"{path.stat().st_ctime_ns:x}"
        path.write_text(name)
    return name


def _figures(row: Row) -> list[str | int]:
    if isinstance(row, FillFigures):
        return [str(row.realized_pnl), str(row.fee), str(row.notional)]
    return [
        str(row.low),
        str(row.high),
        row.first_sequence,
        str(row.first_equity),
        row.last_sequence,
        str(row.last_equity),
    ]


def _written(values: Iterable[str | int]) -> bytes:
    return orjson.dumps(list(values))


def _read_key(data: bytes) -> Key:
    parts = orjson.loads(data)
    return AccountKey(*parts) if len(parts) == len(AccountKey._fields) else FillKey(*parts)


def _read_row(data: bytes) -> Row:
    values: list[Any] = [Decimal(value) if isinstance(value, str) else value for value in orjson.loads(data)]
    return FillFigures(*values) if len(values) == 3 else AccountWindow(*values)
