"""The risk service as a process."""

from tradewire.risk.settings import Settings
from tradewire.risk.wiring import build
from tradewire.runtime.process import run

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
