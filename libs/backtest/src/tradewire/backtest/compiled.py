"""How research compiles: numba with its cache on disk, exact integers, no reordering of floating point."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core import event

from tradewire.backtest.shipped_code import use_shipped_code
from tradewire.trading.indicators.kept_code import kept_if_possible

FOLDERS = ("futures", "loops", "vectorized")
"""Where compiled loops are."""
_Function = TypeVar("_Function", bound=Callable[..., Any])

# numba's types describe njit as a bare decorator only, not as called here with options.
_NJIT: Any = numba.njit
_LISTENS: Any = event.install_listener
ZERO: int = cast(int, np.int64(0))
"""Where a counter begins: for a bare 0, a type of its own to numba, all that it is handed to is compiled once more."""
_BORROWED = {"_nrt": False}
_INSIDE = {**_BORROWED, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _sources_digest() -> str:
    """Digest of the sources of all compiled loops.

    Numba keeps machine code by the file and name of the function alone and would not see that one it calls, in
    another file, has changed; so the name holds the digest of them all.
    """
    sources = sorted(path for folder in FOLDERS for path in (Path(__file__).parent / folder).glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


_DIGEST = _sources_digest()
use_shipped_code()


def compiled(function: _Function) -> _Function:
    """Compile ``function`` at its first call; machine code is kept on disk and runs without the interpreter's lock.

    Without a place for it, as in a read-only container or on a full disk, every process compiles for itself.
    """
    return _compiled(function, {})


def compiled_on_borrowed(function: _Function) -> _Function:
    """As `compiled`, of a function that works on the arrays of its caller and makes none.

    It counts no references: in a hot loop the atomic counters of a handful of arrays cost more than the work on them.
    """
    return _compiled(function, _BORROWED)


def compiled_inside(function: _Function) -> _Function:
    """As `compiled_on_borrowed`, of a function that only compiled code calls.

    It has no way in from the interpreter and no copy on disk beside those its callers hold: to make these took as long
    as to compile it.
    """
    return _njit(function, _INSIDE)


def compiled_in_place(function: _Function) -> _Function:
    """As `compiled_inside`, of a function whose callers hold a copy of its code.

    For what a hot loop does at each of its events: to hand the fields of a handful of arrays over costs as much as the
    work on them.
    """
    return _njit(function, {**_INSIDE, "forceinline": True})


@contextmanager
def when_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Call ``tell`` whenever something is compiled in this context: on a new machine that takes half a minute."""
    listener = _CompileListener(tell)
    with _LISTENS("numba:compile", listener):
        yield


class _CompileListener(event.Listener):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_start(self, _: Any) -> None:
        self._tell()

    def on_end(self, _: Any) -> None:
        pass


def _compiled(function: _Function, options: Mapping[str, bool]) -> _Function:
    function.__qualname__ = f"{function.__qualname__}_{_DIGEST}"
    try:
        made: _Function = kept_if_possible(_njit(function, {**options, "cache": True}))
        return made
    except RuntimeError:
        return _njit(function, options)


def _njit(function: _Function, options: Mapping[str, bool]) -> _Function:
    made: _Function = _NJIT(function, nogil=True, error_model="numpy", **options)
    return made
