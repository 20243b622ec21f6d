"""The environment of a platform's processes, judged by the command that starts them, before it starts anything."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Mapping

from tradewire.app.cli.output import Exit, fail


def hold_names() -> None:
    """Raise CommandError for a setting that nothing has: the sentence names it, and the nearest."""
    from tradewire.runtime.environment import SettingsRefusedError, refuse_unknown, variables_of
    from tradewire.runtime.settings import RuntimeSettings  # with pydantic, when it is asked for

    try:
        refuse_unknown(os.environ, variables_of(RuntimeSettings).values())
    except SettingsRefusedError as error:
        fail(str(error), Exit.USAGE)


def hold_settings(environment: Mapping[str, str], services: Iterable[str] | None = None) -> None:
    """Raise CommandError for a setting that one of the services, by default of all, would refuse, or that nothing has.

    ``environment``: what they are started with. Each judges its own when it starts, which is after its servers.
    """
    from tradewire.embedded.service_processes import SERVICES
    from tradewire.runtime.environment import SettingsRefusedError, load

    try:
        for name in SERVICES if services is None else services:
            load(importlib.import_module(f"tradewire.{name}.settings").Settings, environment)
    except SettingsRefusedError as error:
        fail(str(error), Exit.USAGE)
