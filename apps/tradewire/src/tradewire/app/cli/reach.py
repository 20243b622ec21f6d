"""Finding a running platform and speaking to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradewire.app.cli.output import CommandError, Exit, fail
from tradewire.app.operating.permission import permitted
from tradewire.ports.errors import RetryableError
from tradewire.runtime.access.roles import Role

if TYPE_CHECKING:  # clients of buses and registries take a second to load: only once a platform is reached
    from tradewire.app.operating.operator import Operator
    from tradewire.embedded import Endpoints
    from tradewire.ports.bus import EventBusPort
    from tradewire.runtime.codec import Codec

UP_ROOT = Path(".tradewire/up")
RUN_ROOT = Path(".tradewire/run")
ROOTS = (UP_ROOT, RUN_ROOT)


@dataclass(frozen=True, slots=True)
class Where:
    """Which platform a command means: a bus by its address, else the stack of a folder, else the one that runs."""

    root: Path | None = None
    bus_url: str | None = None
    registry_url: str | None = None

    def __post_init__(self) -> None:
        """Raises CommandError where the folder and the bus are of two platforms."""
        if self.root is not None and self.bus_url is not None:
            self._hold_one("bus", "--bus or TRADEWIRE_BUS_URL", self.bus_url)

    def _hold_one(self, part: str, named: str, address: str) -> None:
        """Raise CommandError unless the platform of the folder has this address too."""
        from tradewire.embedded import StackPaths, read_state
        from tradewire.embedded.user_settings import shown

        assert self.root is not None, "a folder was named"
        state = read_state(StackPaths.under(self.root))
        own = None if state is None else state.endpoints.bus if part == "bus" else state.endpoints.registry_url
        if own != address:
            found = f"--root {self.root}, and the {part} {shown(address)} ({named}), which is not that platform's"
            fail(f"found {found}; allowed: one of the two", Exit.USAGE)

    def endpoints(self) -> Endpoints:
        """Addresses of the platform. Raises CommandError when none runs."""
        from tradewire.embedded import Endpoints

        if self.bus_url is not None:
            return Endpoints(bus_url=self.bus_url, registry_url=self.registry_url)
        _, found = self.running()
        return found

    def running(self) -> tuple[Path, Endpoints]:
        """Folder and addresses of the stack that runs. Raises CommandError when none does."""
        from tradewire.embedded import StackPaths, read_state

        roots = [self.root] if self.root is not None else list(ROOTS)
        for root in roots:
            state = read_state(StackPaths.under(root))
            if state is not None and state.ready and state.owner.process() is not None:
                return root, state.endpoints
        raise CommandError(
            f"no platform runs in {' or '.join(map(str, roots))}; start one with `tradewire up`, "
            "or name its bus: --bus kafka://HOST:PORT",
            Exit.UNREACHABLE,
        )

    def bus(self) -> str:
        """Address of the bus. Raises CommandError when no platform runs."""
        return self.bus_url or self.endpoints().bus

    def registry(self) -> str:
        """Base URL of the registry. Raises CommandError when there is none, or the folder's platform has another."""
        if self.root is not None and self.registry_url is not None:
            self._hold_one("registry", "--registry-url or TRADEWIRE_REGISTRY_URL", self.registry_url)
        return (
            self.registry_url
            or self.endpoints().registry_url
            or fail(
                "this platform runs without a schema registry; name one: --registry-url http://HOST:PORT/apis/ccompat/v7",
                Exit.UNREACHABLE,
            )
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """A platform that answers."""

    bus: EventBusPort
    codec: Codec
    operator: Operator


REPORTS_LOOKED_AT = 100


async def hold_readable(bus: EventBusPort, codec: Codec) -> None:
    """Raises CommandError when none of the services' newest reports can be read: a registry gave their schemas ids."""
    from tradewire.ports.bus import Place
    from tradewire.ports.errors import ContractViolationError
    from tradewire.ports.events import InstanceReported
    from tradewire.ports.topics import BY_EVENT
    from tradewire.runtime.bus.readers import read_between
    from tradewire.runtime.codec.messages import read_record

    place, reports = Place(BY_EVENT[InstanceReported].name, 0), 0
    try:
        begins, ends = await bus.begin_offsets([place]), await bus.end_offsets([place])
    except ContractViolationError:
        return  # no such topic: no service was here yet
    async for record in read_between(bus, {place: max(begins[place], ends[place] - REPORTS_LOOKED_AT)}, ends):
        if record.value is None:
            continue
        try:
            await read_record(codec, record)
            return
        except ContractViolationError:
            reports += 1
    if reports:
        what = f"{place.topic}: found {reports} reports of services, none of which can be read without their registry"
        raise CommandError(f"{what}; name it: --registry-url http://HOST:PORT/apis/ccompat/v7", Exit.UNREACHABLE)


@asynccontextmanager
async def reached(where: Where, wanted: Role) -> AsyncIterator[Reached]:
    """Connect to a platform as somebody with the role ``wanted``; disconnects at the end.

    Raises CommandError, RetryableError; ForbiddenError before anything is asked of the platform.
    """
    identity = permitted(wanted)
    from tradewire.app.operating.ids_in_use import ids_in_use
    from tradewire.app.operating.operator import Operator
    from tradewire.runtime.bus import connect
    from tradewire.runtime.clock import SystemClock
    from tradewire.runtime.codec import Codec

    endpoints = where.endpoints()
    try:
        bus = connect(where.bus(), client_id="tradewire-cli")
    except ValueError as error:
        fail(str(error), Exit.USAGE)
    registry_url = where.registry_url or endpoints.registry_url
    try:
        try:
            await bus.start()
            codec = Codec(await ids_in_use(bus, registry_url))
        except RetryableError as error:
            kept = "" if wanted is Role.VIEWER else "; nothing was written"
            raise RetryableError(f"{error}{kept}") from error
        if registry_url is None:
            await hold_readable(bus, codec)
        author = None if identity is None else identity.name
        yield Reached(bus, codec, Operator(bus, codec, SystemClock(), author))
    finally:
        await bus.close()
