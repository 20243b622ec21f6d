"""The execution service as a process."""

from tradewire.execution.settings import Settings
from tradewire.execution.wiring import build
from tradewire.runtime.process import run

if __name__ == "__main__":
    settings = Settings()
    run(build(settings), settings=settings)
