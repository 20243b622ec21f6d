"""The telemetry service as a process."""

from tradewire.runtime.process import run
from tradewire.telemetry.settings import Settings
from tradewire.telemetry.wiring import build

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
