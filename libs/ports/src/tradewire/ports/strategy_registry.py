"""The strategy registry: every version ever published, what was answered, and the evidence behind it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tradewire.ports.events import ConfigStatus, RefusalReason, TradingMode

CONTENT = ("digest", "mode", "account_id", "venue", "symbols", "interval")
"""What makes two versions the same: the canonical document's digest and where it trades; not who published it, when."""


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One immutable version. ``digest``: sha256 of the canonical document, hex; ``document``: YAML as published.

    ``published_at_us`` and ``answered_at_us``: UTC, µs; ``evidence``: JSON values, e.g. a backtest's statistics.
    """

    strategy_id: str
    version: int
    digest: str
    document: str
    account_id: str
    venue: str
    symbols: tuple[str, ...]
    interval: str
    author: str
    mode: TradingMode
    status: ConfigStatus
    reasons: tuple[RefusalReason, ...]
    published_at_us: int
    answered_at_us: int
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionConflict:
    """A refusal: the version is taken by other content."""

    stored: StoredVersion
    offered: StoredVersion

    @property
    def detail(self) -> str:
        """What is stored and what was offered, for people."""
        differing = [name for name in CONTENT if getattr(self.stored, name) != getattr(self.offered, name)]
        found = "; ".join(f"{name} {getattr(self.offered, name)!r}" for name in differing)
        taken = "; ".join(f"{name} {getattr(self.stored, name)!r}" for name in differing)
        return (
            f"{self.stored.strategy_id} version {self.stored.version} is stored with {taken} and came with {found}; "
            f"a version never changes: publish the next one"
        )


def conflict(stored: StoredVersion, offered: StoredVersion) -> VersionConflict | None:
    """None when both have the same content."""
    same = all(getattr(stored, name) == getattr(offered, name) for name in CONTENT)
    return None if same else VersionConflict(stored, offered)


class StrategyRegistryPort(Protocol):
    """Adapters: Postgres, memory."""

    @abstractmethod
    async def open(self) -> None:
        """Connect and migrate. Raises RetryableError."""

    async def ping(self) -> None:
        """Ask whether the server answers; one in memory always does. Raises RetryableError, FatalError."""
        return

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def save(self, version: StoredVersion) -> VersionConflict | None:
        """Store a version; None when it is stored, also when it was before (the first answer and evidence stand).

        Other content under the same version changes nothing and is returned as a conflict. Raises RetryableError.
        """

    @abstractmethod
    async def get(self, strategy_id: str, version: int) -> StoredVersion | None:
        """One version; None when there is none. Raises RetryableError."""

    @abstractmethod
    async def versions(self, strategy_id: str) -> Sequence[StoredVersion]:
        """All versions of a strategy, rising. Raises RetryableError."""

    @abstractmethod
    async def latest(self) -> Sequence[StoredVersion]:
        """The newest version of every strategy, by strategy id. Raises RetryableError."""

    @abstractmethod
    async def retire(self, strategy_id: str, at_us: int) -> None:
        """Accepted versions published until now are RETIRED, as answered at ``at_us``; refused ones stay REFUSED.

        Unknown and already retired ones are left alone. Raises RetryableError.
        """
