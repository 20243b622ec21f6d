"""A rig for every test."""

from __future__ import annotations

import pytest

from tradewire.testkit.worker_rig import WorkerRig


@pytest.fixture
def rig() -> WorkerRig:
    """A fresh bus with every topic."""
    return WorkerRig()
