"""Machine code that can't be kept on disk."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numba
import pytest

from tradewire.trading.indicators.kept_code import kept_if_possible

NUMBA: Any = numba


def doubled(value: int) -> int:
    return 2 * value


def test_on_a_full_disk_code_is_compiled_and_used_and_kept_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NUMBA.config, "CACHE_DIR", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        assert kept_if_possible(NUMBA.njit(cache=True)(doubled))(4) == 8
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.rglob("*.nbc"))
    assert kept_if_possible(NUMBA.njit(cache=True)(doubled))(4) == 8
    assert list(tmp_path.rglob("*.nbc"))
