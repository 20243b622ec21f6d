"""The windows' rows on disk, in RocksDB, and how far topics are in them: what one record changes is written at once.

Each write survives the death of the process. That of the machine may take the last ones, and whoever commits offsets
may be ahead of the disk: ``positions`` tell, see ``views.positions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from rocksdict import Options, Rdict, WriteBatch

from tradewire.ports.bus import Place
from tradewire.telemetry.domain.windows import AccountKey, AccountWindow, Change, FillFigures, FillKey, Key, Row

POSITION = b"position|"
"""Begins the keys of positions; those of rows are lists in JSON."""


class Rows:
    """Rows by key in ``folder``.

    ``generation`` names the folder's contents: a folder that was lost comes back with another name, and whoever reads
    topics under that name begins at their beginning. So state and consumer group are always of one age.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.generation = _generation(folder / "generation")
        self._rows = self._opened()

    def _opened(self) -> Rdict:
        return Rdict(str(self._path), options=Options(raw_mode=True))

    @property
    def _path(self) -> Path:
        return self.folder / f"rows-{self.generation}"

    def read(self) -> Iterator[tuple[Key, Row]]:
        """All rows."""
        for key, row in self._entries():
            if not key.startswith(POSITION):
                yield _read_key(key), _read_row(row)

    def positions(self) -> dict[Place, int]:
        """Offset behind the last record of each partition whose changes are written."""
        found = {}
        for key, value in self._entries():
            if key.startswith(POSITION):
                _, topic, partition = key.split(b"|")
                found[Place(topic.decode(), int(partition))] = int(value)
        return found

    def _entries(self) -> Iterator[tuple[bytes, bytes]]:
        for key, value in self._rows.items():
            assert isinstance(key, bytes), "raw mode gives bytes"
            assert isinstance(value, bytes), "raw mode gives bytes"
            yield key, value

    def write(self, changes: Iterable[Change], place: Place | None = None, position: int = 0) -> None:
        """Keep and forget rows, and how far a partition is in them: all or nothing, also when the process dies."""
        batch = WriteBatch(raw_mode=True)
        for key, row in changes:
            if row is None:
                batch.delete(_written(key))
            else:
                batch.put(_written(key), _written(_figures(row)))
        if place is not None:
            batch.put(POSITION + f"{place.topic}|{place.partition}".encode(), b"%d" % position)
        self._rows.write(batch)

    def begin_again(self) -> None:
        """The same rows under another name, so that the topics are read from their beginning. A death meanwhile leaves
        a new name without rows, which is as good.
        """
        self._rows.close()
        before = self._path
        (self.folder / "generation").unlink()
        self.generation = _generation(self.folder / "generation")
        before.rename(self._path)
        self._rows = self._opened()

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
