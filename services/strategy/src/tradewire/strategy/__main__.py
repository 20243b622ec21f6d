"""The strategy service as a process."""

from tradewire.runtime.process import run
from tradewire.strategy.settings import Settings
from tradewire.strategy.wiring import build

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
