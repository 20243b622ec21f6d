"""Freed memory is kept where glibc is the C library, and a second array costs no page faults."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from tradewire.backtest.freed_memory import keep_freed_memory
assert sys.argv[1] == "no" or keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(8_000_000).sum()
before = faults()
for _ in range(20):
    np.ones(8_000_000).sum()
print(faults() - before)
"""


def page_faults(kept: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CODE, kept],
        capture_output=True,
        text=True,
        check=True,  # code of our own
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library is left as it is")
def test_arrays_that_come_and_go_use_the_same_memory() -> None:
    array_pages = 8_000_000 * 8 // resource.getpagesize()
    assert page_faults("yes") < array_pages
    assert page_faults("no") > page_faults("yes")
