"""The record that lets accounts trade real money: which revision, which accounts, who said so and when."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tradewire.ports.errors import FatalError

EXAMPLE = '{"revision": "1a2b3c4", "accounts": ["main"], "approved_by": "Ada", "approved_at": "2026-11-30T09:00:00Z"}'


class Promotion(BaseModel):
    """A JSON file that is written when a revision has proved itself on the testnet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    revision: str
    accounts: tuple[str, ...]
    approved_by: str
    approved_at: datetime


def read_promotion(path: Path) -> Promotion:
    """Raises FatalError for a file that is no record."""
    try:
        return Promotion.model_validate_json(path.read_bytes())
    except OSError as error:
        raise FatalError(f"TRADEWIRE_BINANCE_PROMOTION: {path}: can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise FatalError(
            f"TRADEWIRE_BINANCE_PROMOTION: {path}: {where}: {first['msg']}; an example: {EXAMPLE}"
        ) from error


def check_promotion(promotion: Promotion, account_id: str, revision: str) -> None:
    """Raises FatalError for an account or a revision that was not promoted."""
    if revision != promotion.revision:
        raise FatalError(f"mainnet: this is revision {revision}, the promotion record allows {promotion.revision}")
    if account_id not in promotion.accounts:
        allowed = ", ".join(promotion.accounts) or "none"
        raise FatalError(f"mainnet: account {account_id}: the promotion record allows {allowed}")
