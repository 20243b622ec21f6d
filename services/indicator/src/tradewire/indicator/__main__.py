"""The indicator service as a process."""

from tradewire.indicator.settings import Settings
from tradewire.indicator.wiring import build
from tradewire.runtime.process import run

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
