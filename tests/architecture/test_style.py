"""Rules of the house that a tool can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import hardiness

SOURCE = Path(hardiness.__file__).parent


def test_options_are_declared_by_fields_alone() -> None:
    """Modules of commands have dataclasses and call nothing of click that makes a command or an option."""
    for path in (SOURCE / "cli").glob("*.py"):
        if path.name not in ("main.py", "options.py"):  # the program itself, and what makes options of fields
            text = path.read_text("utf-8")
            assert not re.search(r"click\.(option|argument|command|group|Option|Argument|Command|Group)\b", text), path


def test_docstrings_say_what_comes_out() -> None:
    """Their first line is one sentence, and none says that nothing comes out."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                told = (ast.get_docstring(node) or "").split("\n\n")[0]
                where = f"{path.relative_to(SOURCE)}: {getattr(node, 'name', 'module')}"
                assert not told.startswith(("Nothing,", "Nothing:", "Nothing.", "None.")), where
                assert not told or told.rstrip().endswith((".", "?", "``", ":")), f"{where}: {told}"
