"""Files that appear whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """The file to write in place of ``path``, beside it; renamed to it at the end, removed when the writing fails.

    What a link names is written; a pipe or a terminal is written itself. Raises: OSError that names ``path``, where
    the system's names no file, as for a full disk, or the one that is copied.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    plain = target.is_file() or not target.exists()
    part = target.with_name(f".{target.name}.part") if plain else path
    try:
        yield part
        if plain:
            part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        if plain:
            part.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, whole or not at all. Raises: OSError that names ``path``."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")
