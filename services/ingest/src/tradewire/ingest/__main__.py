"""The ingest service as a process."""

from tradewire.ingest.settings import Settings
from tradewire.ingest.wiring import build
from tradewire.runtime.process import main

if __name__ == "__main__":
    main(Settings, build)
