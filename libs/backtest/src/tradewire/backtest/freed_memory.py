"""Large arrays that come and go: their memory is kept for the next one instead of given back to the system."""

from __future__ import annotations

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 1 << 30


def keep_freed_memory() -> bool:
    """Have glibc keep up to 1 GiB of freed memory; False with another C library, which is left as it is.

    By default each array of a long history is mapped anew, and the kernel fills its pages with zeros (ADR 33).
    Source: mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return all(libc.mallopt(option, KEPT_BYTES) == 1 for option in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD))
