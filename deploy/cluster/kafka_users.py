"""``python -m deploy.cluster.kafka_users ADDRESS < PASSWORDS``: users and rights of the paper overlay.

They are as Strimzi would make them. PASSWORDS is a JSON object, a password by the name of each user.
ADDRESS is a listener whose caller may do everything.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from threading import Event
from typing import Any

import yaml
from deploy.k8s.generate import HERE

kafka_admin: Any = importlib.import_module("confluent_kafka.admin")  # its types leave out what it re-exports
LOOK_SECONDS = 0.05


def users_of(objects: Iterable[Any]) -> list[Any]:
    """Every KafkaUser of an overlay."""
    return [found for found in objects if found and found["kind"] == "KafkaUser"]


def make_users(admin: Any, users: Iterable[Any], passwords: Mapping[str, str]) -> None:
    """Make each KafkaUser with its password and its rights; returns once the broker obeys them."""
    info = kafka_admin.ScramCredentialInfo(kafka_admin.ScramMechanism.SCRAM_SHA_512, 4096)
    names = [user["metadata"]["name"] for user in users]
    credentials = [kafka_admin.UserScramCredentialUpsertion(name, info, passwords[name].encode()) for name in names]
    rights = [binding for user in users for binding in _bindings(user)]
    for futures in (admin.alter_user_scram_credentials(credentials), admin.create_acls(rights)):
        for future in futures.values():
            future.result()
    while len(_in_force(admin)) < len(set(rights)):  # the broker obeys them later than the controller took them
        Event().wait(LOOK_SECONDS)


def _in_force(admin: Any) -> list[Any]:
    """Every rule that the broker obeys by now."""
    any_kind, any_pattern = kafka_admin.ResourceType.ANY, kafka_admin.ResourcePatternType.ANY
    any_work, any_kind_of_rule = kafka_admin.AclOperation.ANY, kafka_admin.AclPermissionType.ANY
    every = kafka_admin.AclBindingFilter(any_kind, None, any_pattern, None, None, any_work, any_kind_of_rule)
    return list(admin.describe_acls(every).result())


def _bindings(user: Any) -> Iterator[Any]:
    """Kafka's rules of one KafkaUser."""
    kinds, patterns = kafka_admin.ResourceType, kafka_admin.ResourcePatternType
    operations, permission = kafka_admin.AclOperation, kafka_admin.AclPermissionType.ALLOW
    pattern_types = {"literal": patterns.LITERAL, "prefix": patterns.PREFIXED}
    principal = f"User:{user['metadata']['name']}"
    for rule in user["spec"]["authorization"]["acls"]:
        resource = rule["resource"]
        kind, pattern = kinds[resource["type"].upper()], pattern_types[resource["patternType"]]
        for operation in rule["operations"]:
            yield kafka_admin.AclBinding(
                kind, resource["name"], pattern, principal, "*", operations[operation.upper()], permission
            )


def main() -> None:
    """Make the users of the paper overlay."""
    rendered = (HERE / "rendered" / "paper.yaml").read_text(encoding="utf-8")
    admin = kafka_admin.AdminClient({"bootstrap.servers": sys.argv[1]})
    make_users(admin, users_of(yaml.safe_load_all(rendered)), json.load(sys.stdin))


if __name__ == "__main__":
    main()
