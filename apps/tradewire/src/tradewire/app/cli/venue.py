"""``tradewire venue``: a simulated Binance USDⓈ-M futures venue on loopback, to train strategies and bots against."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewire.app.cli.environment import hold_names
from tradewire.app.cli.options import JsonOption, epilog, of_setting
from tradewire.app.cli.output import Exit, fail, run_async, tell
from tradewire.app.cli.reading import reading_of
from tradewire.app.operating.sample import sample_folder

if TYPE_CHECKING:
    from tradewire.venue.server import VenueServer

VENUE_EXAMPLES = (
    "tradewire venue",
    "tradewire venue --data my-candles --speed 60 --seed 7",
    "tradewire venue --json",
)
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of candle files and instruments.yaml; default: the sample."),
]
LiveReplayOption = Annotated[
    Path | None,
    typer.Option(
        "--live-replay", help="Recorded session (.jsonl, .jsonl.gz): its streams as they were, orders on its trades."
    ),
]
SpeedOption = Annotated[
    float, typer.Option("--speed", min=0.001, max=86_400, help="How much faster than the clock time passes there.")
]
BehindOption = Annotated[
    float, typer.Option("--behind", min=0, max=8760, help="Hours before the present at which its time begins.")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the test keys and of the book that is drawn.")]
BalanceOption = Annotated[str, typer.Option("--balance", help="USDT in the account's wallet at the start.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on loopback; 0: a free one.")]
HistoryOption = Annotated[
    int, typer.Option("--history", min=1, help="Candles of each file that have closed when it starts.")
]
WholeBarsOption = Annotated[
    bool, typer.Option("--whole-bars", help="Orders meet whole candles as they close, as in a replay.")
]
FaultsOption = Annotated[
    Path | None, typer.Option("--faults", help="YAML file of faults to show; docs/venues/binance.md has the kinds.")
]
KeyOption = Annotated[
    Path | None, typer.Option("--public-key", help="PEM file of an Ed25519 public key: the test key is judged by it.")
]

ZoneOption = Annotated[
    str | None,
    of_setting("--tz", "TRADEWIRE_MARKET_TZ", "Zone of times that name none, e.g. Europe/Berlin; default: UTC."),
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command's options, checked."""

    folder: Path
    recorded: Path | None
    speed: float
    behind_s: float
    seed: int
    balance: Decimal
    port: int
    history: int
    whole_bars: bool
    public_key: bytes | None
    faults: str | None
    zone: tzinfo


def venue(
    data: DataOption = None,
    live_replay: LiveReplayOption = None,
    speed: SpeedOption = 1.0,
    behind: BehindOption = 0.0,
    seed: SeedOption = 0,
    balance: BalanceOption = "100000",
    port: PortOption = 0,
    history: HistoryOption = 500,
    whole_bars: WholeBarsOption = False,
    faults: FaultsOption = None,
    public_key: KeyOption = None,
    tz: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve REST and WebSocket of Binance USDⓈ-M futures on loopback until Ctrl-C: recorded candles, test keys.

    What is served stands in docs/venues/binance.md. The candles begin at the present time; symbols are settled in USDT.
    """
    hold_names()
    if data is not None and live_replay is not None:
        fail("--data plays candles and --live-replay a recorded session: leave one of the two out", Exit.USAGE)
    folder = data if data is not None else sample_folder() / "data/sample"
    if not folder.is_dir():
        fail(f"--data {folder}: no such folder", Exit.USAGE)
    pem = public_key.read_bytes() if public_key is not None else None
    plan = faults.read_text(encoding="utf-8") if faults is not None else None
    asked = _Asked(
        folder,
        live_replay,
        speed,
        behind * 3600,
        seed,
        _amount(balance),
        port,
        history,
        whole_bars,
        pem,
        plan,
        reading_of(tz).zone,
    )
    run_async(lambda: _serve(asked, as_json=as_json))


def _amount(text: str) -> Decimal:
    """The wallet's balance. Raises CommandError for what is none."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 < amount <= 10**9:
        fail(f"--balance: found {text}, allowed is a number > 0 up to 1000000000", Exit.USAGE)
    return amount


async def _serve(asked: _Asked, *, as_json: bool) -> None:
    server = _server(asked)
    await server.start()
    try:
        _tell(server, as_json=as_json)
        await asyncio.Event().wait()
    finally:
        await server.stop()


def _server(asked: _Asked) -> VenueServer:
    """The venue, loaded only now: other commands start without it."""
    from tradewire.binance.signatures import Ed25519Verifier
    from tradewire.runtime.clock import SystemClock
    from tradewire.trading.instruments_file import parse_brackets
    from tradewire.venue.faults import FaultPlan, parse_faults
    from tradewire.venue.loading import load_markets, load_recording
    from tradewire.venue.server import VenueServer
    from tradewire.venue.venue import Venue, VenueOptions

    clock = SystemClock()
    now_us = clock.now_us() - round(asked.behind_s * 1e6)
    recording = None
    if asked.recorded is None:
        markets = load_markets(asked.folder, now_us=now_us, history=asked.history, zone=asked.zone)
    else:
        rules = asked.folder / "instruments.yaml"
        brackets = parse_brackets(rules.read_text(encoding="utf-8"), str(rules))
        markets, recording = load_recording(asked.recorded, brackets, now_us=now_us)
    plan = FaultPlan() if asked.faults is None else parse_faults(asked.faults, "--faults", seed=asked.seed)
    options = VenueOptions(asked.balance, asked.speed, asked.seed, asked.whole_bars, plan, asked.behind_s)
    served = Venue(markets, clock, options, recording)
    if asked.public_key is not None:
        try:
            served.api_keys.verifiers[served.keys.api_key] = Ed25519Verifier(asked.public_key)
        except ValueError as error:
            fail(f"--public-key: {error}", Exit.USAGE)
    return VenueServer(served, port=asked.port)


def _tell(server: VenueServer, *, as_json: bool) -> None:
    keys = server.venue.keys
    if as_json:
        found = {"rest": server.rest, "ws": server.ws, "api_key": keys.api_key, "secret": keys.secret}
        typer.echo(json.dumps(found))
        return
    tell(f"REST       {server.rest}")
    tell(f"WebSocket  {server.ws}   (/public, /market, /private, /ws-fapi/v1)")
    tell(f"API key    {keys.api_key}")
    tell(f"secret     {keys.secret}")
    tell(f"symbols    {', '.join(server.venue.markets)}")
    tell("Ctrl-C ends it; nothing is kept.")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("venue", epilog=epilog(*VENUE_EXAMPLES))(venue)
