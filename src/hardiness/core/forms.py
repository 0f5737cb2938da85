"""JSON forms, derived from the fields of dataclasses: what is stored and exported is written and read by these alone.

A class whose form is not that of its fields has a method ``as_dict`` for it, and ``from_dict`` where it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from hardiness.core.errors import StoreError

Value = TypeVar("Value")
Read = Callable[[Any], Any]

LACKS = "must have the field {!r}, and has none"

UNKNOWN = "has the field {!r}, which this version does not know; use the version that wrote it"


def json_field(
    name: str = "",
    *,
    as_list: bool = False,
    never: bool = False,
    write: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """Metadata of a field whose form is not the usual one.

    Args:
        name: how it is called in JSON, where that is not its own name.
        as_list: whether its value is written as a list: a dataclass as the values of its fields, a mapping under tuples
            as rows, each of them a key's parts and then the value.
        never: whether it is in no form.
        write: makes the form of its value, of a class that is never read.
    """
    writer = _as_list if as_list else write
    return {"json_name": name, "json_write": writer, "json_never": never}


class FormError(StoreError):
    """JSON is not the form of what it is read as.

    Args:
        text: what it must be, to follow a name: `LACKS`, `UNKNOWN` or of the field itself.
        field: which, e.g. ``data.samples``; empty where it is the whole.
    """

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text.format(field) if text in (LACKS, UNKNOWN) else f"{field} {text}".strip())
        self.text, self.field = text, field

    def inside(self, name: str) -> FormError:
        """This error as one of the whole that has the field, or the item, of this name."""
        return FormError(self.text, f"{name}{'.' * (self.field[:1] not in ('', '['))}{self.field}")

    def line(self, where: str, advice: str) -> str:
        """The message for a person: the file, the field, what it must be, and what to do."""
        if self.text in (LACKS, UNKNOWN) or not self.field:
            return f"{where} {self}" + (f"; {advice}" if self.text != UNKNOWN else "")
        return f"the field {self.field!r} of {where} {self.text}; {advice}"


def json_form(value: Any) -> Any:
    """The JSON form of a value: dataclasses and mappings as objects, tuples as lists.

    Raises:
        TypeError: there is no form of its type.
    """
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


def fields_form(value: Any) -> dict[str, Any]:
    """The JSON form of a dataclass as its fields have it, for its ``as_dict`` to add to."""
    kind: Any = type(value)
    form = {}
    for name, field, write in _written_fields(kind):
        item = getattr(value, field)
        form[name] = item if write is json_form and type(item) in _AS_IT_IS else write(item)
    return form


def from_json(kind: type[Value], form: Any, where: str, advice: str = "restore the file") -> Value:
    """The value whose form was read.

    Args:
        kind: its type, as a field would have it: ``tuple[Score, ...]`` as well.
        form: the form.
        where: the file, for messages.
        advice: what to do where it is damaged.

    Raises:
        StoreError: a field is missing, unknown or of another form; the message names it, ``where`` and what it must be.
    """
    try:
        read: Callable[[Any], Value] = _reader(cast("Hashable", kind))
        return read(form)
    except FormError as error:
        raise StoreError(error.line(where, advice)) from None


def from_fields(kind: type[Value], form: Any) -> Value:
    """The dataclass whose fields an object, or a list in their order, holds.

    Raises:
        FormError: it holds others, or they are of another form.
    """
    readers = _read_fields(cast("Hashable", kind))
    if isinstance(form, list) and len(form) == len(readers):
        row = zip(form, readers.values(), strict=True)
        return kind(*[item if type(item) in plain else read(item) for item, (_, plain, read) in row])
    if not isinstance(form, Mapping):
        raise FormError(f"must be an object, and is {form!r:.60}")
    if not readers.keys() <= form.keys():
        raise FormError(LACKS, min(readers.keys() - form.keys()))
    values, name = {}, ""
    try:
        for name, item in form.items():
            if name in readers:
                field, plain, read = readers[name]
                values[field] = item if type(item) in plain else read(item)
            elif not isinstance(getattr(kind, name, None), property):  # what a class computes is not read
                raise FormError(UNKNOWN)
    except FormError as error:
        raise error.inside(name) from None
    try:
        return kind(**values)
    except (TypeError, ValueError, AssertionError) as error:
        raise FormError(f"cannot be read ({error})") from None


_AS_IT_IS = frozenset((str, int, float, bool, NoneType))
_PLAIN: Mapping[Any, set[type]] = {str: {str}, int: {int}, float: {float, int}, bool: {bool}, NoneType: {NoneType}}
"""Types whose values are read as they are: numbers too, ``1`` where a fraction is meant, as a run's key is of the text
that was written."""

_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    if hasattr(kind, "as_dict"):
        return lambda value: value.as_dict()
    if is_dataclass(kind):
        return fields_form
    if issubclass(kind, Mapping):
        return lambda value: {str(key): json_form(item) for key, item in value.items()}
    if issubclass(kind, np.ndarray | np.generic):
        return lambda value: value.tolist()
    if issubclass(kind, Enum):
        return lambda value: json_form(value.value)
    if issubclass(kind, PurePath):
        return str
    if issubclass(kind, Sequence) and not issubclass(kind, bytes | str):
        return lambda value: [json_form(item) for item in value]
    if issubclass(kind, tuple(_WORDS)):
        return lambda value: value
    raise TypeError(f"{kind.__name__} has no JSON form")


def _as_list(value: Any) -> list[Any] | None:
    if isinstance(value, Mapping):
        return [[*key, json_form(item)] for key, item in value.items()]
    kind: Any = type(value)
    return None if value is None else [json_form(getattr(value, field)) for _, field, _ in _written_fields(kind)]


@cache
def _written_fields(kind: Any) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """Name in JSON, name, and how it is written, of each field."""
    return [(_name(field), field.name, field.metadata.get("json_write") or json_form) for field in _formed(kind)]


@cache
def _read_fields(kind: Any) -> dict[str, tuple[str, frozenset[type], Read]]:
    """Name, types that need no reading, and reader of each field, by its name in JSON."""
    hints = get_type_hints(kind)
    readers: dict[str, tuple[str, frozenset[type], Read]] = {}
    for field in _formed(kind):
        hint = hints[field.name]
        kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        plain: frozenset[type] = frozenset().union(*(_PLAIN.get(alternative, ()) for alternative in kinds))
        readers[_name(field)] = (field.name, plain, _reader(hint))
    return readers


def _formed(kind: Any) -> list[Field[Any]]:
    """The fields that are in a form."""
    return [field for field in fields(kind) if not field.metadata.get("json_never")]


def _name(field: Field[Any]) -> str:
    return field.metadata.get("json_name") or field.name


@cache
def _reader(kind: Any) -> Read:
    """The function that makes a value of a type from its form; it raises `FormError`."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda form: form
    if origin is Literal:
        return partial(_one_of, arguments)
    if origin in (Union, UnionType):
        return partial(
            _of_any, [_reader(argument) for argument in arguments if argument is not NoneType], NoneType in arguments
        )
    if origin is tuple and arguments[-1] is not Ellipsis:
        return partial(_row, [_reader(argument) for argument in arguments])
    if origin is not None and issubclass(origin, Mapping) and get_origin(arguments[0]) is tuple:
        rows = partial(_items, list, partial(_row, [*map(_reader, get_args(arguments[0])), _reader(arguments[1])]))
        return lambda form: {tuple(key): value for *key, value in rows(form)}
    if origin is not None and issubclass(origin, Mapping):
        return partial(_object, int if arguments[0] is int else str, _reader(arguments[1]))
    if origin is not None:
        return partial(_items, tuple if origin is tuple else list, _reader(arguments[0]))
    if kind in _WORDS:
        return partial(_scalar, kind)
    return kind.from_dict if hasattr(kind, "from_dict") else partial(from_fields, kind)


def _scalar(kind: type[Any], form: Any) -> Any:
    if type(form) not in _PLAIN[kind]:
        raise FormError(f"must be {_WORDS[kind]}, and is {form!r:.60}")
    return form


def _one_of(allowed: tuple[Any, ...], form: Any) -> Any:
    if form not in allowed:
        raise FormError(f"must be {' or '.join(map(repr, allowed))}, and is {form!r:.60}")
    return form


def _of_any(readers: Sequence[Read], is_optional: bool, form: Any) -> Any:
    if form is None and is_optional:
        return None
    errors = []
    for read in readers:
        try:
            return read(form)
        except FormError as error:
            errors.append(error)
    raise errors[0]


def _items(make: Callable[[list[Any]], Any], read: Read, form: Any) -> Any:
    if not isinstance(form, list | tuple):
        raise FormError(f"must be a list, and is {form!r:.60}")
    values: list[Any] = []
    try:
        for item in form:
            values.append(read(item))  # noqa: PERF401  # their number by then says which one is wrong
    except FormError as error:
        raise error.inside(f"[{len(values)}]") from None
    return make(values)


def _row(readers: Sequence[Read], form: Any) -> tuple[Any, ...]:
    if not isinstance(form, list | tuple) or len(form) != len(readers):
        raise FormError(f"must be a list of {len(readers)}, and is {form!r:.60}")
    return tuple(read(item) for read, item in zip(readers, form, strict=True))


def _object(key: Callable[[str], Any], read: Read, form: Any) -> dict[Any, Any]:
    if not isinstance(form, Mapping):
        raise FormError(f"must be an object, and is {form!r:.60}")
    values = {}
    for name, item in form.items():
        try:
            values[key(name)] = read(item)
        except FormError as error:
            raise error.inside(str(name)) from None
        except ValueError:
            raise FormError(f"must have whole numbers as names, and has {name!r:.60}") from None
    return values
