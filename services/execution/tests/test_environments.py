"""Which Binance orders may go to, and what must be there before they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire.execution.adapters.promotion import EXAMPLE, check_promotion, read_promotion
from tradewire.execution.settings import Settings
from tradewire.ports.errors import FatalError

LOCAL = {"binance_rest_url": "http://127.0.0.1:1", "binance_ws_url": "ws://127.0.0.1:1"}


def settings(**other: object) -> Settings:
    """An execution service at Binance."""
    return Settings(**{"bus_url": "memory:", "venue": "binance", "binance_keys": "keys"} | other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, "BINANCE_REST_URL: found None, allowed is http://127.0.0.1:PORT"),
        (LOCAL | {"binance_rest_url": "https://fapi.binance.com"}, "BINANCE_REST_URL: found https://fapi.binance.com"),
        (LOCAL | {"binance_rest_url": "http://127.0.0.1.example.org"}, "BINANCE_REST_URL: found"),
        (LOCAL | {"binance_keys": None}, "BINANCE_KEYS: found none, allowed is the folder"),
        (LOCAL | {"binance_network": "testnet"}, "allowed with the network local alone"),
        ({"binance_network": "testnet", "binance_shown_seconds": 1}, "BINANCE_SHOWN_SECONDS: found 1.0"),
        ({"binance_network": "mainnet"}, "allowed with TRADEWIRE_BINANCE_MAINNET=true"),
        ({"binance_network": "mainnet", "binance_mainnet": True}, "allowed on the mainnet is a promotion record"),
    ],
)
def test_settings_when_they_would_reach_another_binance_by_mistake_then_refused(
    other: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        settings(**other)


def test_addresses_when_a_network_is_named_then_those_of_the_network_and_no_other() -> None:
    assert settings(**LOCAL).binance_addresses().rest == "http://127.0.0.1:1"
    assert "testnet" in settings(binance_network="testnet").binance_addresses().rest
    mainnet = settings(binance_network="mainnet", binance_mainnet=True, binance_promotion="promotion.json")
    assert mainnet.binance_addresses().rest == "https://fapi.binance.com"


def test_promotion_when_account_and_revision_are_its_own_then_let_pass(tmp_path: Path) -> None:
    (tmp_path / "promotion.json").write_text(EXAMPLE)
    promotion = read_promotion(tmp_path / "promotion.json")
    check_promotion(promotion, "main", "1a2b3c4")
    with pytest.raises(FatalError, match="this is revision unknown, the promotion record allows 1a2b3c4"):
        check_promotion(promotion, "main", "unknown")
    with pytest.raises(FatalError, match="account alpha: the promotion record allows main"):
        check_promotion(promotion, "alpha", "1a2b3c4")


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Invalid JSON"), ("{}", "revision: Field required"), ('{"revision": "1", "extra": 1}', "accounts")],
)
def test_promotion_when_the_file_is_no_record_then_refused_with_an_example(
    text: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "promotion.json").write_text(text)
    with pytest.raises(FatalError, match=words):
        read_promotion(tmp_path / "promotion.json")
    with pytest.raises(FatalError, match="can't be read"):
        read_promotion(tmp_path / "none.json")
