"""Build Jaeger from its Go module: ``python -m deploy.jaeger.build``, some twelve minutes of CPU.

Where no image of it can be pulled this is how a real Jaeger is had. Its module, pinned here by version and hash, names
the hashes of everything that it needs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
BINARY = HERE.parents[1] / ".jaeger/jaeger"
MODULE = "github.com/jaegertracing/jaeger"
SETTINGS = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOVCS": "*:off", "GOFLAGS": "-mod=mod -buildvcs=false"}


def version() -> str:
    """The version that ``go.mod`` names."""
    return next(line.split()[2] for line in (HERE / "go.mod").read_text().splitlines() if line.startswith("require"))


def build(binary: Path) -> None:
    """Build into ``binary``. Raises CalledProcessError when Go fails; what is there already is left alone."""
    environment = os.environ | SETTINGS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in ("go.mod", "go.sum", "tools.go"):
            shutil.copy(HERE / file, folder / file)
        asked = ("go", "mod", "download", "-json", f"{MODULE}@{version()}")
        answer = subprocess.run(  # noqa: S603 (words of this module)
            asked, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
        hashes = (Path(json.loads(answer.stdout)["Dir"]) / "go.sum").read_text()
        with (folder / "go.sum").open("a") as sums:
            sums.write(hashes)
        made = folder / "jaeger"
        command = ("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(made), f"{MODULE}/cmd/jaeger")
        subprocess.run(command, cwd=folder, env=environment, check=True)  # noqa: S603 (words of this module)
        binary.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, binary)


def main() -> int:
    """Build it unless it is there; returns the exit code."""
    argparse.ArgumentParser(prog="python -m deploy.jaeger.build", description=__doc__).parse_args()
    if BINARY.exists():
        return 0
    if shutil.which("go") is None:
        print("building Jaeger needs Go 1.24.6 or newer on the PATH", file=sys.stderr)
        return 1
    print(f"building Jaeger {version()} from its Go module: minutes", file=sys.stderr)
    try:
        build(BINARY)
    except subprocess.CalledProcessError as error:
        print(f"Jaeger was not built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
