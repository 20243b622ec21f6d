"""One strategy and one indicator in Python, for tradewire."""
