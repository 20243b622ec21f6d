"""Is there a Docker engine for tests in containers?"""

from __future__ import annotations

from testcontainers.core.docker_client import DockerClient


class NoEngineError(Exception):
    """No Docker engine answers."""


def require_engine() -> None:
    """Raise NoEngineError, which says what to do, unless a Docker engine answers."""
    try:
        DockerClient().client.ping()
    except Exception as error:  # what its transport raises is passed on
        raise NoEngineError(
            "no Docker engine answers: start one, or set DOCKER_HOST. Without one, `make test` runs the same suites on "
            f"embedded servers. The client says: {error}"
        ) from None
