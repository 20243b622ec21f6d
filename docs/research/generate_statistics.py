"""Writes statistics.md from the docstrings of the code; with --check only compares, exit code 1 when stale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tradewire.backtest.statistics import statistics_reference

PAGE = Path(__file__).parent / "statistics.md"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the committed page, write nothing")
    check = parser.parse_args().check
    wanted = statistics_reference()
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted
    if stale and not check:
        PAGE.write_text(wanted, encoding="utf-8")
    if stale:
        print(f"{'stale: run docs/research/generate_statistics.py' if check else 'written'}: {PAGE.name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
