"""Options that are given twice: refused, since the one that counts would be chosen in silence."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from hardiness.core import ArgumentError


def refuse_repeats(command: click.Command, arguments: Sequence[str]) -> None:
    """Raise where an option that takes one value is given twice, or one that takes several has the same value twice.

    Args:
        command: that is called; of a group the command of the group that the arguments name.
        arguments: that follow its name.

    Raises:
        ArgumentError: naming the option.
    """
    while isinstance(command, click.Group) and arguments and arguments[0] in command.commands:
        command, arguments = command.commands[arguments[0]], arguments[1:]
    context = click.Context(command)
    given: dict[str, Any] = {}
    order: list[click.Parameter] = []
    with suppress(click.ClickException):  # it is told when the command is called
        given, _, order = command.make_parser(context).parse_args(list(arguments))
    for option in dict.fromkeys(each for each in order if isinstance(each, click.Option)):
        if not option.multiple and order.count(option) > 1:
            raise ArgumentError(f"{option.opts[-1]} is given twice; give it once")
        values = given.get(option.name or "") if option.multiple else None
        if values and len(set(values)) < len(values):
            twice = next(value for place, value in enumerate(values) if value in values[:place])
            raise ArgumentError(f"{option.opts[-1]} {twice} is given twice; give it once")
