"""The dashboard's bundle: built twice the same, small, from a lock that names no registry."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tradewire.app.web.bundle import bundle

WEB = Path(__file__).parents[2] / "web"
SCRIPT_BYTES_MAX, STYLE_BYTES_MAX = 155_000, 12_000
"""Gzipped, of all that a page loads: libraries 95 kB, own code 60 kB."""


@pytest.fixture(scope="module")
def built_anew(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A second build, elsewhere."""
    folder = tmp_path_factory.mktemp("bundle")
    subprocess.run([sys.executable, str(WEB / "build.py"), "--into", str(folder)], check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_bundle_when_built_again_then_the_same_bytes(built_anew: dict[str, bytes]) -> None:
    assert built_anew == bundle()


def test_bundle_is_small(built_anew: dict[str, bytes]) -> None:
    size = {name: len(gzip.compress(content)) for name, content in built_anew.items()}
    assert sum(number for name, number in size.items() if name.endswith(".js")) <= SCRIPT_BYTES_MAX
    assert size["app.css"] <= STYLE_BYTES_MAX


def test_bundle_when_read_then_nothing_is_loaded_from_elsewhere(built_anew: dict[str, bytes]) -> None:
    page = built_anew["index.html"].decode()
    assert "://" not in page
    assert "<script>" not in page
    assert "style=" not in page


def test_lock_when_read_then_every_package_has_its_hash_and_no_address() -> None:
    text = (WEB / "package-lock.json").read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    assert [name for name, one in packages.items() if name and "integrity" not in one] == []
    assert [name for name, one in packages.items() if "resolved" in one] == []


def test_libraries_when_counted_then_few() -> None:
    wanted = json.loads((WEB / "package.json").read_text())
    assert len(wanted["dependencies"]) <= 6
    assert all(version[0].isdigit() for version in wanted["dependencies"].values())
