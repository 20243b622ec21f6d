"""The strategy service as a process."""

from tradewire.strategy.settings import Settings
from tradewire.strategy.wiring import build

from tradewire.runtime.process import run

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
