"""Binance's own SDK, unmodified, against the simulated venue: signed by HMAC and by Ed25519."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tradewire.binance.signatures import Ed25519Verifier
from tradewire.runtime.clock import SystemClock
from tradewire.venue.loading import load_markets
from tradewire.venue.server import VenueServer
from tradewire.venue.venue import Venue

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers/bin/python"
SCRIPT = Path(__file__).with_name("binance_sdk_peer.py")
SDK = "binance_sdk_derivatives_trading_usds_futures"

pytestmark = pytest.mark.skipif(
    not list(PEERS.parents[1].glob(f"lib/python*/site-packages/{SDK}")),
    reason="no Binance SDK among the peers: `make .venv-peers/.installed` makes them",
)


async def run(*, ed25519: bool) -> dict[str, Any]:
    """What each call of the SDK got."""
    clock = SystemClock()
    server = VenueServer(Venue(load_markets(ROOT / "data/sample", now_us=clock.now_us()), clock))
    await server.start()
    told = {
        "rest": server.rest,
        "ws": server.ws,
        "api_key": server.venue.keys.api_key,
        "secret": server.venue.keys.secret,
    }
    if ed25519:
        key = Ed25519PrivateKey.generate()
        told["private_key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        server.venue.api_keys.verifiers[told["api_key"]] = Ed25519Verifier(public)
    try:
        peer = await asyncio.create_subprocess_exec(
            str(PEERS), str(SCRIPT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = await peer.communicate(json.dumps(told).encode())
    finally:
        await server.stop()
    assert peer.returncode == 0, err.decode()[-3000:]
    return {line["call"]: line["got"] for line in map(json.loads, out.decode().splitlines())}


@pytest.mark.parametrize("ed25519", [False, True], ids=["hmac", "ed25519"])
async def test_binances_sdk_trades_at_the_venue(ed25519: bool) -> None:
    got = await run(ed25519=ed25519)
    assert got["exchangeInfo"] == ["BTCUSDT", "ETHUSDT", "LTCUSDT"]
    assert len(got["klines"]) == 2
    assert (got["leverage"]["leverage"], got["positionMode"]["dualSidePosition"]) == (5, False)
    assert got["new_order"]["status"] == "NEW"
    assert (got["modify_order"]["origQty"], got["query_order"]["origQty"]) == ("0.02", "0.02")
    assert len(got["openOrders"]) == 1
    assert got["cancel_order"]["status"] == "CANCELED"
    assert (got["market_order"]["status"], got["positionRisk"][0]["positionAmt"]) == ("FILLED", "0.0100")
    assert [row["orderId"] for row in got["userTrades"]] == [got["market_order"]["orderId"]]
    assert [row["incomeType"] for row in got["income"]] == ["COMMISSION"]
    assert (got["new_algo_order"]["algoStatus"], got["cancel_algo_order"]["msg"]) == ("NEW", "success")
    assert got["aggTrade"]["s"] == "BTCUSDT"
    assert got["user_data"][-1]["o"]["X"] == "FILLED"
    assert (got["ws_new_order"]["status"], got["ws_cancel_order"]["status"]) == ("NEW", "CANCELED")
