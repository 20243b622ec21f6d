"""The door: keys, signatures, clocks, weights, bans, listen keys."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from libs.venue.tests.venues import NOW_US, Client, bar, market

from tradewire.binance.limits import BY_CALL
from tradewire.binance.signatures import Ed25519Signer, Ed25519Verifier, HmacKey
from tradewire.testkit.manual_clock import ManualClock
from tradewire.venue.door import CALLS, HttpAnswer, HttpCall
from tradewire.venue.turned_clock import TurnedClock
from tradewire.venue.venue import VenueOptions

NOW_MS = NOW_US // 1000


@pytest.fixture
def client() -> Client:
    return Client(market(*(bar(n, "1000.0") for n in range(24 * 60))))


def asked(client: Client, payload: str, *, key: str | None = None, signature: str = "") -> HttpAnswer:
    values = dict(item.split("=") for item in payload.split("&") if item) | {"signature": signature}
    api_key = client.venue.keys.api_key if key is None else key
    return client.door.answer(HttpCall("GET", "/fapi/v3/balance", values, payload, api_key, "127.0.0.1"))


def test_every_call_that_is_answered_has_a_weight_and_a_security() -> None:
    assert set(CALLS) == set(BY_CALL)


@pytest.mark.parametrize(("key", "status", "code"), [("", 401, -2014), ("f" * 64, 401, -2015)])
def test_a_key_that_is_missing_or_unknown_is_refused(client: Client, key: str, status: int, code: int) -> None:
    answer = asked(client, f"timestamp={NOW_MS}", key=key, signature="00")
    assert (answer.status, answer.body["code"]) == (status, code)


def test_a_wrong_signature_is_refused(client: Client) -> None:
    assert asked(client, f"timestamp={NOW_MS}", signature="00").body["code"] == -1022
    assert asked(client, f"timestamp={NOW_MS}").body["code"] == -1102


@pytest.mark.parametrize(
    ("offset_ms", "window_ms", "code"),
    [
        (0, 5000, None),
        (-5000, 5000, None),
        (-5001, 5000, -1021),
        (-6000, 10_000, None),
        (999, 5000, None),
        (1000, 5000, -1021),
        (0, 60_001, -1130),
    ],
)
def test_a_timestamp_counts_within_its_window(client: Client, offset_ms: int, window_ms: int, code: int | None) -> None:
    payload = f"timestamp={NOW_MS + offset_ms}&recvWindow={window_ms}"
    answer = asked(client, payload, signature=HmacKey(client.venue.keys.secret).sign(payload))
    assert (answer.body["code"] if isinstance(answer.body, dict) else None) == code


@pytest.mark.parametrize(("seconds", "code"), [(4.9, None), (5.1, -1021)])
def test_a_client_that_asked_for_a_turned_time_may_go_on_by_its_own_clock(seconds: float, code: int | None) -> None:
    candles = market(*(bar(n, "1000.0") for n in range(-60, 24 * 60)))
    client = Client(candles, options=VenueOptions(speed=240, behind_s=3600))
    payload = f"timestamp={client.venue.now_ms() + int(seconds * 1000)}"
    client.clock.advance(seconds=seconds)
    answer = asked(client, payload, signature=HmacKey(client.venue.keys.secret).sign(payload))
    assert (answer.body["code"] if isinstance(answer.body, dict) else None) == code


def test_an_ed25519_key_opens_the_door(client: Client) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    client.venue.api_keys.verifiers["mine"] = Ed25519Verifier(public)
    payload = f"timestamp={NOW_MS}"
    assert asked(client, payload, key="mine", signature=Ed25519Signer(pem).sign(payload)).status == 200
    assert asked(client, payload, key="mine", signature=HmacKey("x").sign(payload)).body["code"] == -1022


def test_weight_is_told_then_refused_then_the_address_is_banned(client: Client) -> None:
    for number in range(60):
        answer = client.ask("GET", "v1/openOrders")
        assert (answer.status, answer.headers["X-MBX-USED-WEIGHT-1M"]) == (200, str(40 * (number + 1)))
    refused = client.ask("GET", "v1/openOrders")
    assert (refused.status, refused.body["code"], refused.headers["Retry-After"]) == (429, -1003, "60")
    for _ in range(10):
        refused = client.ask("GET", "v1/time")
    assert (refused.status, refused.headers["Retry-After"]) == (418, "120")
    client.wait(119)
    assert client.ask("GET", "v1/time").status == 418
    client.wait(2)
    assert client.ask("GET", "v1/time").status == 200


def test_waiting_out_a_429_bans_nobody(client: Client) -> None:
    for _ in range(61):
        refused = client.ask("GET", "v1/openOrders")
    assert refused.status == 429
    client.wait(60)
    assert client.ask("GET", "v1/openOrders").headers["X-MBX-USED-WEIGHT-1M"] == "40"


def test_orders_are_counted_in_ten_seconds(client: Client) -> None:
    counts = [client.order("BUY", "0.010", "990.0").headers["X-MBX-ORDER-COUNT-10S"] for _ in range(3)]
    assert counts == ["1", "2", "3"]
    for _ in range(297):
        client.ask("POST", "v1/order", symbol="XUSDT")
    refused = client.order("BUY", "0.010", "990.0")
    assert (refused.status, refused.body["code"], refused.headers["Retry-After"]) == (429, -1015, "10")
    client.wait(10)
    assert client.order("BUY", "0.010", "990.0").status == 200


def test_an_unknown_path_is_said_to_be_one(client: Client) -> None:
    assert client.ask("GET", "v9/nothing").body == {
        "code": -5000,
        "msg": "Path /fapi/v9/nothing, Method GET is invalid",
    }


def test_a_listen_key_lives_an_hour_from_its_last_use(client: Client) -> None:
    key = client.ask("POST", "v1/listenKey").body["listenKey"]
    client.wait(3599)
    assert client.ask("PUT", "v1/listenKey").body == {"listenKey": key}
    client.wait(3599)
    assert client.ask("POST", "v1/listenKey").body == {"listenKey": key}
    client.wait(3600)
    assert client.ask("PUT", "v1/listenKey").body["code"] == -1125
    assert client.ask("POST", "v1/listenKey").body["listenKey"] != key


def test_time_that_begins_before_the_present_runs_from_there() -> None:
    clock = ManualClock(NOW_US)
    turned = TurnedClock(clock, speed=60, behind_s=3600)
    clock.advance(seconds=60)
    assert turned.now_us() == NOW_US
    assert turned.is_turned
