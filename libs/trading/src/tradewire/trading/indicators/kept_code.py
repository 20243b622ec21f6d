"""Machine code that numba keeps on disk: where it can't be written, it is compiled again by the next process."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def kept_if_possible(function: Any) -> Any:
    """The same compiled function; that its code can't be kept, as on a full disk, ends nothing."""
    save = function._cache.save_overload

    def saved(signature: Any, data: Any) -> None:
        with suppress(OSError):
            save(signature, data)

    function._cache.save_overload = saved
    return function
