"""Makes ``contracts`` importable (a folder of scripts and data, not a distribution), and gives registries."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator

import pytest

ROOT = str(pathlib.Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)


@pytest.fixture
def empty_registry_url() -> Iterator[str]:
    """A registry in this process that holds nothing."""
    from tests.contracts.registry_server import Registry, serving

    with serving(Registry()) as url:
        yield url


@pytest.fixture(params=["in-process", "apicurio"])
def any_registry_url(request: pytest.FixtureRequest) -> str:
    """Each kind of registry in turn; Apicurio is shared by all tests and may hold their schemas."""
    names = {"in-process": "empty_registry_url", "apicurio": "registry_url"}
    url: str = request.getfixturevalue(names[request.param])
    return url
