"""Times and columns of several series as one, without a copy wherever one is there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tradewire.ports.backtest import IntArray


def merged(times: Sequence[IntArray]) -> IntArray:
    """Every time once, increasing, of one or more series that each increase; the first itself where all are equal."""
    first = times[0]
    if all(np.array_equal(first, other) for other in times[1:]):
        return first
    every = np.sort(np.concatenate(times), kind="stable")  # linear in runs that are sorted; np.unique would hash
    found: IntArray = every[np.concatenate([[True], every[1:] != every[:-1]])]
    return found


def joined(before: NDArray[Any], after: NDArray[Any]) -> NDArray[Any]:
    """Both one after the other: a view where they are neighbours in one array, as the parts of a file are."""
    whole = before.base
    if isinstance(whole, np.ndarray) and whole is after.base and _fills(whole, before) and _fills(whole, after):
        first, second = ((part.ctypes.data - whole.ctypes.data) // part.itemsize for part in (before, after))
        if second == first + len(before):
            return whole.reshape(-1)[first : second + len(after)]
    return np.concatenate([before, after])


def _fills(whole: NDArray[Any], part: NDArray[Any]) -> bool:
    """Whether a part of an array lies in it without gaps."""
    same = part.dtype == whole.dtype and part.ndim == 1
    return same and part.flags.c_contiguous and whole.flags.c_contiguous
