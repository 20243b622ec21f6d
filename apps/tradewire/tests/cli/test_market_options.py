"""`up` trades what was asked for or set, and refuses by name where the two differ."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import polars as pl
import pytest

from tradewire.app.cli import main
from tradewire.app.cli.market_options import MarketOptions, external_of, market_of
from tradewire.app.cli.output import CommandError, Exit
from tradewire.app.operating.platform import RunOptions, service_environment
from tradewire.app.operating.sample import sample_folder
from tradewire.embedded import Endpoints, Stack, StackPaths
from tradewire.embedded.external import External
from tradewire.embedded.user_settings import SettingsConflictError, shown
from tradewire.ingest.adapters.csv import CsvMarketData
from tradewire.runtime.clock import SystemClock
from tradewire.testkit.running_venue import running_venue
from tradewire.trading.candle_files import ENDINGS

SAMPLE = sample_folder() / "data/sample"
DSNS = {name: f"postgresql://me@db/{name}" for name in ("strategy", "risk", "execution", "telemetry")}
USERS = {
    "TRADEWIRE_CCXT_SYMBOLS": '["ETHUSDT"]',
    "TRADEWIRE_MARKET_PATH": "/my/data",
    "TRADEWIRE_BUS_URL": "redis://127.0.0.1:6379/0",
    "TRADEWIRE_PAPER_BALANCE": "5000",
    "TRADEWIRE_BARS_PER_SECOND": "2",
}


@pytest.mark.parametrize("asked", [MarketOptions(), MarketOptions(market="replay"), MarketOptions(market="live")])
def test_services_when_the_user_has_set_something_then_run_with_it(
    asked: MarketOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in USERS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(sample_folder())
    market = market_of(asked, {})
    external = External("redis://127.0.0.1:6379/0", dsns=DSNS)
    stack = Stack(StackPaths.under(tmp_path), kafka=False, registry=False, external=Endpoints(bus_url=external.bus_url))
    options = RunOptions(root=tmp_path, environment=market.environment, external=external)
    found = service_environment(stack, market.scenario, options)
    assert {name: found[name] for name in USERS} == USERS
    assert found["TRADEWIRE_RISK_DSN"] == DSNS["risk"]


def test_market_when_nothing_is_asked_then_the_sample_of_this_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample_folder())
    market = market_of(MarketOptions(), {})
    assert market.name == "replay of coinbase-BTCUSD-1h.csv at 5 bars/s"
    assert len(market.documents) == 3


def test_market_when_a_zone_is_named_then_its_files_are_read_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample_folder())
    assert market_of(MarketOptions(tz="Asia/Tokyo"), {}).environment["TRADEWIRE_MARKET_TZ"] == "Asia/Tokyo"
    assert MarketOptions(tz="Asia/Tokyo").words() == ["--tz", "Asia/Tokyo"]
    with pytest.raises(CommandError, match="--tz: found 'Tokyo', allowed a name of the time zone database"):
        market_of(MarketOptions(tz="Tokyo"), {})
    with pytest.raises(CommandError, match="--tz replays files and --venue follows a venue"):
        market_of(MarketOptions(tz="Asia/Tokyo", venue="binance"), {})
    with pytest.raises(SettingsConflictError, match="--tz Asia/Tokyo contradicts TRADEWIRE_MARKET_TZ=UTC"):
        market_of(MarketOptions(tz="Asia/Tokyo"), {"TRADEWIRE_MARKET_TZ": "UTC"})


def test_market_when_only_settings_name_one_then_it_is_theirs() -> None:
    market = market_of(MarketOptions(), USERS)
    assert market.name == "as set by TRADEWIRE_MARKET_PATH, TRADEWIRE_CCXT_SYMBOLS"
    assert (market.environment, market.documents) == ({}, ())


def test_market_when_a_folder_is_given_then_its_files_and_its_strategies(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "bitstamp-BTCUSD-1d.csv", tmp_path)
    shutil.copy(SAMPLE / "instruments.yaml", tmp_path)
    market = market_of(MarketOptions(data=tmp_path, strategies=sample_folder() / "strategies"), {})
    assert (market.scenario.data, market.scenario.files, len(market.documents)) == (tmp_path, (), 5)
    assert market.name.endswith("at full speed until all markets of alpha, beta have begun")
    daily = [f"bitstamp:{symbol}:1d" for symbol in ("BTCUSD", "ETHUSD", "LTCUSD")]
    assert json.loads(market.environment["TRADEWIRE_PACED_ONCE_BEGUN"]) == daily


@pytest.mark.parametrize("ending", ENDINGS)
def test_market_when_a_folder_has_files_of_any_kind_that_ingest_reads_then_they_are_replayed(
    ending: str, tmp_path: Path
) -> None:
    shutil.copy(SAMPLE / "instruments.yaml", tmp_path)
    rows, file = pl.read_csv(SAMPLE / "bitstamp-BTCUSD-1d.csv"), tmp_path / f"bitstamp-BTCUSD-1d{ending}"
    if ending == ".csv":
        rows.write_csv(file)
    elif ending == ".parquet":
        rows.write_parquet(file)
    else:
        rows.write_ipc(file)
    assert market_of(MarketOptions(data=tmp_path), {}).scenario.data == tmp_path
    instruments = tmp_path / "instruments.yaml"
    assert [read.path for read in CsvMarketData(tmp_path, instruments, SystemClock()).files] == [file]


def test_market_when_a_folder_has_no_candles_then_refused_with_every_ending(tmp_path: Path) -> None:
    (tmp_path / "bitstamp-BTCUSD-1d.funding.csv").touch()
    with pytest.raises(CommandError) as caught:
        market_of(MarketOptions(data=tmp_path), {})
    assert all(ending in str(caught.value) for ending in ENDINGS)


def test_market_when_a_venue_is_given_then_its_candles() -> None:
    environment = market_of(MarketOptions(venue="kraken", symbols="XBTUSD, ETHUSD", interval="5m"), {}).environment
    assert environment["TRADEWIRE_CCXT_EXCHANGE"] == environment["TRADEWIRE_CCXT_VENUE"] == "kraken"
    assert json.loads(environment["TRADEWIRE_CCXT_SYMBOLS"]) == ["XBTUSD", "ETHUSD"]
    assert environment["TRADEWIRE_CCXT_INTERVAL"] == "5m"


def test_market_when_binance_is_asked_for_then_its_streams_unless_a_setting_polls_it() -> None:
    market = market_of(MarketOptions(market="live", symbols="ETHUSDT", interval="5m"), {})
    assert market.name == "live 5m candles of ETHUSDT at binance, by WebSocket"
    expected = {
        "TRADEWIRE_MARKET_SOURCE": "binance",
        "TRADEWIRE_BINANCE_NETWORK": "mainnet",
        "TRADEWIRE_BINANCE_SYMBOLS": '["ETHUSDT"]',
        "TRADEWIRE_BINANCE_INTERVAL": "5m",
    }
    assert market.environment.items() >= expected.items()
    own = {"TRADEWIRE_BINANCE_REST_URL": "http://127.0.0.1:1", "TRADEWIRE_BINANCE_WS_URL": "ws://127.0.0.1:1"}
    assert "TRADEWIRE_BINANCE_NETWORK" not in market_of(MarketOptions(venue="binance"), own).environment
    for polls in ({"TRADEWIRE_MARKET_SOURCE": "ccxt"}, {"TRADEWIRE_CCXT_BASE_URL": "http://proxy"}):
        market = market_of(MarketOptions(venue="binance"), polls)
        assert market.environment["TRADEWIRE_CCXT_EXCHANGE"] == "binanceusdm"
        assert market.name == "live 1m candles of BTCUSDT at binance, by polling"


@pytest.fixture
def unlike() -> Iterator[str]:
    """Address of a server without Binance's protocol."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


@pytest.fixture
def like() -> Iterator[str]:
    """Address of a venue with Binance's protocol."""
    with running_venue(SAMPLE) as server:
        yield server.rest


def test_market_when_an_address_is_given_then_the_streams_of_the_venue_there(like: str) -> None:
    market = market_of(MarketOptions(venue=f"{like}/"), {"TRADEWIRE_MARKET_SOURCE": "binance"})
    named = {name: market.environment[f"TRADEWIRE_BINANCE_{name}"] for name in ("NETWORK", "REST_URL", "WS_URL")}
    assert named == {"NETWORK": "local", "REST_URL": like, "WS_URL": like.replace("http", "ws")}
    assert market.name == f"live 1m candles of BTCUSDT at {like}, by WebSocket"
    assert "\nvenue: binance\n" in market.documents[0]
    with pytest.raises(CommandError, match="found symbol XRPUSDT, allowed one that it lists: BTCUSDT") as caught:
        market_of(MarketOptions(venue=like, symbols="BTCUSDT,XRPUSDT"), {})
    assert caught.value.code is Exit.UNREACHABLE
    other = {"TRADEWIRE_BINANCE_REST_URL": "http://127.0.0.1:1"}
    for environ in (other, {"TRADEWIRE_MARKET_SOURCE": "ccxt"}, {"TRADEWIRE_BINANCE_NETWORK": "testnet"}):
        with pytest.raises(SettingsConflictError, match=r"(--venue|candles).* contradicts"):
            market_of(MarketOptions(venue=like), environ)


def test_market_when_an_address_has_another_protocol_then_refused_in_words(unlike: str) -> None:
    said = "exchangeInfo: found HTTP 501; allowed a venue with the protocol of Binance USDⓈ-M futures"
    with pytest.raises(CommandError, match=said):
        market_of(MarketOptions(venue=unlike), {})
    with pytest.raises(CommandError, match=r"exchangeInfo: ConnectError: .*; allowed a venue with the protocol"):
        market_of(MarketOptions(venue="http://127.0.0.1:1"), {})
    for address in ("ftp://127.0.0.1", "http://", f"{unlike}/fapi"):
        with pytest.raises(CommandError, match="allowed http://HOST:PORT or https://HOST"):
            market_of(MarketOptions(venue=address), {})
    with pytest.raises(CommandError, match="found kraken, allowed with TRADEWIRE_MARKET_SOURCE=binance: binance, or"):
        market_of(MarketOptions(venue="kraken", symbols="A"), {"TRADEWIRE_MARKET_SOURCE": "binance"})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (MarketOptions(market="auto"), "--market: found 'auto'; allowed: live, replay"),
        (MarketOptions(data=SAMPLE, symbols="BTCUSDT"), "--data replays files and --symbols follows a venue"),
        (MarketOptions(market="live", bars_per_second=2), "--bars-per-second replays files and --market live"),
        (MarketOptions(interval="7m"), "--interval: found '7m'; allowed: 1m, "),
        (MarketOptions(symbols=" , "), "--symbols: found none"),
        (MarketOptions(venue="kraken"), "--venue kraken: needs --symbols"),
        (MarketOptions(data=Path("/nowhere")), "--data /nowhere: no such folder"),
        (MarketOptions(data=sample_folder() / "strategies"), "no candle files"),
        (MarketOptions(market="live", strategies=SAMPLE / "none"), "found no [*].yaml"),
    ],
)
def test_market_when_the_options_make_no_sense_then_refused_in_words(asked: MarketOptions, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        market_of(asked, {})


def test_market_when_a_folder_has_no_instruments_then_says_where_to_get_them(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "bitstamp-BTCUSD-1d.csv", tmp_path)
    with pytest.raises(CommandError, match=r"no instruments\.yaml in it.*`tradewire init`"):
        market_of(MarketOptions(data=tmp_path), {})
    other = {"TRADEWIRE_INSTRUMENTS_FILE": str(SAMPLE / "instruments.yaml")}
    assert market_of(MarketOptions(data=tmp_path), other).scenario.data == tmp_path


@pytest.mark.parametrize(
    ("asked", "environ", "said"),
    [
        (MarketOptions(data=SAMPLE), {"TRADEWIRE_MARKET_PATH": "/my"}, "--data .* contradicts .*MARKET_PATH=/my"),
        (
            MarketOptions(symbols="A"),
            {"TRADEWIRE_CCXT_SYMBOLS": '["B"]'},
            '--symbols A contradicts .*SYMBOLS=\\["B"\\]',
        ),
        (MarketOptions(venue="x", symbols="A"), {"TRADEWIRE_CCXT_EXCHANGE": "y"}, "--venue x contradicts"),
        (MarketOptions(interval="1h"), {"TRADEWIRE_CCXT_INTERVAL": "1m"}, "--interval 1h contradicts"),
        (MarketOptions(bars_per_second=3), {"TRADEWIRE_BARS_PER_SECOND": "2"}, "--bars-per-second 3 contradicts"),
        (MarketOptions(market="live"), {"TRADEWIRE_MARKET_SOURCE": "csv"}, "--market live contradicts"),
        (MarketOptions(market="replay"), {"TRADEWIRE_MARKET_SOURCE": "ccxt"}, "--market replay contradicts"),
    ],
)
def test_market_when_an_option_contradicts_a_setting_then_refused_by_both_names(
    asked: MarketOptions, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsConflictError, match=said):
        market_of(asked, environ)


def test_servers_when_named_by_option_or_setting_then_those_and_a_contradiction_shows_no_password() -> None:
    environ = {"TRADEWIRE_RISK_DSN": "postgresql://me:secret@db/risk", "TRADEWIRE_BUS_URL": "redis://:hidden@db/0"}
    found = external_of(None, "http://registry", ["execution=postgresql://db/x"], environ)
    assert (found.bus_url, found.registry_url) == ("redis://:hidden@db/0", "http://registry")
    assert found.dsns == {"risk": "postgresql://me:secret@db/risk", "execution": "postgresql://db/x"}
    with pytest.raises(SettingsConflictError, match="contradicts TRADEWIRE_RISK_DSN: ") as caught:
        external_of(None, None, ["risk=postgresql://me:other@db/risk"], environ)
    assert not any(word in str(caught.value) for word in ("secret", "hidden", "other"))
    with pytest.raises(CommandError, match="--dsn: found 'ingest'; allowed: SERVICE=DSN with one of strategy, risk"):
        external_of(None, None, ["ingest=postgresql://db/x"], {})
    assert shown("redis://:hidden@db:1/0") == "redis://:***@db:1/0"


@pytest.mark.parametrize("command", ["run", "up"])
def test_command_when_a_port_is_set_that_processes_can_not_share_then_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sample_folder())
    monkeypatch.setenv("TRADEWIRE_HTTP_PORT", "8080")
    assert main([command, "--root", str(tmp_path / "it"), "--json"]) == Exit.REFUSED
    assert "TRADEWIRE_HTTP_PORT=8080 is set, but each process" in json.loads(capsys.readouterr().out)["error"]
    assert not (tmp_path / "it").exists()


def test_run_when_settings_name_another_market_then_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sample_folder())
    monkeypatch.setenv("TRADEWIRE_MARKET_PATH", "/my/data")
    assert main(["run", "--json"]) == Exit.REFUSED
    assert "TRADEWIRE_MARKET_PATH=/my/data is set, but `run` replays" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--bus", "foo://x"], "none of memory:, kafka://"),
        (["--bus", "memory:"], "--monolith"),
        (["--bus", "kafka://127.0.0.1:1"], "--bus kafka://127.0.0.1:1"),
        (["--bus", "redis://127.0.0.1:1/0"], "--bus redis://127.0.0.1:1/0"),
        (["--registry", "http://127.0.0.1:1"], "--registry http://127.0.0.1:1"),
        (["--dsn", "risk=postgresql://me:word@127.0.0.1:1/risk"], "--dsn risk postgresql://me:***@127.0.0.1:1/risk"),
        (["--venue", "binanse", "--symbols", "BTCUSDT"], "did you mean binance?"),
    ],
)
def test_server_or_venue_that_can_not_be_used_is_refused_before_anything_starts(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(sample_folder())
    assert main(["up", *options, "--root", str(tmp_path / "root")]) in (Exit.USAGE, Exit.UNREACHABLE)
    error = " ".join(capsys.readouterr().err.split())
    assert said in error
    assert "word" not in error
    assert not list(tmp_path.rglob("logs"))
