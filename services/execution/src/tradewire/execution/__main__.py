"""The execution service as a process."""

from tradewire.execution.settings import Settings
from tradewire.execution.wiring import build
from tradewire.runtime.process import main


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    main(Settings, build)


if __name__ == "__main__":
    run()
