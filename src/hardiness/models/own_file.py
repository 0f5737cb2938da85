"""A Python file of a person's own, run at their request: its values by name, and its text."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardiness.core.errors import ArgumentError, ModelError, UnknownNameError
from hardiness.models.failures import PROCESS_STATE, foreign_errors
from hardiness.models.own_source import OWN_FILE, imports_of, is_local, spec_of


@dataclass
class OwnFile:
    """One name of one file.

    Attributes:
        file: a Python file.
        name: what it defines.
        prefix: what a person types before it, for messages.
        text: the source, once the file has run.
    """

    file: Path
    name: str
    prefix: str
    text: str = ""

    @classmethod
    def named(cls, text: str, prefix: str) -> OwnFile:
        """The file and name that ``FILE.py:NAME`` stands for.

        Raises:
            ArgumentError: it does not read so, or there is no such file.
        """
        file, _, name = text.rpartition(":")
        if not file or not name.isidentifier():
            raise ArgumentError(f"{prefix} must be followed by FILE.py:NAME, was {text!r}")
        if not Path(file).is_file():
            raise ArgumentError(f"{prefix} must be followed by a file; there is none at {file}")
        return cls(Path(file), name, prefix)

    def value(self, kind: str, fits: Callable[[Any], bool] = callable) -> Any:
        """The value that the file defines by that name; its neighbours can be imported from then on.

        Args:
            kind: what is looked for, for messages.
            fits: whether a value may be that.

        Raises:
            UnknownNameError: the file defines nothing fitting of that name.
            ModelError: it cannot be imported, or a file of another folder stands in the way of its neighbours.
        """
        file, title = self.file, f"{OWN_FILE}{self.file.stem}"
        spec = importlib.util.spec_from_file_location(title, file)
        if spec is None or spec.loader is None:
            raise ModelError(f"{file} must be a Python file")
        module = importlib.util.module_from_spec(spec)
        folder = str(file.resolve().parent)
        if folder not in sys.path:
            sys.path.append(folder)  # last, so that nothing that is installed is hidden by a file of that name
        sys.modules[title] = module  # dataclasses and pickling look a class's module up there
        with foreign_errors(self._label(), "cannot be built, as the file cannot be imported"):
            source = file.read_bytes()
            self.text = importlib.util.decode_source(source)
            exec(compile(source, str(file), "exec"), vars(module))  # the person's own file, run at their request
        _require_own_neighbours(file, self.text)
        named = {key: value for key, value in vars(module).items() if fits(value) and not key.startswith("_")}
        if self.name not in named:
            raise UnknownNameError(f"{kind} in {file}", self.name, named)
        return named[self.name]

    def called(self, function: Any) -> Any:
        """The value that a function of the file returns.

        Raises:
            ModelError: it fails.
        """
        with foreign_errors(self._label(), f"cannot be built, as {self.name}() failed"):
            return function()

    def _label(self) -> str:
        return f"{self.prefix}{self.file}:{self.name}"


@contextmanager
def imported_anew(file: Path) -> Iterator[None]:
    """Import the file, and modules beside and below it, within as if they never had been imported.

    Afterwards the modules of before stand in their places again, so that nothing that holds them notices.
    """
    folder = file.resolve().parent
    with PROCESS_STATE:
        before = dict(sys.modules)
        for name, module in before.items():
            place = getattr(module, "__file__", None)
            if name != "__main__" and place and folder in Path(place).resolve().parents and is_local(name):
                del sys.modules[name]
        try:
            yield
        finally:
            sys.modules.update(before)


def _require_own_neighbours(file: Path, text: str) -> None:
    """Refuse a file that imports a neighbour, where Python has a file of another folder by that name."""
    for name in sorted({module.partition(".")[0] for module in imports_of(text)}):
        beside = [
            module for module in (file.parent / f"{name}.py", file.parent / name / "__init__.py") if module.is_file()
        ]
        spec = spec_of(name) if beside else None
        if spec is None or not spec.origin or not is_local(name, spec):
            continue
        if Path(spec.origin).resolve() not in [module.resolve() for module in beside]:
            raise ModelError(
                f"{file} imports {name}, and Python takes {spec.origin} for it and not {beside[0]}; "
                "rename one of the two, or give models of different folders a command each"
            )
