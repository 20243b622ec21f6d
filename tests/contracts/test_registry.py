"""The topic map checked against, registered at and compared with a registry."""

from __future__ import annotations

import json

import pytest
from tests.contracts.registry_server import Registry, serving

from tradewire.ports.errors import FatalError
from tradewire.ports.message import TopicSpec
from tradewire.ports.topics import TOPICS
from tradewire.runtime.codec.schema_registry import (
    RegistryClient,
    SchemaRefusedError,
    SubjectState,
    check,
    diff,
    field_changes,
    register,
    subject_of,
)

pytest_plugins = ["tradewire.embedded.fixtures"]

CANDLES = TOPICS["market.candle.v1"]


def changed(spec: TopicSpec, *, default: bool) -> str:
    schema = json.loads(spec.schema_json)
    schema["fields"].append({"name": "trades", "type": "long"} | ({"default": 0} if default else {}))
    return json.dumps(schema)


async def test_register_then_check_is_clean_and_again_changes_nothing(any_registry_url: str) -> None:
    first = await register(any_registry_url)
    again = await register(any_registry_url)

    assert first == again
    assert (await check(any_registry_url)).clean
    assert {report.topic: report.compatibility_found for report in first.subjects} == {
        name: spec.compatibility for name, spec in TOPICS.items()
    }
    assert (await diff(any_registry_url)).subjects == ()


async def test_check_of_an_empty_registry_lists_every_subject_as_new() -> None:
    with serving(Registry()) as url:
        report = await check(url)

    assert {subject.state for subject in report.subjects} == {SubjectState.NEW}
    assert not report.clean
    assert "new          market.candle.v1-value\n    compatibility not set; wanted: FULL_TRANSITIVE" in str(report)


async def test_diff_tells_changed_fields_and_unmanaged_subjects() -> None:
    with serving(Registry()) as url:
        async with RegistryClient(url) as registry:
            await registry.register(subject_of(CANDLES.name), changed(CANDLES, default=True))
            await registry.register("other.thing.v1-value", '"string"')
        report = await diff(url)

    assert report.unmanaged == ("other.thing.v1-value",)
    (candles,) = [subject for subject in report.subjects if subject.topic == CANDLES.name]
    assert candles.state is SubjectState.CHANGED
    assert any(change.startswith("fields.trades: registered {") for change in candles.changes)
    assert "not ours: other.thing.v1-value" in str(report)


async def test_register_of_an_incompatible_schema_is_refused_with_the_reason() -> None:
    with serving(Registry()) as url:
        async with RegistryClient(url) as registry:
            await registry.register(subject_of(CANDLES.name), changed(CANDLES, default=False))
            await registry.set_compatibility(subject_of(CANDLES.name), "FULL_TRANSITIVE")
        report = await check(url)
        with pytest.raises(SchemaRefusedError, match="trades"):
            await register(url, [CANDLES])

    (candles,) = report.incompatible
    assert candles.topic == CANDLES.name
    assert any("trades" in reason for reason in candles.reasons)


async def test_level_that_the_registry_does_not_keep_is_fatal() -> None:
    said = r"keeps compatibility None for market\.candle\.v1-value; wanted: FULL_TRANSITIVE"
    with serving(Registry(ignores_levels=True)) as url, pytest.raises(FatalError, match=said):
        await register(url, [CANDLES])


async def test_answer_that_is_no_registry_is_fatal() -> None:
    with serving(Registry()) as url:
        async with RegistryClient(url) as registry:
            with pytest.raises(FatalError, match="has no way to register"):
                await registry.register("a/b", '"string"')


def test_field_changes_names_the_path() -> None:
    before = {"type": "record", "name": "A", "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": "int"}]}
    after = {"type": "record", "name": "A", "fields": [{"name": "x", "type": "long"}]}

    assert field_changes(before, after) == (
        'fields.x.type: registered "int", ours "long"',
        'fields.y: registered {"name": "y", "type": "int"}, ours null',
    )
