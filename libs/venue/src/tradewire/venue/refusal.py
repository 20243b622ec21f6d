"""A request that the venue refuses, and its parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from tradewire.binance.errors import ErrorCode, error_body
from tradewire.binance.orders import CLIENT_ID_PATTERN
from tradewire.binance.wire import FieldError, decimal_of

E = TypeVar("E", bound=StrEnum)


class VenueRefusedError(Exception):
    """The venue's no: an error code, its words and the HTTP status they come with."""

    def __init__(self, code: ErrorCode, message: str | None = None, *, status: int = 400) -> None:
        self.body = error_body(code, message)
        super().__init__(f"{int(code)} {self.body['msg']}")
        self.code, self.status = code, status
        self.headers: dict[str, str] = {}


class Parameters:
    """A request's parameters as text. What is missing or malformed is refused with -1102 and its name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.values.get(name, "")
        if not value:
            raise _malformed(name)
        return value

    def optional(self, *names: str) -> str | None:
        """The first of these that is there."""
        return next((self.values[name] for name in names if self.values.get(name)), None)

    def number(self, name: str) -> Decimal:
        """A decimal number that must be there."""
        try:
            return decimal_of(name, self.text(name))
        except FieldError as error:
            raise _malformed(name) from error

    def optional_number(self, *names: str) -> Decimal | None:
        """A decimal number, if there is one by any of these names."""
        return next((self.number(name) for name in names if self.values.get(name)), None)

    def integer(self, name: str, default: int | None = None, *, most: int | None = None) -> int:
        """A whole number ≥ 0; larger ones than ``most`` count as ``most``. ``default`` None: it must be there."""
        text = self.values.get(name, "")
        if not text and default is not None:
            return default
        if not re.fullmatch(r"\d{1,18}", text):
            raise _malformed(name)
        return int(text) if most is None else min(int(text), most)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """true or false."""
        text = self.values.get(name, "").lower()
        if text not in ("", "true", "false"):
            raise _malformed(name)
        return text == "true" if text else default

    def word(self, name: str, kind: type[E], refused: ErrorCode, default: E | None = None) -> E:
        """One of an enumeration's words; another is refused with ``refused``."""
        text = self.values.get(name, "") or (default.value if default is not None else "")
        if not text:
            raise _malformed(name)
        try:
            return kind(text)
        except ValueError as error:
            raise VenueRefusedError(refused) from error

    def client_id(self, name: str) -> str | None:
        """An id that the client chose."""
        value = self.optional(name)
        if value is not None and not re.fullmatch(CLIENT_ID_PATTERN, value):
            raise VenueRefusedError(ErrorCode.INVALID_CL_ORD_ID)
        return value


def _malformed(name: str) -> VenueRefusedError:
    message = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return VenueRefusedError(ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED, message)
