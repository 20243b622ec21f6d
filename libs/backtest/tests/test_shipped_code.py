"""Machine code that comes with the distribution: used where it fits, and never in the way."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest

from tradewire.backtest.compiled import when_compiling
from tradewire.backtest.shipped_code import MANIFEST, KeptCode, ShippedCode, gather, sources_of

NUMBA: Any = numba


def doubled(value: int) -> int:
    return 2 * value


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the machine code of `doubled`; numba's own files are kept nowhere."""
    monkeypatch.setattr(NUMBA.config, "CACHE_DIR", str(tmp_path / "cache"))
    NUMBA.njit(cache=True)(doubled)(4)
    gather([tmp_path / "cache"], tmp_path / "shipped", "the sources")
    monkeypatch.setattr(NUMBA.config, "CACHE_DIR", str(tmp_path / "empty"))
    return tmp_path / "shipped"


def compilations(folder: Path, value: float = 4) -> int:
    """How often numba compiles when a new process calls `doubled`."""
    function, seen = NUMBA.njit(doubled), list[None]()
    function._cache = KeptCode(doubled, ShippedCode(folder))
    with when_compiling(lambda: seen.append(None)):
        assert function(value) == 2 * value
    return len(seen)


def code_of(folder: Path) -> Path:
    (code,) = (path for path in folder.iterdir() if path.name != MANIFEST)
    return code


def made_for(folder: Path, what: str, value: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    assert what in manifest["made_for"]
    manifest["made_for"][what] = value
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_shipped_code_when_it_fits_then_nothing_is_compiled(shipped: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert sources_of(shipped) == "the sources"
    assert compilations(shipped) == 0
    assert compilations(shipped, 4.5) == 1, "not made for floats"
    assert not caplog.records


def test_shipped_code_when_a_processor_can_do_more_then_it_is_used(shipped: Path) -> None:
    made_for(shipped, "processor", [])

    assert compilations(shipped) == 0


def test_without_shipped_code_then_it_is_compiled_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, shipped: Path
) -> None:
    assert compilations(tmp_path / "nowhere") == 1
    assert sources_of(tmp_path / "nowhere") is None
    assert not caplog.records


def _cut(folder: Path) -> None:
    code_of(folder).write_bytes(code_of(folder).read_bytes()[:-100])


def _flip(folder: Path) -> None:
    kept = bytearray(code_of(folder).read_bytes())
    kept[len(kept) // 2] ^= 1
    code_of(folder).write_bytes(kept)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: made_for(folder, "python", "cpython-309"), "made for python cpython-309, this is cpython-3"),
        (lambda folder: made_for(folder, "numba", "0.1"), "made for numba 0.1, this is 0."),
        (lambda folder: made_for(folder, "system", "m68k-unknown-amiga"), "made for system m68k-unknown-amiga"),
        (lambda folder: made_for(folder, "processor", ["+time-travel"]), "this processor lacks +time-travel"),
        (lambda folder: made_for(folder, "processor", None), "can't be read"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "can't be read"),
        (lambda folder: (folder / MANIFEST).write_text("[]"), "can't be read"),
        (lambda folder: (folder / MANIFEST).write_text('{"made_for": {}, "files": {}}'), "can't be read"),
        (lambda folder: code_of(folder).unlink(), "No such file"),
        (_cut, "is not as it was made"),
        (_flip, "is not as it was made"),
    ],
)
def test_shipped_code_when_it_does_not_fit_then_the_log_has_one_line_and_it_is_compiled(
    shipped: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(shipped)

    with caplog.at_level(logging.WARNING):
        assert compilations(shipped) == 1

    (line,) = caplog.messages
    assert said in line
    assert "compiled at their first use" in line


def test_shipped_code_when_nothing_may_be_written_then_it_is_used_and_the_rest_is_compiled(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NUMBA.core.caching.CacheImpl, "_locator_classes", [])

    assert KeptCode(doubled, ShippedCode(shipped)).cache_path is None
    assert (compilations(shipped), compilations(shipped, 4.5)) == (0, 1)
