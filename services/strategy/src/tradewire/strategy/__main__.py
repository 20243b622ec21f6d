"""The strategy service as a process."""

from tradewire.runtime.process import main
from tradewire.strategy.settings import Settings
from tradewire.strategy.wiring import build


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    main(Settings, build)


if __name__ == "__main__":
    run()
