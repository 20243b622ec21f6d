"""Servers that are there already; the embedded stack runs what is not named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tradewire.embedded import Endpoints, Stack, StackPaths

DATABASES = ("strategy", "risk", "execution", "telemetry")
"""Services with a database of their own, which has their name."""
RATE_BUDGET = "TRADEWIRE_RATE_BUDGET_DSN"


@dataclass(frozen=True, slots=True)
class External:
    """Addresses of the user's own servers. ``dsns``: a Postgres database by service. ``rate_budget_dsn``: of the rate
    budget that all share; None: where execution's is, in a schema of its own.
    """

    bus_url: str | None = None
    registry_url: str | None = None
    dsns: Mapping[str, str] = field(default_factory=dict)
    rate_budget_dsn: str | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> External:
        """Those that settings name."""
        dsns = {name: environ[dsn_setting(name)] for name in DATABASES if dsn_setting(name) in environ}
        bus_url, registry_url = environ.get("TRADEWIRE_BUS_URL"), environ.get("TRADEWIRE_REGISTRY_URL")
        return cls(bus_url, registry_url, dsns, environ.get(RATE_BUDGET))

    def as_settings(self) -> dict[str, str]:
        """The same as settings, for another process: a command line could be read by everyone."""
        named = {
            "TRADEWIRE_BUS_URL": self.bus_url,
            "TRADEWIRE_REGISTRY_URL": self.registry_url,
            RATE_BUDGET: self.rate_budget_dsn,
        }
        own = {name: value for name, value in named.items() if value is not None}
        return own | {dsn_setting(name): dsn for name, dsn in self.dsns.items()}

    def planned(self) -> External:
        """With an address for every server that is still to be started, for those who judge settings before."""
        dsns = {name: f"postgresql://127.0.0.1/{name}" for name in DATABASES}
        return replace(self, bus_url=self.bus_url or "kafka://127.0.0.1:9092", dsns={**dsns, **self.dsns})

    def stack(self, paths: StackPaths, *, registry: bool) -> Stack:
        """The servers that are missing. A registry is not run beside a bus of the user's own."""
        return Stack(
            paths,
            kafka=self.bus_url is None,
            postgres=any(name not in self.dsns for name in DATABASES),
            registry=registry and self.bus_url is None and self.registry_url is None,
            external=Endpoints(bus_url=self.bus_url, registry_url=self.registry_url),
        )

    def settings(self, stack: Stack, *, registry: bool) -> dict[str, str]:
        """Settings of the services by which they reach their servers. ``registry``: is one of the stack's wanted?"""
        own = {dsn_setting(name): self.dsns.get(name) or stack.postgres_dsn(name) for name in DATABASES}
        own[RATE_BUDGET] = self.rate_budget_dsn or own[dsn_setting("execution")]
        own["TRADEWIRE_BUS_URL"] = self.bus_url or f"kafka://{stack.bootstrap_servers}"
        if self.registry_url is not None:
            own["TRADEWIRE_REGISTRY_URL"] = self.registry_url
        elif registry and self.bus_url is None:
            own["TRADEWIRE_REGISTRY_URL"] = stack.registry_url
        return own


def dsn_setting(service: str) -> str:
    """Name of a service's setting for its database."""
    return f"TRADEWIRE_{service.upper()}_DSN"
