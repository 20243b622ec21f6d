"""The indicator service as a process."""

from tradewire.indicator.settings import Settings
from tradewire.indicator.wiring import build
from tradewire.runtime.process import main


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    main(Settings, build)


if __name__ == "__main__":
    run()
