"""What a run's signals came to, and what did not happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class WaitingOrder:
    """An entry or exit that the end of the data found open: what was asked for and what is filled, in 1e-8 base."""

    symbol: str
    leg: str
    qty_e8: int
    filled_e8: int


@dataclass(frozen=True, slots=True)
class Activity:
    """What a strategy asked for in a run, and what became of it, as counts.

    ``bars``: bars of all symbols; at ``bars_not_ready`` of them an input had no value. ``entries_withheld``:
    bars at which an entry rule held and no entry was asked for, by reason: ``exit_first`` (the exit of its side held,
    too), ``both_entries``, ``not_ready``, ``not_above_0`` (a distance or sizing input). ``signals``: bars at
    which it asked for anything; ``signals_ignored``: those that asked for nothing that could be done, as an entry with
    a position held, an exit without one, or anything while an order was in flight.
    ``entries`` and ``exits``: orders that were sent; ``entries_cut``: those that ``sizing.max_leverage`` made smaller.
    ``refused``: entries that were not sent, by the first risk rule that each broke. ``rejected``: orders that the venue
    did not take, ``expired``: those that it took and ended by itself, by reason; protective orders that end with their
    entry are not counted again.
    ``liquidations`` and ``adl``: fills by which the venue reduced a position. ``data_ended_us``: the last close of each
    symbol whose bars end before the run does. ``settlements_without_position``: of funding, where none was held.
    ``waiting``: entries and exits that still waited at the end, by symbol and leg; protective orders wait by nature.
    """

    bars: int = 0
    bars_not_ready: int = 0
    entries_withheld: Mapping[str, int] = field(default_factory=dict)
    signals: int = 0
    signals_ignored: int = 0
    entries: int = 0
    exits: int = 0
    entries_cut: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    expired: Mapping[str, int] = field(default_factory=dict)
    liquidations: int = 0
    adl: int = 0
    data_ended_us: Mapping[str, int] = field(default_factory=dict)
    settlements_without_position: int = 0
    waiting: tuple[WaitingOrder, ...] = ()
