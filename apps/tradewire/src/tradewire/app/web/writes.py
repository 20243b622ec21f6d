"""What the pages may write: levels of the kill switch and the replay of dead letters, done when the services answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from tradewire.app.cli.output import CommandError
from tradewire.app.cli.reach import Reached, Where, reached
from tradewire.app.operating.dead_letters import replay_key
from tradewire.app.operating.operator import NoAnswerError
from tradewire.app.operating.permission import ForbiddenError
from tradewire.app.operating.switching import Obeyed, Switching, UnknownScopeError
from tradewire.ports.errors import ContractViolationError, RetryableError, TradewireError
from tradewire.ports.events import ControlLevel
from tradewire.ports.topics import DEAD_LETTERS
from tradewire.runtime.access.roles import Role

ANSWER_SECONDS = 10.0
REPLAY_SECONDS = 20.0
REASON_CHARACTERS_MAX = 500
GIVEN_UP_MAX = 1_000


class AskedControl(BaseModel):
    """A level for a scope: ``global``, ``account:…`` or ``strategy:…``."""

    scope: Annotated[str, Field(min_length=1, max_length=200)]
    level: ControlLevel
    reason: Annotated[str, Field(max_length=REASON_CHARACTERS_MAX)] = ""


class AskedReplay(BaseModel):
    """The letters of a key that wait at a service. ``give_up``: those that are passed over, as partition/offset."""

    service: Annotated[str, Field(max_length=64)]
    topic: Annotated[str, Field(min_length=1, max_length=200)]
    key: Annotated[str, Field(max_length=1_024)]
    give_up: Annotated[list[str], Field(max_length=GIVEN_UP_MAX)] = []


@dataclass
class Writes:
    """Writes to the bus of the platform in ``root``.

    Levels are written in the order in which they came, and none waits for what another comes to. Replays, each of
    which reads a whole topic, are done one at a time; no level waits for one.
    """

    root: Path
    reach: Callable[[Where, Role], AbstractAsyncContextManager[Reached]] = reached
    _writing_level: asyncio.Lock = field(default_factory=asyncio.Lock)
    _replaying: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.post("/web/controls")(self.control)
        app.post("/web/dead-letters")(self.dead_letters)

    async def control(self, asked: AskedControl) -> Response:
        """Set a level. 200: those in charge obey, and what each account shows; 202: it is written, and somebody has not
        answered yet."""
        return await self._answered(self._switch(asked))

    async def dead_letters(self, asked: AskedReplay) -> Response:
        """Have a service handle the letters of a key.

        200: it has; 202: it has not answered yet; 409: one failed again.
        """
        return await self._answered(self._replay(asked))

    async def _answered(self, work: Awaitable[Response]) -> Response:
        """What a write came to."""
        try:
            return await work
        except NoAnswerError as error:
            return JSONResponse({"detail": str(error)}, 202)
        except UnknownScopeError as error:
            return JSONResponse({"detail": str(error)}, 404)
        except ContractViolationError as error:
            return JSONResponse({"detail": str(error)}, 422)
        except ForbiddenError as error:
            return JSONResponse({"detail": str(error)}, 403)
        except (CommandError, RetryableError) as error:
            return JSONResponse({"detail": str(error)}, 503)
        except TradewireError as error:
            return JSONResponse({"detail": str(error)}, 409)

    async def _switch(self, asked: AskedControl) -> Response:
        reason = asked.reason.strip() or "from the dashboard"
        async with AsyncExitStack() as turn:
            await turn.enter_async_context(self._writing_level)
            async with self.reach(Where(self.root), Role.OPERATOR) as platform:
                switching = Switching(platform.operator)
                obeyed = await switching.carry_out(asked.scope, asked.level, reason, ANSWER_SECONDS, turn.aclose)
        return JSONResponse(_shown(obeyed))

    async def _replay(self, asked: AskedReplay) -> Response:
        if asked.service not in DEAD_LETTERS:
            raise ContractViolationError(f"service: found {asked.service}; allowed: {', '.join(DEAD_LETTERS)}")
        async with self._replaying, self.reach(Where(self.root), Role.OPERATOR) as platform:
            done = await replay_key(
                platform.operator,
                service=asked.service,
                topic=asked.topic,
                key=asked.key,
                discard=asked.give_up,
                within_s=REPLAY_SECONDS,
            )
        if not done.confirmed:
            detail = f"{done.service} has not answered: the request stays, and is carried out as soon as it can be"
            return JSONResponse({"detail": detail}, 202)
        if done.failed_again is not None:
            detail = f"letter {done.failed_letter} failed again: {done.failed_again.message}"
            return JSONResponse({"detail": f"{detail}; {done.replayed} before it were handled"}, 409)
        return JSONResponse({"handled": done.replayed, "given_up": done.discarded})


def _shown(obeyed: Obeyed) -> dict[str, Any]:
    accounts = {name: {"outcome": one.outcome.value, "detail": one.detail} for name, one in obeyed.accounts.items()}
    return {"scope": obeyed.scope, "level": obeyed.level.value, "obeyed_by": obeyed.obeyed_by, "accounts": accounts}
