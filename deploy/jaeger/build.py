"""Build Jaeger from its Go module: ``python -m deploy.jaeger.build``, some twelve minutes of CPU.

Where no image of it can be pulled this is how a real Jaeger is had.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.go_programs import build_or_say

HERE = Path(__file__).parent
BINARY = HERE.parents[1] / ".jaeger/jaeger"
PACKAGE = "github.com/jaegertracing/jaeger/cmd/jaeger"


def main() -> int:
    """Build it unless it is there; returns the exit code."""
    argparse.ArgumentParser(prog="python -m deploy.jaeger.build", description=__doc__).parse_args()
    return build_or_say(HERE, {PACKAGE: BINARY}, needs="Go 1.24.6 or newer")


if __name__ == "__main__":
    sys.exit(main())
