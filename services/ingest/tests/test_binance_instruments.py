"""Rules of a followed symbol that can't be read: the symbol is left out, and the others go on."""

from __future__ import annotations

from typing import Any

import pytest
from libs.venue.tests.venues import MINUTE_US, NOW_US
from services.ingest.tests.watched_venue import live, watching

from tradewire.ingest.adapters.binance_public import BinancePublic
from tradewire.ports.errors import FatalError
from tradewire.ports.events import LeverageBracket
from tradewire.venue.faults import ScriptedFault


@pytest.mark.parametrize("spoilt", [{"filters": None}, {"filters": []}, "brackets"])
async def test_a_symbol_that_comes_back_with_rules_that_can_not_be_read_is_left_out_until_they_can(
    monkeypatch: pytest.MonkeyPatch, spoilt: dict[str, object] | str
) -> None:
    readable = False
    symbols, brackets = BinancePublic.symbols, BinancePublic.brackets

    async def told_symbols(self: BinancePublic) -> dict[str, Any]:
        listed = await symbols(self)
        wrong = isinstance(spoilt, dict) and not readable and "ETHUSDT" in listed
        return listed | {"ETHUSDT": {**listed["ETHUSDT"], **spoilt}} if wrong else listed  # type: ignore[dict-item]

    async def told_brackets(self: BinancePublic) -> dict[str, tuple[LeverageBracket, ...]]:
        tiers = await brackets(self)
        return {name: of for name, of in tiers.items() if readable or spoilt != "brackets" or name != "ETHUSDT"}

    monkeypatch.setattr(BinancePublic, "symbols", told_symbols)
    monkeypatch.setattr(BinancePublic, "brackets", told_brackets)
    async with watching(ScriptedFault("list", symbol="ETHUSDT", at_s=130)) as watched:
        watched.silent_s, watched.keys = 60.0, spoilt == "brackets"
        watched.resume["binance", "ETHUSDT"] = NOW_US - 5 * MINUTE_US
        await watched.start()
        await watched.until_minute(4, symbols=("BTCUSDT",))
        await watched.kill()
        await watched.start()  # with rules that can't be read from the first look on
        await watched.until_minute(6, symbols=("BTCUSDT",))
        assert watched.instruments("ETHUSDT") == []
        readable = True
        await watched.until_minute(9)
        assert watched.minutes("ETHUSDT") == list(range(-5, 10))


async def test_a_symbol_never_followed_whose_rules_can_not_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = BinancePublic.symbols

    async def told(self: BinancePublic) -> dict[str, Any]:
        listed = await symbols(self)
        return listed | {"ETHUSDT": {**listed["ETHUSDT"], "filters": []}}

    monkeypatch.setattr(BinancePublic, "symbols", told)
    async with watching() as watched:
        source = live(watched)
        with pytest.raises(FatalError, match=r"ETHUSDT: its rules can't be read: LOT_SIZE"):
            await anext(source.events({}))
        await source.close()
