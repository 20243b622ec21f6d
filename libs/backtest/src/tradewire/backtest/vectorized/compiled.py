"""How this package compiles: numba with its cache on disk, exact integers, no reordering of floating point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])

# numba's types describe njit as a bare decorator only, not as called here with options.
_NJIT: Any = numba.njit


def compiled(function: _Function) -> _Function:
    """Compile ``function`` at its first call; machine code is kept on disk and runs without the interpreter's lock.

    Without a cache directory that can be written, as in a read-only container, every process compiles for itself.
    """
    try:
        made: _Function = _NJIT(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:
        made = _NJIT(function, nogil=True, error_model="numpy")
    return made
