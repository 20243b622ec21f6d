"""Settings from environment variables: a wrong one is one sentence that names it, a misspelt one is refused."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource
from pydantic_settings import SettingsError as SourceError

from tradewire.ports.errors import FatalError
from tradewire.runtime.observe.secrets import remember, scrub
from tradewire.runtime.secret_files import FILE_END, PREFIX, SECRET_ENDS, SecretFileError, from_files
from tradewire.runtime.settings import RuntimeSettings

OTHER_NAMES = frozenset(
    f"{PREFIX}{name}"
    for name in (
        *(
            "MARKET_SOURCE",
            "MARKET_PATH",
            "MARKET_FILES",
            "MARKET_TZ",
            "INSTRUMENTS_FILE",
            "BARS_PER_SECOND",
            "PACED_ONCE_BEGUN",
            "REPLAY_UNTIL_FILE",
        ),
        *("CCXT_EXCHANGE", "CCXT_VENUE", "CCXT_SYMBOLS", "CCXT_INTERVAL", "CCXT_BASE_URL", "INDICATOR_ADAPTER"),
        *(
            "BINANCE_SYMBOLS",
            "BINANCE_INTERVAL",
            "BINANCE_BRACKETS_ACCOUNT",
            "BINANCE_STREAMS",
            "BINANCE_LATE_SECONDS",
            "BINANCE_SILENT_SECONDS",
            "BINANCE_BRACKETS_ACCOUNT",
            "RATE_BUDGET_DSN",
        ),
        *("STRATEGY_DSN", "RISK_DSN", "JOIN_GRACE_SECONDS"),
        *("EXECUTION_DSN", "VENUE", "PAPER_BALANCE", "PAPER_LEVERAGE", "PAPER_MARGIN_MODE"),
        *("VOLUME_SHARE", "LATENCY_US", "SLIPPAGE_BPS"),
        *("BINANCE_NETWORK", "BINANCE_REST_URL", "BINANCE_WS_URL", "BINANCE_KEYS", "BINANCE_MAINNET"),
        *("BINANCE_LEVERAGE", "BINANCE_MARGIN_MODE", "BINANCE_POSITION_MODE", "BINANCE_DEAD_MAN_SECONDS"),
        *("BINANCE_SHOWN_SECONDS", "BINANCE_SHADOW", "BINANCE_PROMOTION"),
        *("TELEMETRY_DSN", "LOG_STORE_DAYS", "MARKET_SAMPLE", "RESTORE_RECORDS_MAX"),
        *("VIEWS_FOLDER", "VIEW_WINDOW_SECONDS", "VIEW_WINDOWS_KEPT"),
        *("JARS", "SHARED_DATA", "TOKEN_FILE"),
    )
)
"""Variables of single services and of the command: services share one environment. A test derives them."""
_SERVICE_LINK = re.compile(r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$")
"""What Kubernetes adds to every container for a Service whose name begins with ``tradewire``."""
S = TypeVar("S", bound=RuntimeSettings)


class SettingsRefusedError(FatalError):
    """A setting is wrong or not known; the message names its variable."""


class _Given(EnvSettingsSource):
    """Reads a given environment; pydantic's own reads that of this process."""

    def __init__(self, kind: type[BaseSettings], environment: Mapping[str, str]) -> None:
        self._given = environment
        super().__init__(kind)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._given.items()}


def variables_of(kind: type[BaseSettings]) -> dict[str, str]:
    """Setting → its variable."""
    return {name: f"{PREFIX}{name.upper()}" for name in kind.model_fields}


def load(kind: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """Settings as the environment, and the files that it names, have them; what it does not name is this process's.

    Raises SettingsRefusedError.
    """
    try:
        secrets = from_files(environment)
    except SecretFileError as error:
        raise SettingsRefusedError(str(error)) from None
    named = {*environment} - {name + FILE_END for name in secrets} | secrets.keys()
    values = {name: environment.get(name, "") for name in named}
    variables = variables_of(kind)
    refuse_unknown(values, variables.values())
    own: dict[str, Any] = {name: secrets[variable] for name, variable in variables.items() if variable in secrets}
    try:
        settings = kind(**{**_Given(kind, environment)(), **own})
        remember(value for value in settings.model_dump().values() if isinstance(value, str))
        return settings
    except ValidationError as error:
        raise SettingsRefusedError("; ".join(map(_sentence, error.errors(include_url=False)))) from None
    except SourceError as error:
        name = re.search(r'field "(\w+)"', str(error))
        variable = f"{PREFIX}{name.group(1).upper()}" if name else PREFIX
        found = scrub(environment.get(variable, ""))
        raise SettingsRefusedError(f'{variable}: found {found!r}; allowed: a JSON list, e.g. ["BTCUSDT"]') from None


def refuse_unknown(environment: Iterable[str] | Mapping[str, str], own: Iterable[str]) -> None:
    """Raise SettingsRefusedError for a variable with our prefix that nothing reads, and name the nearest."""
    known = {*own, *OTHER_NAMES}
    for name in sorted(environment):
        value = environment[name] if isinstance(environment, Mapping) else ""
        if not name.startswith(PREFIX) or name in known or _is_service_link(name, value):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingsRefusedError(f"{name} is not a setting{hint}")


def _is_service_link(name: str, value: str) -> bool:
    linked = name.endswith("_PORT") and value.startswith(("tcp://", "udp://", "sctp://"))
    return linked or _SERVICE_LINK.search(name) is not None


def _sentence(error: object) -> str:
    """One sentence for one of pydantic's errors: variable, what was found unless it may be secret, what is allowed."""
    assert isinstance(error, dict)
    name = "_".join(str(part) for part in error["loc"][:1]).upper()
    if not name:  # several settings together: the sentence names them
        return scrub(_allowed(str(error["msg"])))
    secret = name.endswith(SECRET_ENDS)
    found = "a value" if secret else scrub(repr(error["input"]))
    return f"{PREFIX}{name}: found {found}; allowed: {_allowed(str(error['msg']))}"


def _allowed(message: str) -> str:
    return re.sub(r"^Input should be |^Value error, |, unable to parse.*$", "", message)
