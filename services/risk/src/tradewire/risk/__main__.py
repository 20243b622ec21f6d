"""The risk service as a process."""

from tradewire.risk.settings import Settings
from tradewire.risk.wiring import build
from tradewire.runtime.process import main

if __name__ == "__main__":
    main(Settings, build)
