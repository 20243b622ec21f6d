"""The ingest service as a process."""

from tradewire.ingest.settings import Settings
from tradewire.ingest.wiring import build
from tradewire.runtime.process import run

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
