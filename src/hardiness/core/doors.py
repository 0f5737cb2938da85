"""A room's door: its names are there at once, and the modules behind them are imported when they are first used."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any


def door(room: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package, for a command to load only what it uses (PEP 562).

    What the package offers stands once, as imports under ``if TYPE_CHECKING:``, where readers, editors and type
    checkers see it; these imports are done one name at a time. Names that are imported ``as`` themselves are for
    benchmarks and commands, which load them when they use them. Functions of the package itself cannot use the names.

    Args:
        room: the package's ``__name__``.
    """
    package: Any = sys.modules[room]
    modules: dict[str, tuple[str, str]] = {}

    def load(name: str) -> Any:
        if not modules:
            modules.update(_late_imports(package.__loader__.get_source(room)))
        if name not in modules:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        module, original = modules[name]
        value = getattr(importlib.import_module(module), original)
        setattr(package, name, value)  # the next time it is found without asking
        return value

    return load, lambda: sorted({*vars(package), *package.__all__})


def _late_imports(source: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Each name that is imported under an ``if``, with its module and its name there."""
    for block in ast.parse(source).body:
        for node in block.body if isinstance(block, ast.If) else ():
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)
