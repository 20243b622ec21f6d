"""The bytes of a data file, unpacked where they are packed, and the form that their first bytes tell."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from enum import Enum
from pathlib import Path

from tradewire.backtest.data.errors import MarketDataError

GZIP, ZIP, BZIP2, XZ = b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ"
"""First bytes by which packing is told, whatever the name: RFC 1952; PKWARE's APPNOTE 4.3.7; bzip2; XZ 1.0.4."""
PACKED = {".gz", ".zip", ".bz2", ".xz"}
SUFFIXES = (".csv", ".parquet", ".txt", ".tsv", ".feather", ".arrow", ".ipc", ".zip")
"""Endings of data files in a folder; all but the last may be followed by ``.gz``, ``.bz2`` or ``.xz``."""
_FOREIGN = (
    (b"FEA1", "a Feather file of version 1: write it again, `frame.to_feather(path)` of pandas writes version 2"),
    (b"\x89HDF", "an HDF5 file: write it as Parquet, `pandas.read_hdf(path).to_parquet(…)`"),
    (b"SQLite format 3", "an SQLite database: export the table as CSV"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it first, `unzstd FILE`"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of Excel: save the sheet as CSV"),
    (b"\x80\x04", "a Python pickle: write it as Parquet, `pandas.read_pickle(path).to_parquet(…)`"),
    (b"\x80\x05", "a Python pickle: write it as Parquet, `pandas.read_pickle(path).to_parquet(…)`"),
    (b"{", "JSON: write it as CSV or Parquet"),
    (b"[", "JSON: write it as CSV or Parquet, `pandas.DataFrame(rows).to_parquet(…)`"),
    (b"<!", "a page of HTML or XML, perhaps an answer in place of the file: fetch it again"),
)
"""First bytes of forms that are no candles to read, each with what to do."""
ALLOWED_FORMS = "CSV, Parquet or Arrow (Feather)"


class Form(Enum):
    """The form of a table's bytes."""

    CSV = "CSV"
    PARQUET = "Parquet"
    ARROW = "Arrow"


def read_contents(path: Path) -> bytes:
    """The file's bytes; of a packed file, those that it holds, as of Binance's archives: a zip with one CSV.

    Raises MarketDataError when the packing is damaged, or an archive holds no file, several or a locked one; OSError.
    """
    data = path.read_bytes()
    try:
        if data.startswith(GZIP):
            return gzip.decompress(data)
        if data.startswith(BZIP2):
            return bz2.decompress(data)
        if data.startswith(XZ):
            return lzma.decompress(data)
        if data.startswith(ZIP):
            return _only_member(data, str(path))
    except (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:  # of bytes read
        if isinstance(error, MarketDataError):
            raise
        raise MarketDataError(str(path), found=f"damaged packing ({error})", allowed="a whole file") from error
    return data


def is_data_file(path: Path) -> bool:
    """Whether a folder's file is one of data, by its name."""
    plain = path.with_suffix("") if path.suffix in PACKED - {".zip"} else path
    return plain.name.endswith(SUFFIXES)


def form_of(data: bytes, path: Path) -> Form:
    """The form of contents, by their first bytes or, where those are damaged, by the file's name.

    Raises MarketDataError for another form, with what to do.
    """
    names = path.suffixes
    if data.startswith(b"PAR1") or ".parquet" in names[-2:]:
        return Form.PARQUET
    if data.startswith(b"ARROW1"):
        return Form.ARROW
    foreign = next((text for mark, text in _FOREIGN if data.startswith(mark)), "")
    if not foreign and {".feather", ".arrow", ".ipc"} & set(names[-2:]):
        return Form.ARROW
    if foreign:
        raise MarketDataError(str(path), found=foreign, allowed=ALLOWED_FORMS)
    return Form.CSV


def _only_member(data: bytes, source: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if any(member.filename == "xl/workbook.xml" for member in members):
            raise MarketDataError(source, found="a spreadsheet of Excel: save the sheet as CSV", allowed=ALLOWED_FORMS)
        if len(members) != 1:
            found = ", ".join(member.filename for member in members) or "no file"
            raise MarketDataError(source, field="archive", found=found, allowed="one file in the archive")
        try:
            return archive.read(members[0])
        except (RuntimeError, NotImplementedError) as error:  # a password, or a method that Python has not
            raise MarketDataError(source, field="archive", found=str(error), allowed="a plain zip file") from error
