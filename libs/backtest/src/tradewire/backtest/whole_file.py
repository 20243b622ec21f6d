"""Files that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DEVICES, PROCESSES = Path("/dev"), Path("/proc")
"""Their files are devices and open descriptors, also by the link ``/dev/fd``: they are written, not replaced."""
PRIVATE, BY_UMASK = 0o600, 0o666


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """The file to write in place of ``path``, beside it; renamed to it at the end, removed when the writing fails.

    What a link names is written, and the file that is replaced passes its permissions on; a pipe, a terminal or a
    descriptor (``/dev/stdout``) is written itself. Raises: OSError that names ``path``, where the system's names no
    file, as for a full disk, or the one that is copied.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not replaceable(path):
            yield path
            return
        target = path.resolve()
        part = _part_beside(target)
        yield part
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, whole or not at all. Raises: OSError that names ``path``."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def replaceable(path: Path) -> bool:
    """Whether another file may take its place: a plain one, or none yet.

    Asked of the path itself: what the link to an open pipe resolves to is no file.
    """
    if path.parent == DEVICES or PROCESSES in path.parent.resolve().parents:
        return False
    return path.is_file() or not path.exists()


def _part_beside(target: Path) -> Path:
    """A new file of its own, which nobody else reads before it has the permissions of the one it replaces."""
    mode = PRIVATE if target.exists() else BY_UMASK
    number = 0
    while True:
        part = target.with_name(f".{target.name}.{number}.part")
        with suppress(FileExistsError):
            part.touch(mode, exist_ok=False)
            return part
        number += 1
