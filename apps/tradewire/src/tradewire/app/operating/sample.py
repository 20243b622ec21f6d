"""The sample project that comes with tradewire: recorded candles and strategies for them."""

from __future__ import annotations

import shutil
from pathlib import Path

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

    Raises ProjectThereError, before anything is written, when one of them is there already.
    """
    source = sample_folder()
    found = sorted(path for part in PARTS for path in (source / part).iterdir() if path.is_file())
    targets = {path: folder / path.relative_to(source) for path in found}
    if there := [str(target) for target in targets.values() if target.exists()]:
        raise ProjectThereError(f"{', '.join(there)}: there already, so nothing was written; choose another folder")
    for path, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return list(targets.values())
