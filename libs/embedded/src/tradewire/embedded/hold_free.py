"""``python -m tradewire.embedded.hold_free FOLDER`` ends with 1 and a sentence while a platform runs in it.

Asked by ``make clean`` before it removes anything.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tradewire.embedded.paths import StackPaths
from tradewire.embedded.state import is_running


def held(folder: Path) -> list[Path]:
    """Folders in ``folder``, or itself, that a stack is starting, running or stopping on."""
    if not folder.is_dir():
        return []
    return [
        root for root in (folder, *sorted(folder.iterdir())) if root.is_dir() and is_running(StackPaths.under(root))
    ]


def main(folder: Path) -> int:
    """Say which platforms run; 1 when one does."""
    for root in held(folder):
        sys.stderr.write(f"a platform runs in {root}: end it with `tradewire down --root {root}`\n")
    return 1 if held(folder) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
