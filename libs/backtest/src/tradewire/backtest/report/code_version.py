"""Which code made a result: the commit of a checkout, or the release that is installed."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "tradewire-backtest"
DIRTY = "+dirty"
"""Follows the commit when a file of the checkout is not as committed, as of local versions in PEP 440."""
_SOURCE = Path(__file__)
_LONGEST_S = 10


@cache
def code_version() -> str:
    """The commit of the checkout that this code is run from, 40 hex digits, else the distribution's version."""
    return commit_of(_SOURCE) or metadata.version(DISTRIBUTION)


def commit_of(source: Path) -> str | None:
    """The commit of the checkout that ``source`` belongs to, with ``+dirty`` where something differs from it.

    None when git does not keep that file, as in an environment that lies inside a checkout, or git is not there.
    """
    if _git(source.parent, "ls-files", "--error-unmatch", "--", source.name) is None:
        return None
    commit = _git(source.parent, "rev-parse", "HEAD")
    if commit is None:
        return None
    changed = _git(source.parent, "status", "--porcelain", "--untracked-files=no", "--", ":/")
    return commit if changed == "" else commit + DIRTY


def _git(folder: Path, *words: str) -> str | None:
    """What git says of a folder; None when it fails. Variables that name another repository do not reach it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 (git by its name, words of this module)
            ["git", "-C", str(folder), *words],  # noqa: S607
            env=environment | {"GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
