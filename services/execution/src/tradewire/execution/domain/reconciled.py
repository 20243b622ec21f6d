"""What the venue showed when an account was last held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tradewire.ports.broker import BrokerAccount


@dataclass(frozen=True, slots=True)
class Reconciled:
    """``number``: of the newest request that it answers; -1: never done. ``working``: quantities by our id, base.

    ``doubtful``: records and venue differ in a way that one more reading settles.
    """

    number: int = -1
    working: Mapping[str, Decimal] = field(default_factory=dict)
    account: BrokerAccount | None = None
    doubtful: bool = False
