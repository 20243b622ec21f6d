"""Which series an expression counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The series of one platform: of a namespace, or all that this Prometheus has."""

    namespace: str = ""

    def of(self, metric: str, **labels: str) -> str:
        """A selector. A value that begins with ``~`` or ``!`` is matched as ``=~`` or ``!=``.

        >>> Scope("paper").of("up", job="~a|b")
        'up{namespace="paper", job=~"a|b"}'
        """
        wanted = ({"namespace": self.namespace} if self.namespace else {}) | labels
        matchers = ", ".join(_matcher(name, value) for name, value in wanted.items())
        return f"{metric}{{{matchers}}}" if matchers else metric


def _matcher(name: str, value: str) -> str:
    if value.startswith("~"):
        return f'{name}=~"{value[1:]}"'
    if value.startswith("!"):
        return f'{name}!="{value[1:]}"'
    return f'{name}="{value}"'
