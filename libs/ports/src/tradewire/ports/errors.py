"""The few kinds of failure that the runtime tells apart. Adapters translate vendors' errors into these."""

from __future__ import annotations


class TradewireError(Exception):
    """Root of the project's own errors."""


class RetryableError(TradewireError):
    """May succeed when tried again as it is: a broker that is away, a deadlock, a full queue."""


class FatalError(TradewireError):
    """This process can't go on: wrong credentials, fenced by another writer, a broken invariant. Crash and replay."""


class ContractViolationError(TradewireError):
    """This one message can't ever be handled: corrupt bytes, unknown schema, a value outside its contract."""

    def __init__(self, detail: str, *, stage: str = "validate") -> None:
        super().__init__(detail)
        self.stage = stage


class RefusedRecordError(ContractViolationError):
    """A handler's refusal, raised before it has changed anything: the service goes on with the state that it has."""


class FencedError(FatalError):
    """Another process took over what this one was writing to."""
