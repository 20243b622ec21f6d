"""``python -m deploy.cluster up|down``: a Kubernetes API server of this folder, on loopback.

Example: ``python -m deploy.cluster up && kubectl --kubeconfig .cluster/kubeconfig get namespaces``
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
    action, plane = parser.parse_args().action, ControlPlane(FOLDER)
    started = time.monotonic()
    try:
        if action == "down":
            plane.remove()
            return 0
        plane.start()
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"ready after {time.monotonic() - started:.1f} s: export KUBECONFIG={plane.kubeconfig}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
