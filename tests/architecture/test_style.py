"""Rules of the house that a tool can check."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import click
import pytest

import hardiness
from hardiness.cli.main import COMMANDS, command_of

SOURCE = Path(hardiness.__file__).parent
MOST_PARAMETERS = 8


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_are_handed_groups_of_options(name: str) -> None:
    command = command_of(name)
    if command.callback is not None and not isinstance(command, click.Group):
        assert len(inspect.signature(command.callback).parameters) <= MOST_PARAMETERS


def test_docstrings_say_what_comes_out() -> None:
    """Their first line is one sentence, and none says that nothing comes out."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                told = (ast.get_docstring(node) or "").split("\n\n")[0]
                where = f"{path.relative_to(SOURCE)}: {getattr(node, 'name', 'module')}"
                assert not told.startswith(("Nothing,", "Nothing:", "Nothing.", "None.")), where
                assert not told or told.rstrip().endswith((".", "?", "``", ":")), f"{where}: {told}"
