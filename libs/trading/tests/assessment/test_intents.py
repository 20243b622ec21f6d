"""Client order ids: the base32 of a hash, as the library writes it."""

from __future__ import annotations

import base64
import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tradewire.ports.events import OrderLeg
from tradewire.trading.assessment.intents import client_order_id


@given(evaluation_id=st.text(), version=st.integers(0, 99), leg=st.sampled_from(OrderLeg))
def test_client_order_ids_are_the_first_of_the_base32_of_a_hash(
    evaluation_id: str, version: int, leg: OrderLeg
) -> None:
    digest = hashlib.sha256(f"{evaluation_id}|trend|BTCUSDT|{version}|{leg}".encode()).digest()

    found = client_order_id(evaluation_id, "trend", "BTCUSDT", version, leg)

    assert found[4:] == base64.b32encode(digest).decode().lower()[:30]
    assert len(found) == 34
