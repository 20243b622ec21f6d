"""What compiling tells."""

from __future__ import annotations

import numba

from tradewire.backtest.compiled import when_compiling


def doubled(value: int) -> int:
    return 2 * value


def test_it_is_told_when_something_is_compiled_and_not_when_it_runs() -> None:
    seen: list[str] = []
    function = numba.njit()(doubled)  # nothing of it is kept on disk

    with when_compiling(lambda: seen.append("compiling")):
        assert function(4) == 8
    first = list(seen)
    with when_compiling(lambda: seen.append("compiling")):
        assert function(5) == 10

    assert first
    assert seen == first
