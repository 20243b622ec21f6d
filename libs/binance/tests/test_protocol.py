"""Names of streams, filters, weights, signatures, codes."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tradewire.binance.errors import CREDENTIALS, MESSAGES, NOT_EXECUTED, UNCERTAIN, ErrorCode, error_body
from tradewire.binance.filters import Filters, collar_fault, price_fault, qty_fault
from tradewire.binance.limits import BY_CALL, ENDPOINTS
from tradewire.binance.orders import venue_made
from tradewire.binance.signatures import Ed25519Signer, Ed25519Verifier, HmacKey, api_payload
from tradewire.binance.streams import Route, stream_name
from tradewire.binance.wire import FieldError

SYMBOL = {
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "556.80", "maxPrice": "4529764"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "120"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95", "multiplierDecimal": "4"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
    ]
}
FILTERS = Filters.read(SYMBOL)


@pytest.mark.parametrize(
    ("text", "symbol", "route"),
    [
        ("btcusdt@depth@100ms", "BTCUSDT", Route.PUBLIC),
        ("btcusdt@depth20", "BTCUSDT", Route.PUBLIC),
        ("btcusdt@bookTicker", "BTCUSDT", Route.PUBLIC),
        ("btcusdt@aggTrade", "BTCUSDT", Route.MARKET),
        ("btcusdt@kline_1m", "BTCUSDT", Route.MARKET),
        ("btcusdt@markPrice@1s", "BTCUSDT", Route.MARKET),
        ("!bookTicker", "", Route.PUBLIC),
        ("!markPrice@arr@1s", "", Route.MARKET),
    ],
)
def test_a_stream_has_a_symbol_and_a_part_of_the_address(text: str, symbol: str, route: Route) -> None:
    name = stream_name(text)
    assert (name.symbol, name.route, name.text) == (symbol, route, text)


@pytest.mark.parametrize("text", ["BTCUSDT@aggTrade", "btcusdt", "@aggTrade", "btcusdt@candles", "btcusdt@depth7"])
def test_a_name_of_no_stream_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="stream: found"):
        stream_name(text)


def test_filters_keep_every_digit_and_say_which_is_broken() -> None:
    assert FILTERS.tick_size == Decimal("0.10")
    assert price_fault(FILTERS, Decimal("600.15")) is ErrorCode.PRICE_NOT_INCREASED_BY_TICK_SIZE
    assert price_fault(FILTERS, Decimal("600.10")) is None
    assert price_fault(FILTERS, Decimal("556.7")) is ErrorCode.PRICE_LESS_THAN_MIN_PRICE
    assert price_fault(FILTERS, Decimal("4529764.1")) is ErrorCode.PRICE_GREATER_THAN_MAX_PRICE
    assert price_fault(FILTERS, Decimal(0)) is ErrorCode.PRICE_LESS_THAN_ZERO
    assert qty_fault(FILTERS, Decimal("0.0015"), market=False) is ErrorCode.QTY_NOT_INCREASED_BY_STEP_SIZE
    assert qty_fault(FILTERS, Decimal("0.0005"), market=False) is ErrorCode.QTY_LESS_THAN_MIN_QTY
    assert qty_fault(FILTERS, Decimal(121), market=True) is ErrorCode.QTY_GREATER_THAN_MAX_QTY
    assert qty_fault(FILTERS, Decimal(121), market=False) is None


def test_a_limit_price_is_held_against_the_mark_on_its_own_side_only() -> None:
    mark = Decimal(1000)
    assert collar_fault(FILTERS, Decimal("1050.1"), mark, buys=True) is ErrorCode.PRICE_HIGHER_THAN_MULTIPLIER_UP
    assert collar_fault(FILTERS, Decimal(1050), mark, buys=True) is None
    assert collar_fault(FILTERS, Decimal(2000), mark, buys=False) is None
    assert collar_fault(FILTERS, Decimal("949.9"), mark, buys=False) is ErrorCode.PRICE_LOWER_THAN_MULTIPLIER_DOWN
    assert collar_fault(replace(FILTERS, multiplier_up=Decimal(0)), Decimal(10**6), mark, buys=True) is None


def test_a_symbol_without_a_tick_is_refused_by_name() -> None:
    with pytest.raises(FieldError, match=r"PRICE_FILTER\.tickSize"):
        Filters.read({"filters": SYMBOL["filters"][1:]})


@pytest.mark.parametrize(("limit", "weight"), [("", 5), ("99", 1), ("100", 2), ("499", 2), ("500", 5), ("1500", 10)])
def test_klines_weigh_by_their_limit(limit: str, weight: int) -> None:
    assert BY_CALL["GET", "/fapi/v1/klines"].weight({"limit": limit}) == weight


def test_a_call_stands_once_and_weighs_less_with_a_symbol() -> None:
    assert len(BY_CALL) == len(ENDPOINTS)
    for call in ENDPOINTS:
        assert call.weight({"symbol": "BTCUSDT"}) <= call.weight({})


def test_hmac_is_that_of_the_documents() -> None:
    payload = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
    key = HmacKey("2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9")
    expected = hmac.new(key._secret, payload.encode(), hashlib.sha256).hexdigest()
    assert key.sign(payload) == expected
    assert key.accepts(payload, expected.upper())
    assert not key.accepts(payload + "0", expected)
    assert not key.accepts(payload, "ü")


def test_ed25519_is_accepted_by_its_own_key_only() -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = Ed25519Signer(pem).sign("a=1")
    assert Ed25519Verifier(public).accepts("a=1", signature)
    assert not Ed25519Verifier(public).accepts("a=2", signature)
    assert not Ed25519Verifier(public).accepts("a=1", "no base64!")


def test_a_websocket_request_is_signed_sorted_by_name() -> None:
    assert api_payload({"timestamp": 3, "apiKey": "k", "reduceOnly": True, "signature": "x"}) == (
        "apiKey=k&reduceOnly=true&timestamp=3"
    )


def test_what_codes_mean_is_disjoint_and_every_refusal_has_words() -> None:
    assert not NOT_EXECUTED & CREDENTIALS
    assert not NOT_EXECUTED & UNCERTAIN
    for code in ErrorCode:
        assert error_body(code)["msg"]
    assert set(MESSAGES) <= set(ErrorCode)


@pytest.mark.parametrize(
    ("client_id", "why"),
    [
        ("autoclose-1", "LIQUIDATION"),
        ("adl_autoclose", "ADL"),
        ("settlement_autoclose-3", "SETTLEMENT"),
        ("mine", None),
    ],
)
def test_orders_of_the_venue_are_told_by_their_id(client_id: str, why: str | None) -> None:
    assert venue_made(client_id) == why
