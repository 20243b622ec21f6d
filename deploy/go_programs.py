"""Programs built from Go modules that are pinned by version and hash.

A folder with ``go.mod``, ``go.sum`` and ``tools.go`` names a module. What that module needs is in its own ``go.sum``,
which comes with it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

SETTINGS = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOVCS": "*:off", "GOFLAGS": "-mod=mod -buildvcs=false"}
"""Nothing comes from version control, no other compiler is fetched, and no C compiler is needed."""


def module(folder: Path) -> tuple[str, str]:
    """Path and version of the module that the folder's ``go.mod`` names first."""
    lines = (folder / "go.mod").read_text(encoding="utf-8").splitlines()
    _, path, version = next(line.split()[:3] for line in lines if line.startswith("require") and "(" not in line)
    return path, version


def build(folder: Path, programs: Mapping[str, Path], *, flags: str = "") -> None:
    """Build each package into its file, with ``flags`` for the linker. Raises CalledProcessError when Go fails.

    A file that is there is replaced once its program is whole.
    """
    environment = os.environ | SETTINGS
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        shutil.copytree(
            folder, work, ignore=shutil.ignore_patterns("*.py", "*.yaml", "__pycache__"), dirs_exist_ok=True
        )
        with (work / "go.sum").open("a", encoding="utf-8") as sums:
            sums.write((_source(work, *module(folder)) / "go.sum").read_text(encoding="utf-8"))
        for package, binary in programs.items():
            made = work / f"{binary.name}.built"
            command = ("go", "build", "-trimpath", "-ldflags", f"-s -w {flags}", "-o", str(made), package)
            subprocess.run(command, cwd=work, env=environment, check=True)  # noqa: S603 (words of callers' modules)
            binary.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(made, binary)


def build_or_say(folder: Path, programs: Mapping[str, Path], *, flags: str = "", needs: str) -> int:
    """Build what is not there yet, and say so; returns the exit code."""
    missing = {package: binary for package, binary in programs.items() if not binary.exists()}
    if not missing:
        return 0
    names = ", ".join(binary.name for binary in missing.values())
    if shutil.which("go") is None:
        print(f"building {names} needs {needs} on the PATH", file=sys.stderr)
        return 1
    print(f"building {names} {module(folder)[1]} from Go modules: minutes", file=sys.stderr)
    try:
        build(folder, missing, flags=flags)
    except subprocess.CalledProcessError as error:
        print(f"not built: {error}", file=sys.stderr)
        return 1
    return 0


def _source(work: Path, path: str, version: str) -> Path:
    """Folder of the module's source, downloaded when it is not there."""
    command = ("go", "mod", "download", "-json", f"{path}@{version}")
    answer = subprocess.run(  # noqa: S603 (words of callers' modules)
        command, cwd=work, env=os.environ | SETTINGS, check=True, stdout=subprocess.PIPE, text=True
    )
    return Path(json.loads(answer.stdout)["Dir"])
