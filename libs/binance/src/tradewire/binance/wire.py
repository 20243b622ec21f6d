"""JSON objects as frozen dataclasses and back, without loss.

A class declares each field with `on_wire`: its name there and, by its annotation, its kind. Numbers that Binance sends
as text become `Decimal` with all their digits, so that writing gives the same text. What a class does not declare, and
what is declared but null or empty, is kept in ``rest`` as it came: nothing is lost, and new fields can be counted.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

Json = Mapping[str, Any]
W = TypeVar("W", bound="Wire")


class FieldError(ValueError):
    """A field of a message is missing or not what it must be."""

    def __init__(self, name: str, *, found: object, allowed: str) -> None:
        super().__init__(f"{name}: found {found}, allowed {allowed}")
        self.field, self.found, self.allowed = name, str(found), allowed


def on_wire(name: str, *, optional: bool = False, number: bool = False) -> Any:
    """A field that is called ``name`` on the wire. ``optional``: None where it is absent, null or empty.

    ``number``: a Decimal that is a JSON number there, not text; read it with ``json.loads(…, parse_float=Decimal)``.
    """
    metadata = {"wire": name, "number": number}
    return field(default=None, metadata=metadata) if optional else field(metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """An object of the protocol. ``rest``: fields as they came that no attribute holds."""

    rest: Json = field(default_factory=lambda: _EMPTY)
    EVENT: ClassVar[str] = ""
    """Value of ``e`` in a stream's messages; "" for others."""

    @classmethod
    def read(cls: type[W], message: Json) -> W:
        """The object that ``message`` writes. Raises FieldError for the first field that is missing or wrong."""
        if not isinstance(message, Mapping):
            raise FieldError("message", found=message, allowed="a JSON object")
        plan = _plan(cls)
        values: dict[str, Any] = {}
        rest = {name: value for name, value in message.items() if name not in plan.names}
        for entry in plan.entries:
            value = message.get(entry.wire)
            if value is None or (value == "" and entry.optional):
                if not entry.optional:
                    raise FieldError(entry.wire, found=value, allowed=entry.allowed)
                if entry.wire in message:
                    rest[entry.wire] = value
            else:
                values[entry.attribute] = entry.read(entry.wire, value)
        return cls(**values, rest=rest or _EMPTY)

    def write(self) -> dict[str, Any]:
        """The JSON object, as it was read."""
        event = type(self).EVENT
        written: dict[str, Any] = {"e": event} if event else {}
        for entry in _plan(type(self)).entries:
            value = getattr(self, entry.attribute)
            if value is not None:
                written[entry.wire] = value if entry.number else _written(value)
        return {**written, **self.rest}

    def unknown(self) -> Iterator[str]:
        """Names on the wire that no attribute declares, nested ones as ``outer.inner``."""
        plan = _plan(type(self))
        yield from (name for name in self.rest if name not in plan.names)
        for entry in plan.entries:
            value = getattr(self, entry.attribute)
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Wire):
                    yield from (f"{entry.wire}.{name}" for name in item.unknown())


_EMPTY: Json = types.MappingProxyType({})


class _Entry(NamedTuple):
    attribute: str
    wire: str
    optional: bool
    number: bool
    allowed: str
    read: Callable[[str, Any], Any]


class _Plan(NamedTuple):
    entries: tuple[_Entry, ...]
    names: frozenset[str]


_PLANS: dict[Any, _Plan] = {}
"""One for each class, made when it is first used."""


def _plan(cls: Any) -> _Plan:
    """How a class of `Wire` is read."""
    plan = _PLANS.get(cls)
    if plan is None:
        plan = _PLANS[cls] = _plan_of(cls)
    return plan


def _plan_of(cls: Any) -> _Plan:
    """The same from its annotations."""
    hints = get_type_hints(cls)
    entries = []
    for item in fields(cls):
        if "wire" not in item.metadata:
            continue
        hint, optional = hints[item.name], False
        if get_origin(hint) in (types.UnionType, Union):
            (hint,) = (part for part in get_args(hint) if part is not type(None))
            optional = True
        number = item.metadata["number"]
        allowed, read = ("a JSON number", _json_number) if number else _reader(hint)
        entries.append(_Entry(item.name, item.metadata["wire"], optional, number, allowed, read))
    names = {entry.wire for entry in entries} | ({"e"} if cls.EVENT else set())
    return _Plan(tuple(entries), frozenset(names))


def _reader(hint: Any) -> tuple[str, Callable[[str, Any], Any]]:
    """What is allowed of a kind of field, in words, and how it is read."""
    if get_origin(hint) is tuple:
        return "a list", _list_reader(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Wire):
        return "a JSON object", lambda name, value: _nested(hint, name, value)
    return _SIMPLE[hint]


def _list_reader(parts: tuple[Any, ...]) -> Callable[[str, Any], Any]:
    """A list of any length of one kind, or a row of fixed kinds."""
    if len(parts) == 2 and parts[1] is Ellipsis:
        read = _reader(parts[0])[1]
        return lambda name, value: tuple(read(f"{name}[{i}]", item) for i, item in enumerate(_items(name, value)))
    reads = [_reader(part)[1] for part in parts]

    def row(name: str, value: Any) -> Any:
        items = _items(name, value)
        if len(items) < len(reads):
            raise FieldError(name, found=value, allowed=f"a list of {len(reads)}")
        return tuple(read(f"{name}[{i}]", item) for i, (read, item) in enumerate(zip(reads, items, strict=False)))

    return row


def _items(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise FieldError(name, found=value, allowed="a list")
    return value


def _nested(cls: type[Wire], name: str, value: Any) -> Wire:
    if not isinstance(value, Mapping):
        raise FieldError(name, found=value, allowed="a JSON object")
    return cls.read(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise FieldError(name, found=value, allowed="text")
    return value


def _integer(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise FieldError(name, found=value, allowed="a whole number")
    return value


def _json_number(name: str, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FieldError(name, found=value, allowed="a JSON number")
    return Decimal(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldError(name, found=value, allowed="true or false")
    return value


def decimal_of(name: str, value: Any) -> Decimal:
    """A number that the wire writes as text, with every digit. Raises FieldError for what is no finite number."""
    try:
        number = Decimal(value) if isinstance(value, str) and value.strip() == value else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise FieldError(name, found=value, allowed="a finite decimal number as text")
    return number


_SIMPLE: dict[Any, tuple[str, Callable[[str, Any], Any]]] = {
    str: ("text", _text),
    int: ("a whole number", _integer),
    bool: ("true or false", _flag),
    Decimal: ("a finite decimal number as text", decimal_of),
}


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return text_of(value)
    if isinstance(value, Wire):
        return value.write()
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    return value


def text_of(number: Decimal) -> str:
    """The number as the wire writes it: all its digits, no exponent."""
    return format(number, "f")
