"""Build Kubernetes and CoreDNS from their Go modules: ``python -m deploy.cluster.build [PROGRAM...]``.

It takes half an hour, once. The programs stay in the user's cache, for every copy of the repository.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.cluster.processes import ClusterError
from deploy.go_programs import build_or_say, module

HERE = Path(__file__).parent
IMAGES = HERE / "images"
WITHOUT_NODE = ("kube-apiserver", "kube-controller-manager", "kubectl")
PROGRAMS = (*WITHOUT_NODE, "kube-scheduler", "kubelet", "kube-proxy")
IMAGE_PROGRAMS = ("pause", "coredns")
"""Programs that run in pods, each the one file of its image."""
VERSION = module(HERE)[1]
FLAGS = f"-X k8s.io/component-base/version.gitVersion={VERSION}"
"""Without it the server calls itself v0.0.0, and clients take it for too old."""
GO = "Go 1.25 or newer"


def programs() -> Path:
    """Folder of Kubernetes' built programs."""
    return _cache() / f"kubernetes-{VERSION}"


def image_programs() -> Path:
    """Folder of the built programs that run in pods."""
    return _cache() / f"coredns-{module(IMAGES)[1]}"


def program(name: str) -> str:
    """Path of a built program. Raises ClusterError."""
    path = (image_programs() if name in IMAGE_PROGRAMS else programs()) / name
    if not path.exists():
        raise ClusterError(f"{name} is not built: `python -m deploy.cluster.build {name}`")
    return str(path)


def main() -> int:
    """Build what is not there yet; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster.build", description=__doc__)
    every = (*PROGRAMS, *IMAGE_PROGRAMS)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"of {', '.join(every)}; none: all")
    wanted = parser.parse_args().programs or every
    for name in wanted:
        if name not in every:
            parser.error(f"found {name!r}, allowed {', '.join(every)}")
    kubernetes = {f"k8s.io/kubernetes/cmd/{name}": programs() / name for name in wanted if name in PROGRAMS}
    images = {f"./{name}": image_programs() / name for name in wanted if name in IMAGE_PROGRAMS}
    return build_or_say(HERE, kubernetes, flags=FLAGS, needs=GO) or build_or_say(IMAGES, images, needs=GO)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tradewire"


if __name__ == "__main__":
    sys.exit(main())
