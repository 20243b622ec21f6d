"""The bytes of a data file, taken out of gzip or a zip archive where they are packed."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import Path

from tradewire.backtest.data.errors import MarketDataError

GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
"""First bytes by which a file is told, whatever its name: RFC 1952; PKWARE's APPNOTE 4.3.7; Apache Parquet."""
SUFFIXES = (".csv", ".parquet", ".txt", ".csv.gz", ".parquet.gz", ".txt.gz", ".zip")
"""Endings of data files in a folder."""


def read_contents(path: Path) -> bytes:
    """The file's bytes; of a packed file, those that it holds, as of Binance's archives: a zip with one CSV.

    Raises MarketDataError when the packing is damaged, or an archive holds no file, several or a locked one; OSError.
    """
    data = path.read_bytes()
    try:
        if data.startswith(GZIP):
            return gzip.decompress(data)
        if data.startswith(ZIP):
            return _only_member(data, str(path))
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise MarketDataError(str(path), found=f"damaged packing ({error})", allowed="a whole file") from error
    return data


def holds_parquet(data: bytes, path: Path) -> bool:
    """Whether contents are Parquet, by their first bytes or, where those are damaged, by the file's name."""
    return data.startswith(PARQUET) or path.name.removesuffix(".gz").endswith(".parquet")


def _only_member(data: bytes, source: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            found = ", ".join(member.filename for member in members) or "no file"
            raise MarketDataError(source, field="archive", found=found, allowed="one file in the archive")
        try:
            return archive.read(members[0])
        except (RuntimeError, NotImplementedError) as error:  # a password, or a method that Python has not
            raise MarketDataError(source, field="archive", found=str(error), allowed="a plain zip file") from error
