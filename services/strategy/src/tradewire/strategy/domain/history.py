"""The versions of a strategy on the line of event time: each in force until the next one is. Pure.

Whoever is behind asks for a bar that others have long answered, so a version stays until nobody can ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.ports.events import ActiveVersion, StrategyConfigPublished
from tradewire.trading.language import CompiledStrategy

Versions = tuple[ActiveVersion, ...]
"""By rising ``effective_from_us``. After a version that left some of its symbols stands the same one without them."""
VERSIONS_BYTES_MAX = 600_000
"""Most that the versions of one strategy may take in the platform's answer: two thirds of what any bus takes."""
_FIELDS_BYTES = 256
"""At most so much for a version's numbers, digest, account and venue, as Avro writes them."""


def version_of(config: StrategyConfigPublished, compiled: CompiledStrategy, effective_from_us: int) -> ActiveVersion:
    """A published version in force from an event time on."""
    return ActiveVersion(
        version=config.version,
        account_id=compiled.account,
        venue=compiled.venue,
        symbols=compiled.symbols,
        interval=compiled.interval,
        demands=compiled.demands,
        effective_from_us=effective_from_us,
        digest=compiled.digest,
        document=config.document,
    )


def left(versions: Versions, ends_us: Mapping[str, int]) -> Versions:
    """The same versions, but what the last one decides on ends, each symbol at an event time.

    Versions before it at the same interval go on with the same streams, so an end may lie in one of those.
    """
    streams = [(v.account_id, v.venue, v.interval) for v in versions]
    first = next((index for index in range(len(streams), 0, -1) if streams[index - 1] != streams[-1]), 0)
    kept, running = versions[:first], versions[first:]
    for symbol, end_us in ends_us.items():
        running = _without(running, symbol, end_us)
    return (*kept, *running)


def _without(versions: Versions, symbol: str, end_us: int) -> Versions:
    kept: list[ActiveVersion] = []
    for index, version in enumerate(versions):
        until_us = versions[index + 1].effective_from_us if index + 1 < len(versions) else None
        after = version
        if symbol in version.symbols and (until_us is None or end_us < until_us):
            symbols = tuple(other for other in version.symbols if other != symbol)
            begins_us = max(end_us, version.effective_from_us)
            after = version.model_copy(update={"symbols": symbols, "effective_from_us": begins_us})
        if version.effective_from_us < after.effective_from_us:
            kept.append(version)
        kept.append(after)
    return tuple(kept)


def begins_us(versions: Versions, version: ActiveVersion, symbol: str) -> int:
    """Since when a symbol is decided on at a version's interval without a break, by it or those before it."""
    since_us = version.effective_from_us
    for before in reversed([v for v in versions if v.effective_from_us < since_us]):
        if symbol not in before.symbols or before.interval != version.interval:
            break
        since_us = before.effective_from_us
    return since_us


def followed(versions: Versions, version: ActiveVersion) -> Versions:
    """With a version that takes over at its time from whatever would be in force then."""
    return (*(v for v in versions if v.effective_from_us < version.effective_from_us), version)


def still_needed(versions: Versions, passed_us: Mapping[str, int]) -> Versions:
    """Without the first ones, as long as their accounts have come past the moment at which the next one took over.

    ``passed_us``: event time of the newest state that is known of each account. Execution lets a bar happen when all
    before it have happened and were answered, so by then indicator, strategy and risk have told all that they owe.
    """
    first = 0
    while first + 1 < len(versions):
        taken_over_us = versions[first + 1].effective_from_us
        if passed_us.get(versions[first].account_id, -1) < taken_over_us:
            break
        first += 1
    return versions[first:]


def size_bytes(versions: Versions) -> int:
    """What they take in a message, rounded up."""
    texts = (text for v in versions for text in (v.document, *v.symbols, *v.demands))
    return sum(len(text.encode()) + 3 for text in texts) + _FIELDS_BYTES * len(versions)
