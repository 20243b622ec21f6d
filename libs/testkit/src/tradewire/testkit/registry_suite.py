"""What every StrategyRegistryPort must do. An adapter's test class inherits this and says how to make one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tradewire.ports.events import ConfigStatus, RefusalReason, TradingMode
from tradewire.ports.strategy_registry import StoredVersion, StrategyRegistryPort, VersionConflict


def stored(version: int = 1, strategy_id: str = "ema-cross", **other: Any) -> StoredVersion:
    """An accepted version."""
    fields: dict[str, Any] = {
        "strategy_id": strategy_id,
        "version": version,
        "digest": f"{version:064x}",
        "document": f"id: {strategy_id}\n# version {version} – naïve\n",
        "account_id": "paper-1",
        "venue": "binance",
        "symbols": ("BTCUSDT", "ETHUSDT"),
        "interval": "1h",
        "author": "quant",
        "mode": TradingMode.PAPER,
        "status": ConfigStatus.ACCEPTED,
        "reasons": (),
        "published_at_us": 1_000 * version,
        "answered_at_us": 1_000 * version + 5,
    }
    return StoredVersion(**fields | other)


class RegistrySuite:
    """The port's contract."""

    @abstractmethod
    async def opened(self) -> StrategyRegistryPort:
        """A new, open registry over the same versions each time; the suite closes none of them."""

    @pytest.fixture
    async def registry(self) -> AsyncIterator[StrategyRegistryPort]:
        """An empty registry."""
        registry = await self.opened()
        yield registry
        await registry.close()

    async def test_get_when_saved_then_comes_back_whole_also_to_others(self, registry: StrategyRegistryPort) -> None:
        reasons = (
            RefusalReason(line=3, column=7, message="unknown ema2", suggestion="ema"),
            RefusalReason(message="x"),
        )
        evidence = {"sharpe": 1.25, "bars": 20_000, "nested": {"list": [1, None, "0.10"]}}
        version = stored(status=ConfigStatus.REFUSED, reasons=reasons, evidence=evidence)
        assert await registry.save(version) is None
        assert await (await self.opened()).get("ema-cross", 1) == version

    async def test_get_when_unknown_then_none(self, registry: StrategyRegistryPort) -> None:
        await registry.save(stored())
        assert await registry.get("ema-cross", 2) is None
        assert await registry.get("other", 1) is None
        assert list(await registry.versions("other")) == []

    async def test_versions_when_saved_in_any_order_then_rising(self, registry: StrategyRegistryPort) -> None:
        for number in (2, 10, 1):
            await registry.save(stored(number))
        await registry.save(stored(3, "other"))
        assert list(await registry.versions("ema-cross")) == [stored(1), stored(2), stored(10)]

    async def test_latest_when_several_strategies_then_newest_of_each_by_id(
        self, registry: StrategyRegistryPort
    ) -> None:
        for version in (stored(10), stored(9), stored(1, "a-rsi"), stored(2, "Z-upper")):
            await registry.save(version)
        assert list(await registry.latest()) == [stored(2, "Z-upper"), stored(1, "a-rsi"), stored(10)]

    async def test_save_when_content_is_equal_then_accepted_and_the_first_answer_stands(
        self, registry: StrategyRegistryPort
    ) -> None:
        await registry.save(stored(evidence={"sharpe": 1.0}))
        again = stored(author="other", answered_at_us=9, published_at_us=8, evidence={}, document="id: ema-cross")
        assert await registry.save(again) is None
        assert await registry.get("ema-cross", 1) == stored(evidence={"sharpe": 1.0})

    @pytest.mark.parametrize(
        "change",
        [{"digest": "f" * 64}, {"symbols": ("BTCUSDT",)}, {"account_id": "paper-2"}, {"mode": TradingMode.LIVE}],
        ids=lambda change: next(iter(change)),
    )
    async def test_save_when_content_differs_then_conflict_says_both_and_nothing_changes(
        self, registry: StrategyRegistryPort, change: dict[str, Any]
    ) -> None:
        await registry.save(stored())
        found = await registry.save(stored(**change))
        assert found == VersionConflict(stored(), stored(**change))
        assert found is not None
        name, value = next(iter(change.items()))
        assert f"stored with {name} {getattr(stored(), name)!r} and came with {name} {value!r}" in found.detail
        assert list(await registry.versions("ema-cross")) == [stored()]

    async def test_retire_when_accepted_then_retired_once_and_refused_stays(
        self, registry: StrategyRegistryPort
    ) -> None:
        refused = stored(2, status=ConfigStatus.REFUSED)
        for version in (stored(1), refused, stored(1, "other")):
            await registry.save(version)
        await registry.retire("ema-cross", 77)
        await registry.retire("ema-cross", 99)
        await registry.retire("unknown", 99)
        retired = replace(stored(1), status=ConfigStatus.RETIRED, answered_at_us=77)
        assert list(await registry.versions("ema-cross")) == [retired, refused]
        assert await registry.get("other", 1) == stored(1, "other")

    async def test_save_when_retired_then_same_version_stays_retired_and_a_next_one_is_accepted(
        self, registry: StrategyRegistryPort
    ) -> None:
        await registry.save(stored(1))
        await registry.retire("ema-cross", 77)
        assert await registry.save(stored(1)) is None
        assert await registry.save(stored(2)) is None
        assert [version.status for version in await registry.versions("ema-cross")] == [
            ConfigStatus.RETIRED,
            ConfigStatus.ACCEPTED,
        ]
