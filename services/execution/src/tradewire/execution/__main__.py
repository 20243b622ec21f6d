"""The execution service as a process."""

from tradewire.execution.settings import Settings
from tradewire.execution.wiring import build
from tradewire.runtime.process import main

if __name__ == "__main__":
    main(Settings, build)
