"""What the pages may write: levels of the kill switch, done when the services in charge obey."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from tradewire.app.cli.output import CommandError
from tradewire.app.cli.reach import Where, reached
from tradewire.app.operating.operator import NoAnswerError
from tradewire.app.operating.permission import ForbiddenError
from tradewire.app.operating.switching import Obeyed, Switching, UnknownScopeError
from tradewire.ports.errors import ContractViolationError, RetryableError, TradewireError
from tradewire.ports.events import ControlLevel
from tradewire.runtime.access.roles import Role

ANSWER_SECONDS = 10.0
REASON_CHARACTERS_MAX = 500


class AskedControl(BaseModel):
    """A level for a scope: ``global``, ``account:…`` or ``strategy:…``."""

    scope: Annotated[str, Field(min_length=1, max_length=200)]
    level: ControlLevel
    reason: Annotated[str, Field(max_length=REASON_CHARACTERS_MAX)] = ""


@dataclass
class Writes:
    """Writes to the bus of the platform in ``root``, one at a time."""

    root: Path
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.post("/web/controls")(self.control)

    async def control(self, asked: AskedControl) -> Response:
        """Set a level. 200: those in charge obey, and what each account shows; 202: it is written, and somebody has not
        answered yet."""
        try:
            async with self._one:
                obeyed = await self._switch(asked)
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
        return JSONResponse(_shown(obeyed))

    async def _switch(self, asked: AskedControl) -> Obeyed:
        async with reached(Where(self.root), Role.OPERATOR) as platform:
            reason = asked.reason.strip() or "from the dashboard"
            return await Switching(platform.operator).carry_out(asked.scope, asked.level, reason, ANSWER_SECONDS)


def _shown(obeyed: Obeyed) -> dict[str, Any]:
    accounts = {name: {"outcome": one.outcome.value, "detail": one.detail} for name, one in obeyed.accounts.items()}
    return {"scope": obeyed.scope, "level": obeyed.level.value, "obeyed_by": obeyed.obeyed_by, "accounts": accounts}
