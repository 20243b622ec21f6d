"""Build Kubernetes from its Go module: ``python -m deploy.cluster.build [PROGRAM...]``, a quarter of an hour, once.

The programs stay in the user's cache, for every copy of the repository.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.go_programs import build_or_say, module

HERE = Path(__file__).parent
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kubectl")
VERSION = module(HERE)[1]
FLAGS = f"-X k8s.io/component-base/version.gitVersion={VERSION}"
"""Without it the server calls itself v0.0.0, and clients take it for too old."""


def programs() -> Path:
    """Folder of the built programs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tradewire" / f"kubernetes-{VERSION}"


def main() -> int:
    """Build what is not there yet; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster.build", description=__doc__)
    parser.add_argument("programs", nargs="*", choices=PROGRAMS, default=PROGRAMS, metavar="PROGRAM")
    wanted = {f"k8s.io/kubernetes/cmd/{name}": programs() / name for name in parser.parse_args().programs}
    return build_or_say(HERE, wanted, flags=FLAGS, needs="Go 1.24 or newer")


if __name__ == "__main__":
    sys.exit(main())
