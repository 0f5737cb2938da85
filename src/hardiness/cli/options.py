"""Commands from dataclasses: the fields of what a function takes are the options of its command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from hardiness.core.options import option

_HYPHEN = "\N{NON-BREAKING HYPHEN}"
"""Stands for a hyphen while lines are broken."""


class WholeNames(click.HelpFormatter):
    """Help in which no name that is typed, as ``every-eval-ever``, is broken at a hyphen."""

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and texts; hyphens stand in for themselves again in `getvalue`."""
        super().write_dl([(term, text.replace("-", _HYPHEN)) for term, text in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        """The help."""
        return super().getvalue().replace(_HYPHEN, "-")


class _Context(click.Context):
    formatter_class = WholeNames


class NamedCommand(click.Command):
    """A command whose help breaks no name."""

    context_class = _Context


def command(function: Callable[[Any], int]) -> click.Command:
    """The command that calls a function of one dataclass; the function's docstring is its help.

    A field made by `option` or `argument` is one, and its type says what a value is: ``bool`` is a flag, ``X | None``
    may be left out, ``tuple[X, ...]`` may be given several times. A field that is a dataclass itself brings its own
    options. Other fields keep their defaults.
    """
    (kind,) = (hint for name, hint in get_type_hints(function).items() if name != "return")

    def call(**given: Any) -> int:
        return function(_dataclass_of(kind, given))

    # click keeps the option for help by the names of who asks first, which may be no `hardiness`.
    settings = {"show_default": True, "help_option_names": ["-h", "--help"]}
    return NamedCommand(function.__name__, settings, call, list(_parameters(kind)), inspect.getdoc(function))


def json_flag(text: str = "Print everything as JSON.") -> Any:
    """The flag ``--json``."""
    return option(text, False, name="--json")


def quiet_flag(text: str = "Neither progress nor a closing line.") -> Any:
    """The flag ``--quiet``."""
    return option(text, False)


def _members(kind: Any) -> Iterator[tuple[Field[Any], Any]]:
    """Each field of a dataclass with its type."""
    hints = get_type_hints(kind)
    return ((each, hints[each.name]) for each in fields(kind))


def _parameters(kind: Any, only: Collection[str] = ()) -> Iterator[click.Parameter]:
    """The options of a dataclass, or those of these names."""
    for each, hint in _members(kind):
        if is_dataclass(hint):
            yield from _parameters(hint, each.metadata.get("only", ()))
        elif not only or each.name in only:
            if "argument" in each.metadata:
                yield _argument(each, hint)
            elif "help" in each.metadata:
                yield _option(each, hint)


def _dataclass_of(kind: Any, given: Mapping[str, Any]) -> Any:
    """The dataclass with the values that were given to its options."""
    values = {}
    for each, hint in _members(kind):
        if is_dataclass(hint):
            values[each.name] = _dataclass_of(hint, given)
        elif each.name in given and each.metadata.keys() & {"argument", "help"}:
            values[each.name] = given[each.name]
    return kind(**values)


def _argument(each: Field[Any], hint: Any) -> click.Argument:
    item, several = _item(hint)
    return click.Argument(
        [each.name],
        type=_type(item, each.metadata),
        nargs=-1 if several else 1,
        required=each.default is MISSING,
        metavar=each.metadata["argument"],
    )


def _option(each: Field[Any], hint: Any) -> click.Option:
    about, (item, several) = each.metadata, _item(hint)
    flags = about.get("name", f"--{each.name.replace('_', '-')}").split()
    settings: dict[str, Any] = {"help": about["help"], "metavar": about.get("metavar")}
    if each.default_factory is not MISSING:
        settings |= {"default": each.default_factory, "show_default": False}
    elif each.default is MISSING:
        settings["required"] = True
    elif each.default not in (None, ()):
        settings["default"] = each.default
    if item is bool:
        flags = [f"{flags[0]}/{about['off']}"] if "off" in about else flags
        settings["is_flag"] = True
    elif read := about.get("read"):
        settings |= {"callback": lambda _, __, text: each.default if text is None else read(text), "type": str}
    else:
        settings |= {"type": _type(item, about), "multiple": several}
    return click.Option([*flags, each.name], **settings)


def _item(hint: Any) -> tuple[Any, bool]:
    """The type of one value, and whether there may be several."""
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    if get_origin(hint) is Literal:
        return str, False
    others = [each for each in get_args(hint) if each is not NoneType]
    return (others[0] if others else hint), False


def _type(item: Any, about: Mapping[str, Any]) -> click.ParamType[Any]:
    """How one value is read."""
    if "choices" in about:
        return click.Choice(about["choices"])
    if "least" in about:
        return click.FloatRange(min=about["least"])
    return click.Path(path_type=Path) if item is Path else click.types.convert_type(item)
