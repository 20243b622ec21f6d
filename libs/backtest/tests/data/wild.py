"""Files of candles as the world has them: each taken as it comes, with what is said, or refused with the remedy."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import polars as pl

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
PRICES = (
    ("42475.23", "42775", "42431.65", "42613.56", "1271.68108"),
    ("42613.57", "42638.41", "42500", "42581.1", "1196.37856"),
    ("42581.09", "42586.64", "42180.77", "42330.49", "685.21980"),
    ("42330.5", "42399.99", "42209.46", "42399.99", "794.80391"),
)
HOURS = tuple(FIRST + timedelta(hours=number) for number in range(4))
DAYS = tuple(FIRST + timedelta(days=number) for number in range(4))
NAMES = ("open_time", "open", "high", "low", "close", "volume")
HEADER = ",".join(NAMES)


@dataclass(frozen=True)
class Wild:
    """A file by name and bytes; what is said of it where it is taken, or why it is refused."""

    file: str
    content: bytes
    said: str = ""
    refused: str = ""
    interval: str = "1h"
    volume: bool = True


def ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def lines(
    times: Sequence[object], header: str = HEADER, *, separator: str = ",", columns: int = 6, tail: str = ""
) -> list[str]:
    rows = [separator.join([str(time), *row][:columns]) + tail for time, row in zip(times, PRICES, strict=True)]
    return ([header.replace(",", separator)] if header else []) + rows


def text(times: Sequence[object], header: str = HEADER, **how: object) -> bytes:
    return ("\n".join(lines(times, header, **how)) + "\n").encode()  # type: ignore[arg-type]  # handed on


def written(moments: Sequence[datetime], form: str) -> list[str]:
    return [moment.strftime(form) for moment in moments]


def frame(times: Sequence[object] = HOURS, names: Sequence[str] = NAMES, **more: object) -> pd.DataFrame:
    columns = [list(times), *([float(row[place]) for row in PRICES] for place in range(len(names) - 1))]
    return pd.DataFrame({**dict(zip(names, columns, strict=True)), **more})


def bytes_of(write: Callable[[io.BytesIO], object]) -> bytes:
    held = io.BytesIO()
    write(held)
    return held.getvalue()


def parquet(table: pd.DataFrame) -> bytes:
    return bytes_of(lambda held: table.to_parquet(held))


def feather(table: pd.DataFrame) -> bytes:
    return bytes_of(lambda held: table.to_feather(held))


def packed(name: str, content: bytes, *more: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, content)
        for other in more:
            archive.writestr(other, content)
    return held.getvalue()


PLAIN = text([ms(hour) for hour in HOURS])
ISO = written(HOURS, "%Y-%m-%dT%H:%M:%S")
UNZONED = "times without a zone are read as UTC"
NAIVE = [hour.replace(tzinfo=None) for hour in HOURS]


def times() -> dict[str, Wild]:
    stamps: dict[str, Sequence[object]] = {
        "seconds": [ms(hour) // 1000 for hour in HOURS],
        "milliseconds": [ms(hour) for hour in HOURS],
        "microseconds": [ms(hour) * 1000 for hour in HOURS],
        "nanoseconds": [ms(hour) * 1_000_000 for hour in HOURS],
        "seconds with a point": [f"{ms(hour) // 1000}.0" for hour in HOURS],
        "ISO with Z": [time + "Z" for time in ISO],
        "ISO with an offset": [time + "+00:00" for time in ISO],
        "ISO in another zone": written([hour.astimezone(None) for hour in HOURS], "%Y-%m-%dT%H:%M:%S%z"),
        "named UTC": [time.replace("T", " ") + " UTC" for time in ISO],
    }
    unzoned = {
        "ISO without a zone": ISO,
        "a blank for the T": [time.replace("T", " ") for time in ISO],
        "no seconds": written(HOURS, "%Y-%m-%d %H:%M"),
        "milliseconds behind": [time + ".000" for time in ISO],
        "slashes": written(HOURS, "%Y/%m/%d %H:%M:%S"),
        "points, as MetaTrader": written(HOURS, "%Y.%m.%d %H:%M"),
        "hours of half a day": [f"{hour:%Y-%m-%d} {hour:%I}-{hour:%p}" for hour in HOURS],
    }
    found = {f"time: {name}": Wild("x.csv", text(stamp)) for name, stamp in stamps.items()}
    found |= {f"time: {name}": Wild("x.csv", text(stamp), UNZONED) for name, stamp in unzoned.items()}
    for name, form in {"daily dates": "%Y-%m-%d", "compact dates": "%Y%m%d", "dates with slashes": "%Y/%m/%d"}.items():
        found[f"time: {name}"] = Wild(
            "x.csv", text(written(DAYS, form), "Date,Open,High,Low,Close,Volume"), UNZONED, "", "1d"
        )
    found["time: month or day first"] = Wild(
        "x.csv", text(written(DAYS, "%m/%d/%Y")), refused="found 01/01/2024, allowed a time after 1974"
    )
    found["time: row numbers"] = Wild("x.csv", text(range(4)), refused="found 0, allowed a time after 1974")
    mixed = [ms(HOURS[0]), *[ms(hour) // 1000 for hour in HOURS[1:]]]
    found["time: two units"] = Wild("x.csv", text(mixed), refused="allowed ms since the epoch, as in the rows before")
    return found


def columns() -> dict[str, Wild]:
    stamps = [ms(hour) for hour in HOURS]
    numbered = "\n".join(map(",".join, zip(("", *"0123"), lines(stamps, "0,1,2,3,4,5"), strict=True)))
    index = Wild("x.csv", text(ISO, ",open,high,low,close,volume"), "the first column has no name of its own")
    return {
        "columns: no header": Wild("x.csv", text(stamps, "")),
        "columns: Binance's twelve": Wild("x.csv", text(stamps, "", tail=",1,2,3,4,5,0")),
        "columns: title case": Wild("x.csv", text(stamps, "Open Time,Open,High,Low,Close,Volume")),
        "columns: capitals": Wild("x.csv", text(stamps, "TIMESTAMP,OPEN,HIGH,LOW,CLOSE,VOLUME")),
        "columns: Yahoo's": Wild("x.csv", text(ISO, "Datetime,Open,High,Low,Close,Volume"), UNZONED),
        "columns: a venue's letters": Wild("x.csv", text(stamps, "t,o,h,l,c,v")),
        "columns: an unnamed index": index,
        "columns: an index written twice": Wild(
            "x.csv", text(ISO, "Unnamed: 0,open,high,low,close,volume"), "the first column has no name of its own"
        ),
        "columns: ccxt's rows": Wild("x.csv", text(stamps, "0,1,2,3,4,5"), "numbers for names"),
        "columns: ccxt's rows and an index": Wild("x.csv", numbered.encode(), "numbers for names"),
        "columns: in brackets": Wild("x.csv", text(ISO, "<time>,<open>,<high>,<low>,<close>,<vol>"), UNZONED),
        "columns: further ones": Wild("x.csv", text(stamps, HEADER + ",trades,note", tail=",812,x")),
    }


def layout() -> dict[str, Wild]:
    plain, stamps = PLAIN.decode(), [ms(hour) for hour in HOURS]
    rows = plain.splitlines()
    wide = text(stamps).replace(b"42475.23", b'"42,475.23"')
    return {
        "layout: semicolons": Wild("x.csv", plain.replace(",", ";").encode()),
        "layout: tabs": Wild("x.tsv", plain.replace(",", "\t").encode()),
        "layout: BOM": Wild("x.csv", b"\xef\xbb\xbf" + PLAIN),
        "layout: UTF-16": Wild("x.csv", plain.encode("utf-16")),
        "layout: CRLF": Wild("x.csv", plain.replace("\n", "\r\n").encode()),
        "layout: old Mac line ends": Wild("x.csv", plain.replace("\n", "\r").encode()),
        "layout: quotes": Wild("x.csv", "\n".join(",".join(f'"{c}"' for c in row.split(",")) for row in rows).encode()),
        "layout: blank lines": Wild("x.csv", ("\n" + plain.replace("\n", "\n\n")).encode()),
        "layout: a comment": Wild("x.csv", b"# exported 2024-01-02\n" + PLAIN, "1 line of comment"),
        "layout: an address": Wild("x.csv", b"https://www.example.org/\n" + PLAIN, "1 line of comment"),
        "layout: two comments": Wild("x.csv", b"# a\n# b\n" + PLAIN, "2 lines of comment"),
        "layout: Excel's separator": Wild("x.csv", b"sep=;\n" + plain.replace(",", ";").encode(), "1 line of comment"),
        "layout: newest first": Wild("x.csv", "\n".join([rows[0], *reversed(rows[1:])]).encode()),
        "layout: unsorted": Wild("x.csv", "\n".join(rows[place] for place in (0, 3, 1, 4, 2)).encode()),
        "layout: a row twice": Wild("x.csv", (plain + rows[2] + "\n").encode(), "1 open times stood more than once"),
        "layout: a row twice, other values": Wild(
            "x.csv",
            (plain + rows[2].replace("42581.1", "42581.2") + "\n").encode(),
            refused="other values than in row 3",
        ),
        "layout: separators behind": Wild("x.csv", text(stamps, HEADER, tail=",")),
        "layout: exponents": Wild("x.csv", PLAIN.replace(b"42775", b"4.2775e4")),
        "layout: thousands in quotes": Wild("x.csv", wide, refused="found 42,475.23, allowed a finite decimal number"),
        "layout: decimal commas": Wild(
            "x.csv", plain.replace(",", ";").replace(".", ",").encode(), refused="allowed a finite decimal number"
        ),
        "layout: a cut row": Wild("x.csv", PLAIN[:-30], refused="columns, allowed 6 columns"),
        "layout: empty": Wild("x.csv", b"", refused="an empty file"),
        "layout: a header alone": Wild("x.csv", HEADER.encode() + b"\n", refused="a header and no rows"),
        "layout: Latin-1": Wild("x.csv", b"# caf\xe9\n" + PLAIN, refused="no UTF-8"),
    }


def numbers() -> dict[str, Wild]:
    return {
        "numbers: no volume in a row": Wild(
            "x.csv", PLAIN.replace(b"1196.37856", b""), "volume nothing in row 3", volume=False
        ),
        "numbers: a computed volume": Wild(
            "x.csv", PLAIN.replace(b"1196.37856", b"1196.3785600000001"), "volume 1196.3785600000001", volume=False
        ),
        "numbers: a price beyond the bound": Wild(
            "x.csv",
            PLAIN.replace(b"42775,", b"40000000000,"),
            refused="allowed below 40,000,000,000: divide the prices",
        ),
        "table: a price beyond the bound": Wild(
            "x.parquet", parquet(frame().replace(42775.0, 4e10)), refused="allowed below 40,000,000,000"
        ),
        "numbers: a large volume": Wild("x.csv", PLAIN.replace(b"1196.37856", b"11963785600000")),
        "numbers: a computed price": Wild(
            "x.csv", PLAIN.replace(b"42500", b"42500.000000000001"), refused="round the prices"
        ),
        "numbers: no price": Wild("x.csv", PLAIN.replace(b"42500", b""), refused="found nothing, allowed a finite"),
        "numbers: NaN": Wild("x.csv", PLAIN.replace(b"42500", b"NaN"), refused="found NaN, allowed a finite"),
        "numbers: a price of 0": Wild("x.csv", PLAIN.replace(b"42500", b"0"), refused="found 0, allowed > 0"),
        "numbers: high below low": Wild("x.csv", PLAIN.replace(b"42638.41", b"42400"), refused="high: found 42400"),
    }


def tables() -> dict[str, Wild]:
    freqtrade = frame(pd.DatetimeIndex(HOURS).as_unit("ms"), ("date", *NAMES[1:]))
    indexed = frame().set_index("open_time")
    computed = frame().assign(low=lambda table: table["low"] * (1 - 1e-14))
    old = bytes_of(lambda held: pl.from_pandas(frame(NAIVE)).write_parquet(held))
    return {
        "table: Parquet of pandas": Wild("x.parquet", parquet(frame())),
        "table: Parquet, times in the index": Wild("x.parquet", parquet(indexed)),
        "table: Parquet without a zone": Wild("x.parquet", old, UNZONED),
        "table: Parquet, counts": Wild("x.parquet", parquet(frame([ms(hour) for hour in HOURS]))),
        "table: Parquet, dates": Wild("x.parquet", parquet(frame([day.date() for day in DAYS])), UNZONED, "", "1d"),
        "table: Parquet, times as text": Wild(
            "x.parquet", parquet(frame([time.replace("T", " ") for time in ISO])), UNZONED
        ),
        "table: Parquet, numbers as text": Wild("x.parquet", parquet(frame().astype(dict.fromkeys(NAMES[1:], str)))),
        "table: Parquet, columns without names": Wild(
            "x.parquet", parquet(frame([ms(hour) for hour in HOURS], "012345")), "numbers for names"
        ),
        "table: Parquet, no volume": Wild("x.parquet", parquet(frame().drop(columns="volume")), volume=False),
        "table: Parquet, close and Close": Wild(
            "x.parquet", parquet(frame(HOURS, NAMES, Close=1.0)), refused="close and Close"
        ),
        "table: Parquet, computed": Wild("x.parquet", parquet(computed), refused="round the prices"),
        "table: Feather of freqtrade": Wild("BTC_USDT-1h.feather", feather(freqtrade)),
        "table: Feather without a zone": Wild("x.feather", feather(frame(NAIVE)), UNZONED),
        "table: Arrow": Wild("x.arrow", bytes_of(lambda held: pl.from_pandas(frame()).write_ipc(held))),
        "table: a CSV called Parquet": Wild("x.parquet", PLAIN, refused="no Parquet file"),
        "table: a Parquet called CSV": Wild("x.csv", parquet(frame())),
        "table: a cut Parquet": Wild("x.parquet", parquet(frame())[:-40], refused="no Parquet file"),
        "table: a cut Feather": Wild("x.feather", feather(frame())[:-40], refused="no Arrow file"),
        "table: Feather of version 1": Wild("x.feather", b"FEA1" + bytes(60), refused="write it again"),
    }


def packing() -> dict[str, Wild]:
    book = packed("xl/workbook.xml", b"<x/>", "[Content_Types].xml")
    rows = json.dumps([[ms(hour), *map(float, row)] for hour, row in zip(HOURS, PRICES, strict=True)])
    return {
        "packing: gzip": Wild("x.csv.gz", gzip.compress(PLAIN)),
        "packing: zip": Wild("x.zip", packed("x.csv", PLAIN)),
        "packing: bzip2": Wild("x.csv.bz2", bz2.compress(PLAIN)),
        "packing: xz": Wild("x.csv.xz", lzma.compress(PLAIN)),
        "packing: Parquet in gzip": Wild("x.parquet.gz", gzip.compress(parquet(frame()))),
        "packing: Feather in zip": Wild("x.zip", packed("x.feather", feather(frame()))),
        "packing: a zip of two": Wild("x.zip", packed("a.csv", PLAIN, "b.csv"), refused="one file in the archive"),
        "packing: cut": Wild("x.csv.gz", gzip.compress(PLAIN)[:-12], refused="damaged packing"),
        "packing: zstd": Wild("x.csv.zst", b"\x28\xb5\x2f\xfd" + bytes(20), refused="unzstd FILE"),
        "form: a spreadsheet": Wild("x.xlsx", book, refused="save the sheet as CSV"),
        "form: an old spreadsheet": Wild("x.xls", b"\xd0\xcf\x11\xe0" + bytes(20), refused="save the sheet as CSV"),
        "form: HDF5": Wild("x.h5", b"\x89HDF\r\n\x1a\n" + bytes(20), refused="write it as Parquet"),
        "form: JSON": Wild("BTC_USDT-1h.json", rows.encode(), refused="write it as CSV or Parquet"),
        "form: a pickle": Wild("x.pkl", b"\x80\x04\x95" + bytes(20), refused="write it as Parquet"),
        "form: HTML": Wild("x.csv", b"<!DOCTYPE html><html></html>", refused="a page of HTML"),
        "form: SQLite": Wild("x.db", b"SQLite format 3\x00" + bytes(20), refused="export the table as CSV"),
    }


WILD: dict[str, Wild] = {**times(), **columns(), **layout(), **numbers(), **tables(), **packing()}
