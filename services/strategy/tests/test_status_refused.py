"""A status that names a document which can't be compiled changes nothing."""

from __future__ import annotations

import pytest

from tradewire.ports.errors import RefusedRecordError
from tradewire.ports.message import Envelope
from tradewire.strategy.domain.desk import StrategyDesk
from tradewire.testkit import strategies


def test_status_with_a_broken_document_then_refused_and_the_version_in_force_stays() -> None:
    desk = StrategyDesk()
    good = strategies.active(strategies.document())
    desk.on_status(strategies.status(good), Envelope("first"))
    before = desk.status()
    bad = good.model_copy(update={"version": 2, "document": "id: ["})

    with pytest.raises(RefusedRecordError, match="can't be compiled"):
        desk.on_status(strategies.status(good, bad, strategy_id="trend"), Envelope("second"))

    assert desk.status() == before
