"""``python -m deploy.cluster up|down``: a Kubernetes cluster of this folder, with one node, in namespaces of its own.

Example: ``python -m deploy.cluster up && .cluster/kubectl get pods --all-namespaces``
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from deploy.cluster.control_plane import ControlPlane
from deploy.cluster.processes import ClusterError

FOLDER = Path(__file__).parents[2] / ".cluster"


def main() -> int:
    """Start or remove it; returns the exit code."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__, formatter_class=form)
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--without-node", action="store_true", help="API server and controllers alone: needs no root")
    asked, plane = parser.parse_args(), ControlPlane(FOLDER)
    started = time.monotonic()
    try:
        if asked.action == "down":
            plane.remove()
            return 0
        plane.start(with_node=not asked.without_node)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"ready after {time.monotonic() - started:.1f} s: {plane.kubectl_script} get pods --all-namespaces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
