"""The dashboard's types of the state API are those of its OpenAPI document."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.layout import ROOT


def test_types_of_the_page_equal_the_openapi_document() -> None:
    command = [sys.executable, str(ROOT / "apps/tradewire/web/generate_types.py"), "--check"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
