"""Writes strategy-language.md from the code that reads strategies.

python docs/research/generate_language.py            # write it
python docs/research/generate_language.py --check    # exit 1 when the committed file is stale
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tradewire.trading.language import language_document

TARGET = Path(__file__).with_name("strategy-language.md")


def main() -> int:
    """Write the file, or with --check compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description="Writes strategy-language.md from the code.")
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    text = language_document()
    stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text
    if parser.parse_args().check:
        print(f"{TARGET.name}: {'stale' if stale else 'current'}")
        return int(stale)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
