"""The sample project that comes with tradewire: recorded candles and strategies for them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tradewire.backtest.whole_file import whole_file
from tradewire.ports.errors import TradewireError

PARTS = ("data/sample", "strategies")
"""Its folders, in a checkout and in the wheel alike."""


class ProjectThereError(TradewireError):
    """A file that would be written is there already."""


def sample_folder() -> Path:
    """The folder that holds ``data/sample`` and ``strategies``: in the installed package, else the checkout."""
    packaged = Path(__file__).parents[1] / "project"
    return packaged if packaged.is_dir() else Path(__file__).parents[6]


def write_project(folder: Path) -> list[Path]:
    """Copy the sample project into a folder; returns the files written.

    Raises ProjectThereError, before anything is written, when one of them is there already; OSError that names the
    file that could not be written, after what was made is removed.
    """
    source = sample_folder()
    found = sorted(path for part in PARTS for path in (source / part).iterdir() if path.is_file())
    targets = {path: folder / path.relative_to(source) for path in found}
    if there := [str(target) for target in targets.values() if target.exists()]:
        raise ProjectThereError(f"{', '.join(there)}: there already, so nothing was written; choose another folder")
    made = [above for target in targets.values() for above in target.parents if not above.exists()]
    try:
        for path, target in targets.items():
            with whole_file(target) as part:
                shutil.copyfile(path, part)
    except BaseException:
        _remove(targets.values(), sorted(set(made), key=lambda above: -len(above.parts)))
        raise
    return list(targets.values())


def _remove(files: Iterable[Path], folders: Iterable[Path]) -> None:
    """Delete files, and folders that are then empty, the innermost first."""
    for file in files:
        file.unlink(missing_ok=True)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
