"""What kustomize makes of a folder: by kubectl, by a kustomize on PATH, or by one built once from its Go module."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

MODULE, VERSION = "sigs.k8s.io/kustomize/kustomize/v5", "v5.7.1"
KUBECTL = ("kubectl", "kustomize")
REMEDY = f"""rendering needs one of: kubectl, kustomize, or Go 1.24 or newer, by which kustomize is built once:
  GOBIN=FOLDER-ON-PATH go install {MODULE}@{VERSION}"""


class RenderError(Exception):
    """A folder can't be rendered, or there is nothing to render with; the message says what to do."""


def render(folder: Path) -> str:
    """The objects of a folder as one YAML text. Raises RenderError."""
    done = _run([*renderer(), str(folder)])
    if done.returncode:
        raise RenderError(f"{folder}: {done.stderr.strip()}")
    return done.stdout


@cache
def renderer() -> tuple[str, ...]:
    """The command that renders a folder. Raises RenderError when there is none and none can be built."""
    if shutil.which("kubectl") is not None and not _run([*KUBECTL, "--help"]).returncode:
        return KUBECTL
    if shutil.which("kustomize") is not None:
        return ("kustomize", "build")
    return (str(_built()), "build")


def _built() -> Path:
    """A kustomize of the pinned version in the user's cache; built when it is not there yet."""
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "tradewire" / f"kustomize-{VERSION}"
    binary = folder / "kustomize"
    if binary.is_file():
        return binary
    if shutil.which("go") is None:
        raise RenderError(REMEDY)
    own = {"GOBIN": str(folder), "GOFLAGS": "-trimpath", "CGO_ENABLED": "0"}
    done = _run(["go", "install", f"{MODULE}@{VERSION}"], {**os.environ, **own})
    if done.returncode:
        raise RenderError(f"building kustomize {VERSION} failed: {done.stderr.strip()[-500:]}\n{REMEDY}")
    return binary


def _run(command: list[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603
