"""Registries for the tests of contracts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contracts.registry_server import Registry, serving


@pytest.fixture
def empty_registry_url() -> Iterator[str]:
    """A registry in this process that holds nothing."""
    with serving(Registry()) as url:
        yield url


@pytest.fixture(params=["in-process", "apicurio"])
def any_registry_url(request: pytest.FixtureRequest) -> str:
    """Each kind of registry in turn; Apicurio is shared by all tests and may hold their schemas."""
    names = {"in-process": "empty_registry_url", "apicurio": "registry_url"}
    url: str = request.getfixturevalue(names[request.param])
    return url
