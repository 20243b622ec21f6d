"""The tree as these tests see it: distributions, their modules, and what git tracks."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tradewire.ports import topics

ROOT = Path(__file__).parents[2]
SERVICES = topics.SERVICES
GENERATED = tuple(f"libs/ports/src/tradewire/ports/{name}.py" for name in ("checks", "events", "topics"))
"""Written by contracts/generate.py: as long as the topic map makes them."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installable folder of libs/, services/ or apps/."""

    folder: Path

    @property
    def project(self) -> dict[str, Any]:
        """The [project] table of its pyproject.toml."""
        with (self.folder / "pyproject.toml").open("rb") as file:
            table: dict[str, Any] = tomllib.load(file)["project"]
        return table

    @property
    def name(self) -> str:
        """Its name as installed, e.g. tradewire-risk."""
        return str(self.project["name"])

    @property
    def package(self) -> str:
        """The one package that it holds, e.g. tradewire.risk."""
        (package,) = (path.name for path in (self.folder / "src/tradewire").iterdir() if path.name != "__pycache__")
        return f"tradewire.{package}"

    @property
    def modules(self) -> list[Path]:
        """Its Python files, sorted."""
        return sorted((self.folder / "src").rglob("*.py"))


def distributions() -> list[Distribution]:
    """All of them, by folder."""
    return [Distribution(path.parent) for path in sorted(ROOT.glob("*/*/pyproject.toml"))]


def sources() -> list[Path]:
    """Every Python file that is shipped."""
    return [path for distribution in distributions() for path in distribution.modules]


def every_module() -> list[Path]:
    """Every Python file that somebody wrote by hand."""
    found = {ROOT / name for name in tracked() if name.endswith(".py")} | set(sources())
    return sorted(path for path in found if path.exists() and relative(path) not in GENERATED)


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(), str(path))


@cache
def tracked() -> tuple[str, ...]:
    """Paths that git tracks or would, relative to the root, as they are on disk now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


def relative(path: Path) -> str:
    """Path from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()
