"""``python -m tradewire.app.cli``: the command where no console script is installed."""

import sys

from tradewire.app.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
