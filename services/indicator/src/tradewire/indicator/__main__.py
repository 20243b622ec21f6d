"""The indicator service as a process."""

from tradewire.indicator.settings import Settings
from tradewire.indicator.wiring import build
from tradewire.runtime.process import main

if __name__ == "__main__":
    main(Settings, build)
