"""The ingest service as a process."""

from tradewire.ingest.settings import Settings
from tradewire.ingest.wiring import build
from tradewire.runtime.process import main


def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    main(Settings, build)


if __name__ == "__main__":
    run()
