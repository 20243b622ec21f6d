"""How often Python looks for reference cycles while services run.

Records and events are freed by their reference counts as soon as they are answered; a batch in flight alone makes far
more objects than Python's default of 700 between two looks, and every look walks them in vain.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (50_000, 20, 50)
"""Net new objects before the young are looked through; rounds of that before the middle-aged, and of those the old."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Within this, cycles are looked for rarely."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
