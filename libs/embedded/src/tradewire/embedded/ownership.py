"""Whose folder it is: a command writes and deletes only in a folder that carries the platform's own mark."""

from __future__ import annotations

import json
import shutil
from enum import StrEnum
from pathlib import Path

from tradewire.embedded.errors import FolderError

MARK = ".tradewire-folder"
"""Name of the mark: a JSON document with the folder's use."""
OWN_FOLDERS = ("kafka", "postgres", "registry", "redis", "logs", "views")
"""All folders that the servers and the services make in the folder of a platform."""


class Use(StrEnum):
    """What a folder is for. ``RUN``: each run begins by deleting the data of the one before; ``UP``: data is kept."""

    RUN = "run"
    UP = "up"
    STACK = "stack"


def use_of(root: Path) -> Use | None:
    """What the folder's mark says; None without a mark, or with one that cannot be read."""
    mark = root / MARK
    if mark.is_symlink():
        return None
    try:
        return Use(json.loads(mark.read_text(encoding="utf-8"))["use"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def claim(root: Path, use: Use | None = None) -> None:
    """Mark a missing or an empty folder as the platform's own; check the mark of any other.

    Parameters: use: what the folder must be for; None: whatever it is for already, and ``STACK`` for a new one.
    Raises: FolderError for a folder with other things in it, for one of another use, and for one that can't be written.
    """
    found = use_of(root)
    if found is None:
        _mark(root, use or Use.STACK)
    elif use is not None and found is not use:
        raise FolderError(
            f"{root} is the folder of `tradewire {found.value}`, and `tradewire {use.value}` does not touch it: "
            "choose another --root"
        )


def _mark(root: Path, use: Use) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in root.iterdir())
        if strangers:
            shown = ", ".join(strangers[:3]) + (", …" if len(strangers) > 3 else "")
            raise FolderError(
                f"{root} holds what tradewire did not make ({shown}): choose a new or an empty folder with --root"
            )
        (root / MARK).write_text(json.dumps({"use": use.value}) + "\n", encoding="utf-8")
    except OSError as error:
        raise FolderError(f"can't write the stack's data to {root}: {error.strerror or error}") from error


def wipe(root: Path) -> None:
    """Delete the data and logs of an earlier run: the platform's own folders, and nothing else.

    Raises: FolderError when the folder is not marked for runs, when one of its folders is a link, or can't be deleted.
    """
    if use_of(root) is not Use.RUN:
        raise FolderError(f"{root} is not the folder of a run: nothing in it is deleted")
    for folder in (root / name for name in OWN_FOLDERS):
        if folder.is_symlink():
            raise FolderError(f"{folder} is a link, which tradewire never makes: remove it, or choose another --root")
        try:
            if folder.is_dir():
                shutil.rmtree(folder)
        except OSError as error:
            raise FolderError(f"can't delete {folder}: {error.strerror or error}") from error
