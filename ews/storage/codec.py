"""Nouns <-> rows and JSON text. Types are read off the dataclass, so a new field needs no code."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import ClassVar, Generic, Protocol, TypeVar, cast

import sqlalchemy as sa


class Noun(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[object]]]


T = TypeVar("T", bound=Noun)
Convert = Callable[[object], object]


def dump(plain: object) -> str:
    """Compact JSON text; Korean stays readable."""
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def load(text: str) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(text))


def to_json(noun: Noun) -> str:
    """Every field of a noun as compact JSON text; times as ISO 8601 in UTC."""
    return dump(_packer(type(noun))(noun))


def from_json(kind: type[T], text: str) -> T:
    """The noun that `to_json` wrote. A field that the noun no longer has is a TypeError."""
    return cast(T, _unpacker(kind)(json.loads(text)))


# --------------------------------------------------------------------------- one value


def _same(value: object) -> object:
    return value


def _iso(value: object) -> object:
    moment = cast(datetime, value)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone; give an aware UTC datetime")
    return moment.astimezone(UTC).isoformat()


def _inner(hint: object) -> tuple[object, bool]:
    """The type without `| None`, and whether None is allowed."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if len(kinds) != 1:
            raise TypeError(f"storage cannot keep a field of type {hint}; use one type or None")
        return kinds[0], True
    return hint, False


def _is_enum(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)


@cache
def _packer(hint: object) -> Convert:
    """Function from a value of that type to plain JSON."""
    kind, optional = _inner(hint)
    if optional:
        pack = _packer(kind)
        return pack if pack is _same else lambda v: None if v is None else pack(v)
    if kind is datetime:
        return _iso
    if kind is bytes:
        return lambda v: cast(bytes, v).hex()
    if _is_enum(kind):
        return lambda v: cast(Enum, v).value
    if typing.get_origin(kind) is tuple:
        part = _packer(typing.get_args(kind)[0])
        return lambda v: list(map(part, cast("tuple[object, ...]", v)))
    if dataclasses.is_dataclass(kind):
        return _pack_noun(cast(type, kind))
    if typing.get_origin(kind) is not None:
        return lambda v: dict(cast("Mapping[str, object]", v))
    return _same


def _pack_noun(kind: type) -> Convert:
    """A field whose metadata says `left_out` is not written while it has its default: what was
    written before it came stays byte for byte as it was."""
    packers = [(name, _packer(h)) for name, h in _hints(kind).items()]
    spare = [(f.name, f.default) for f in dataclasses.fields(kind) if f.metadata.get("left_out")]
    if not spare:
        return lambda v: {name: pack(getattr(v, name)) for name, pack in packers}

    def pack_most(value: object) -> object:
        silent = {name for name, default in spare if getattr(value, name) == default}
        return {name: pack(getattr(value, name)) for name, pack in packers if name not in silent}

    return pack_most


@cache
def _unpacker(hint: object) -> Convert:
    """Function from plain JSON back to a value of that type."""
    kind, optional = _inner(hint)
    if optional:
        unpack = _unpacker(kind)
        return unpack if unpack is _same else lambda v: None if v is None else unpack(v)
    if kind is datetime:
        return lambda v: datetime.fromisoformat(cast(str, v))
    if kind is bytes:
        return lambda v: bytes.fromhex(cast(str, v))
    if _is_enum(kind):
        return cast(Convert, kind)
    if typing.get_origin(kind) is tuple:
        part = _unpacker(typing.get_args(kind)[0])
        return lambda v: tuple(map(part, cast("list[object]", v)))
    if dataclasses.is_dataclass(kind):
        return _make(cast(type, kind))
    return _same


def _make(kind: type) -> Convert:
    unpackers = {name: _unpacker(hint) for name, hint in _hints(kind).items()}

    def make(value: object) -> object:
        fields = cast("dict[str, object]", value)
        return kind(**{name: unpackers.get(name, _same)(v) for name, v in fields.items()})

    return make


@cache
def _hints(kind: type) -> dict[str, object]:
    """Types of a dataclass's fields, in order."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


# --------------------------------------------------------------------------- one row


def _bare(hint: object) -> bool:
    """Whether a column keeps the value itself (text, number, time, enum) rather than JSON."""
    kind, _ = _inner(hint)
    return typing.get_origin(kind) is None and not dataclasses.is_dataclass(kind)


def _to_column(hint: object) -> Convert:
    kind, optional = _inner(hint)
    if _bare(hint):
        # the column's type converts times; bytes go in as they are
        return _same if kind in (datetime, bytes) else _packer(hint)
    pack = _packer(kind)
    return lambda v: None if optional and v is None else dump(pack(v))


def _from_column(hint: object) -> Convert:
    kind, optional = _inner(hint)
    if _bare(hint):
        return _same if kind in (datetime, bytes) else _unpacker(hint)
    unpack = _unpacker(kind)
    return lambda v: None if optional and v is None else unpack(json.loads(cast(str, v)))


def _default(field: Field[object]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


class Row(Generic[T]):
    """How one noun lies in one table: fields with a column there, the others in `more`."""

    def __init__(self, kind: type[T], table: sa.Table) -> None:
        hints = _hints(kind)
        inside = [name for name in hints if name in table.c]
        self.kind = kind
        self.columns = [table.c[name] for name in inside] + [table.c.more]  # as `read` expects
        self._to = {name: _to_column(hints[name]) for name in inside}
        self._from = [(name, _from_column(hints[name])) for name in inside]
        self._spare = {
            field.name: (_packer(hints[field.name]), _unpacker(hints[field.name]), _default(field))
            for field in dataclasses.fields(kind)
            if field.name not in table.c
        }

    def write(self, noun: T, **extra: object) -> dict[str, object]:
        """The noun as a row; `extra` are columns that are not its fields."""
        row = {name: pack(getattr(noun, name)) for name, pack in self._to.items()}
        spare = {
            name: pack(value)
            for name, (pack, _, default) in self._spare.items()
            if (value := getattr(noun, name)) != default
        }
        row["more"] = dump(spare) if spare else None
        row.update(extra)
        return row

    def read(self, row: Sequence[object]) -> T:
        """The noun of a row that starts with `columns`."""
        fields = {
            name: unpack(value) for (name, unpack), value in zip(self._from, row, strict=False)
        }
        if (more := row[len(self._from)]) is not None:
            for name, value in load(cast(str, more)).items():
                fields[name] = self._spare[name][1](value)
        return self.kind(**fields)
