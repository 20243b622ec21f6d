"""Of every test: property tests draw anew in each run, and no speed of the machine makes one fail.

A failing property prints its example and the ``@reproduce_failure`` line that draws it again anywhere; hypothesis
tries it first in the next run here.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "tradewire",
    derandomize=False,  # also where CI is set, for which hypothesis would draw the same every time
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("tradewire")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the servers of contract suites run."""
    parser.addoption(
        "--servers", choices=("embedded", "containers"), default="embedded", help="Servers of the contract suites."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say at once, rather than by each test, that containers can't be had."""
    if config.getoption("servers") == "containers":
        from tradewire.testkit.docker_engine import NoEngineError, require_engine

        try:
            require_engine()
        except NoEngineError as error:
            raise pytest.UsageError(str(error)) from None
