"""Replay the sample in the cluster of `make cluster-up`, from the images of `make images`; ends with the fingerprint.

Example: ``make images cluster-up && python -m deploy.cluster.sample_run``
"""

from __future__ import annotations

import argparse
import sys

from deploy.cluster.__main__ import FOLDER
from deploy.cluster.control_plane import ControlPlane
from deploy.cluster.processes import ClusterError
from deploy.cluster.sample_platform import SamplePlatform


def main() -> int:
    """Set the platform up, replay, print; returns the exit code."""
    form = argparse.RawDescriptionHelpFormatter
    prog = "python -m deploy.cluster.sample_run"
    argparse.ArgumentParser(prog=prog, description=__doc__, formatter_class=form).parse_args()
    try:
        platform = SamplePlatform(ControlPlane(FOLDER))
        platform.install()
        platform.register()
        platform.resume()
        print(platform.watch(), end="")
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
