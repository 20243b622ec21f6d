"""The telemetry service as a process."""

from tradewire.runtime.process import main
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.wiring import build


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    main(Settings, build)


if __name__ == "__main__":
    run()
