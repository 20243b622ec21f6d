"""``tradewire dlq``: dead letters with their lineage, and their replay by the service that wrote them."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from tradewire.app.cli.dlq_text import failure_document, show_replay, show_skip
from tradewire.app.cli.moments import iso, moment
from tradewire.app.cli.options import BusOption, JsonOption, RegistryOption, RootOption, epilog, finite
from tradewire.app.cli.output import CommandError, Exit, fail, plain, print_json, run_async, tell
from tradewire.app.cli.reach import Where, reached
from tradewire.app.operating.dead_letters import Replay, letters, replay_key
from tradewire.app.operating.skipping import Skipped, skip_record
from tradewire.ports.message import Event
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.access.roles import Role
from tradewire.runtime.dead_letters.kept import Letter
from tradewire.runtime.dead_letters.releases import Skip
from tradewire.runtime.dead_letters.skip_words import SkipOutcome

HEX_BYTES_PER_LINE = 32
ANSWER_SECONDS = 30.0
app = typer.Typer(
    help="List, show and replay records that a service could not handle.",
    no_args_is_help=True,
    epilog=epilog("tradewire dlq list --service risk"),
)
ServiceOption = Annotated[str, typer.Option("--service", help=f"One of {', '.join(DEAD_LETTERS)}.")]
PARKED = "parked"
"""Stage of a record that has no fault of its own: one before it of its key has."""


def _service(name: str) -> str:
    if name not in DEAD_LETTERS:
        fail(f"--service: found {name!r}; allowed: {', '.join(DEAD_LETTERS)}", Exit.USAGE)
    return name


def add_to(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(app, name="dlq")


@app.command("list", epilog=epilog("tradewire dlq list", "tradewire dlq list --service risk --stage decode"))
def list_command(
    service: Annotated[str | None, typer.Option("--service", help="Only this service's.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this record key.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only from this topic.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only: decode, validate, handle, publish or parked.")] = None,
    since: Annotated[str | None, typer.Option(help="Only letters written since: ISO 8601, s or ms.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replayed and parked ones, too.")] = False,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """List dead letters that wait, oldest first per key. Exit code 1 when any does."""
    services = tuple(DEAD_LETTERS) if service is None else (_service(service),)
    since_ms = moment(since) // 1000 if since is not None else 0

    async def work() -> list[Letter]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            return await letters(platform.bus, services)

    found = [
        letter
        for letter in run_async(work)
        if (everything or letter.waits)
        and key in (None, letter.key)
        and topic in (None, letter.topic)
        and stage in (None, letter.stage)
        and letter.written_ms >= since_ms
    ]
    if as_json:
        print_json({"letters": [document(letter) for letter in found]})
    elif found:
        show_list(found, each=everything)
    else:
        tell("no dead letters" + ("" if everything else " wait"), style="green")
    if any(letter.waits for letter in found):
        raise typer.Exit(Exit.REFUSED)


def show_list(found: list[Letter], *, each: bool = False) -> None:
    """Two lines per letter, so that nothing is cut in a narrow terminal: what and where; from where and why.

    Records that are only parked behind another letter of their key are counted, or listed with ``each``.
    """
    first = {(letter.service, letter.key) for letter in found if letter.stage != PARKED}
    behind = Counter((letter.service, letter.key) for letter in found if letter.stage == PARKED and letter.waits)
    parked = sorted({(letter.service, letter.key) for letter in found if letter.parks})
    if not each:
        found = [letter for letter in found if letter.stage != PARKED or (letter.service, letter.key) not in first]
    rows = [(letter.service, letter.place, letter.stage, written_at(letter), letter.key) for letter in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for letter, row in zip(found, rows, strict=True):
        line = "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]])
        tell(line + ("" if letter.waits else "  (replayed)"), style="red" if letter.waits else "dim")
        tell(f"    {source_of(letter)}: {letter.reason}")
    for service, key in parked:
        if not each and behind[service, key]:
            tell(f"{key}: {behind[service, key]:,} waiting behind that; --all lists each", style="yellow")
        tell(f"{key} is parked: tradewire dlq replay --service {service} --key {key}", style="yellow")


def written_at(letter: Letter) -> str:
    """When the letter was written, to the second."""
    return iso(letter.written_ms // 1000 * 1_000_000)


def source_of(letter: Letter) -> str:
    """Where the record came from."""
    lineage = letter.lineage()
    return f"{letter.topic}/{lineage.get('dlq.partition', '?')}@{lineage.get('dlq.offset', '?')}"


def document(letter: Letter) -> dict[str, Any]:
    """A letter for programs."""
    lineage = letter.lineage()
    return {
        "service": letter.service,
        "letter": letter.place,
        "topic": letter.topic,
        "partition": lineage.get("dlq.partition"),
        "offset": lineage.get("dlq.offset"),
        "key": letter.key,
        "stage": letter.stage,
        "waits": letter.waits,
        "parks_key": letter.parks,
        "error_type": lineage.get("dlq.error.type") if letter.failure is None else letter.failure.error_type,
        "error_message": letter.reason,
        "failed_again": letter.failure is not None,
        "event_id": lineage.get("event_id"),
        "written_ms": letter.written_ms,
    }


@app.command(epilog=epilog("tradewire dlq show --service risk 3/17"))
def show(
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="PARTITION/OFFSET as `list` names it.")],
    service: ServiceOption,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one letter: lineage, bytes and, where it can be read, its message."""
    _service(service)

    async def work() -> tuple[Letter, Event | str]:
        async with reached(Where(root, bus, registry_url), Role.VIEWER) as platform:
            found = await letters(platform.bus, (service,))
            for candidate in found:
                if candidate.place == letter:
                    return candidate, await candidate.decoded(platform.codec)
            known = ", ".join(candidate.place for candidate in found[-10:]) or "none"
            raise CommandError(f"no letter {letter} in {DEAD_LETTERS[service]}; the newest are: {known}")

    found, message = run_async(work)
    value = found.record.value
    if as_json:
        readable = message if isinstance(message, Event) else None
        extra = {"headers": found.lineage(), "value_hex": value, "message": readable}
        print_json(document(found) | extra | ({} if readable else {"unreadable": message}))
        return
    tell(f"letter {found.place} of {service}, {'waits' if found.waits else 'replayed'}", style="bold")
    for name, text in found.lineage().items():
        tell(f"  {name:<22}{text}")
    tell(f"  {'key':<22}{found.key}")
    tell(f"  {'value':<22}{'a tombstone' if value is None else f'{len(value)} bytes'}")
    for start in range(0, len(value or b""), HEX_BYTES_PER_LINE):
        tell(f"    {(value or b'')[start : start + HEX_BYTES_PER_LINE].hex(' ', 4)}", style="dim")
    if isinstance(message, str):
        tell(f"  unreadable: {message}", style="yellow")
        return
    tell(f"  {type(message).__name__}")
    for name, text in plain(message).items():
        tell(f"    {name:<20}{text}")


@app.command(
    epilog=epilog(
        "tradewire dlq replay --service risk --key main",
        "tradewire dlq replay --service risk --key main --discard 3/17",
    )
)
def replay(
    service: ServiceOption,
    key: Annotated[str, typer.Option(help="Record key whose letters are handled, in order.")],
    topic: Annotated[str | None, typer.Option(help="Original topic, when the key waits in several.")] = None,
    discard: Annotated[
        list[str] | None, typer.Option(help="Give this letter up instead (PARTITION/OFFSET); repeatable.")
    ] = None,
    wait_s: Annotated[
        float, typer.Option("--wait-s", min=0.1, callback=finite, help="Longest wait for the service's answer, s.")
    ] = ANSWER_SECONDS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the service handle a key's letters, in order and before it reads on, and free the key.

    Exit code 1 when a letter fails again: those before it are done, the key stays parked behind it. Exit code 3 when
    the service has not answered in time: the request stays, and is carried out as soon as it can be.
    """
    _service(service)

    async def work() -> Replay:
        async with reached(Where(root, bus, registry_url), Role.OPERATOR) as platform:
            return await replay_key(
                platform.operator,
                service=service,
                key=key,
                topic=topic,
                discard=tuple(discard or ()),
                within_s=wait_s,
            )

    done = run_async(work)
    if as_json:
        names = ("service", "topic", "key", "replayed", "discarded", "confirmed")
        print_json({name: getattr(done, name) for name in names} | {"failed_again": failure_document(done)})
    else:
        show_replay(done)
    if done.failed_again is not None:
        raise typer.Exit(Exit.REFUSED)
    if not done.confirmed:
        raise typer.Exit(Exit.UNREACHABLE)


@app.command(
    epilog=epilog("tradewire dlq skip market.candle.v1 3 1702 execution --reason 'ends execution, mended in 1.4'")
)
def skip(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Where the record is.")],
    partition: Annotated[int, typer.Argument(metavar="PARTITION", min=0)],
    offset: Annotated[int, typer.Argument(metavar="OFFSET", min=0)],
    service: Annotated[str, typer.Argument(metavar="SERVICE", help=f"One of {', '.join(DEAD_LETTERS)}.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with your name in the audit log.")],
    wait_s: Annotated[
        float, typer.Option("--wait-s", min=0.1, callback=finite, help="Longest wait for the service's answer, s.")
    ] = ANSWER_SECONDS,
    root: RootOption = None,
    bus: BusOption = None,
    registry_url: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a service pass over one record for good: one that ends it at each start, as its log says.

    The service answers whether that has an effect. It reads this before its first record, too. For a record that was
    dead-lettered, use `replay --discard`.

    Exit code 1 when the service has handled the record already: nothing takes back what followed from it. Exit code 3
    when the service has not answered in time: what was asked stays.
    """
    _service(service)

    async def work() -> Skipped:
        async with reached(Where(root, bus, registry_url), Role.OPERATOR) as platform:
            asked = Skip(topic, partition, offset, reason, platform.operator.author)
            return await skip_record(platform.operator, asked, service, within_s=wait_s)

    done = run_async(work)
    if as_json:
        said = None if done.answer is None else done.answer.outcome.value
        names = {"service": service, "skip": done.skip, "letter": done.letter, "key": done.record.key}
        print_json(names | {"outcome": said})
    else:
        show_skip(done)
    if done.answer is None:
        raise typer.Exit(Exit.UNREACHABLE)
    if done.answer.outcome is SkipOutcome.HANDLED:
        raise typer.Exit(Exit.REFUSED)
