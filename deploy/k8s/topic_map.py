"""Who reads and writes what, as ``contracts/topics.yaml`` has it, and what each service's settings reach besides."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMMAND = "cli"
"""The topic map's name for the ``tradewire`` command."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the topic map.

    ``group_topics`` are read as a consumer group, ``reads`` includes them. ``database``: its settings have a DSN.
    ``exchange``: its settings name an exchange on the internet.
    """

    name: str
    reads: frozenset[str]
    writes: frozenset[str]
    group_topics: tuple[str, ...]
    dead_letters: str
    database: bool
    exchange: bool


@dataclass(frozen=True, slots=True)
class TopicMap:
    """The topic map with its services, in the order in which it names their dead letters."""

    services: tuple[Service, ...]
    command_writes: frozenset[str]
    partitions: Mapping[str, int]

    @property
    def topics(self) -> frozenset[str]:
        """Every topic, those of dead letters included."""
        return frozenset(self.partitions)


def load(path: Path = ROOT / "contracts/topics.yaml") -> TopicMap:
    """The topic map of a file. Raises KeyError where it lacks what every topic must say."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows, dead = document["topics"], document["dead_letters"]
    counts = {name: group["partitions"] for name, group in document["groups"].items()}
    dead_topics = {service: dead["name"].format(service=service) for service in dead["services"]}
    partitions = {name: counts[row["group"]] for name, row in rows.items()}
    partitions |= dict.fromkeys(dead_topics.values(), counts[dead["group"]])
    shown = {name: frozenset(dead_topics.values() if name in dead["reads_back"] else ()) for name in dead["services"]}
    services = tuple(_service(name, rows, dead_topics[name], shown[name]) for name in dead["services"])
    return TopicMap(services, frozenset(_naming(COMMAND, rows, "producers")), partitions)


def _service(name: str, rows: Mapping[str, Any], dead_letters: str, shown: frozenset[str]) -> Service:
    settings = importlib.import_module(f"tradewire.{name}.settings").Settings.model_fields
    consumes = list(_naming(name, rows, "consumers"))
    writes = set(_naming(name, rows, "producers"))
    return Service(
        name=name,
        reads=frozenset([*consumes, *_naming(name, rows, "reads_back"), *shown]),
        writes=frozenset(writes),
        # A topic that it writes itself is its own changelog, and others are read whole: no group reads them.
        group_topics=tuple(topic for topic in consumes if topic not in writes and not _read_whole(name, rows[topic])),
        dead_letters=dead_letters,
        database=any(field.endswith("_dsn") for field in settings),
        exchange=any(field.startswith("ccxt_") for field in settings),
    )


def _naming(service: str, rows: Mapping[str, Any], side: str) -> Iterable[str]:
    """Topics that name the service on a side."""
    return (topic for topic, row in rows.items() if service in row.get(side, ()))


def _read_whole(service: str, row: Mapping[str, Any]) -> bool:
    """Does every instance read all of a topic?"""
    return row["group"] == "B" or service in row.get("fanout", ())
