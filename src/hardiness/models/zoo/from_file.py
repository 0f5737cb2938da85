"""``py:FILE.py:FACTORY``: a network that a function in a file of one's own makes."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import CodeType
from typing import Any

from hardiness.core import ArgumentError, ModelError, ModelSpec, UnknownNameError, View
from hardiness.models.catalogue import Built, Scheme, override, schemes
from hardiness.models.failures import told
from hardiness.models.identity import OWN_FILE, imported_by, installed, spec_of

_OPTIONS = {"tag": "a name for the code, in place of a hash over it: then edits are yours to answer for"}


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a factory; the file runs when the model is built.

    Raises:
        ArgumentError: it does not read ``FILE.py:FACTORY``, or there is no such file.
    """
    file, _, factory = name.rpartition(":")
    if not file or not factory.isidentifier():
        raise ArgumentError(f"py: must be followed by FILE.py:FACTORY, was {name!r}")
    if not Path(file).is_file():
        raise ArgumentError(f"py: must be followed by a file; there is none at {file}")
    return ModelSpec(
        name=f"py:{name}",
        build=f"{__name__}:build",
        num_classes=0,
        options=tuple((key, value) for key, value in options.items() if key in (*View.__dataclass_fields__, "tag")),
        summary=f"{factory} of {Path(file).name}",
    )


def build(spec: ModelSpec) -> Built:
    """What the factory returns: a network, or a network and its `View`; a view given by options goes before it.

    Raises:
        UnknownNameError: the file has no such function.
        ModelError: the file does not import, or the factory returns something else.
    """
    from torch import nn

    file, _, name = spec.name.removeprefix("py:").rpartition(":")
    text, factory = _factory(Path(file), name)
    with told(spec.name, f"cannot be built, as {name}() failed"):
        made = factory()
    network, view = made if isinstance(made, tuple) and len(made) == 2 else (made, spec.view)
    if not isinstance(network, nn.Module) or not isinstance(view, View):
        raise ModelError(
            f"{spec.name} must return a torch.nn.Module, or one and a View; returned {type(made).__name__}"
        )
    return Built(network, spec=replace(spec, view=override(view, dict(spec.options))), code=text)


def _factory(file: Path, name: str) -> tuple[str, Callable[[], Any]]:
    """The text of a file, and the function of that name that this very text defines.

    What lies beside the file can be imported from then on, also in ``forward``.
    """
    title = f"{OWN_FILE}{file.stem}"
    found = importlib.util.spec_from_file_location(title, file)
    if found is None or found.loader is None:
        raise ModelError(f"{file} must be a Python file")
    module = importlib.util.module_from_spec(found)
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # last, so that nothing that is installed is hidden by a file of that name
    sys.modules[title] = module  # dataclasses and pickling look a class's module up there
    with told(f"py:{file}:{name}", "cannot be built, as the file cannot be imported"):
        source = file.read_bytes()
        text = importlib.util.decode_source(source)
        code = compile(source, str(file), "exec")
        exec(code, vars(module))  # the person's own file, run at their request
    _require_own_neighbours(file, code)
    functions = {key: value for key, value in vars(module).items() if callable(value) and not key.startswith("_")}
    if name not in functions:
        raise UnknownNameError(f"factory in {file}", name, functions)
    return text, functions[name]


def _require_own_neighbours(file: Path, code: CodeType) -> None:
    """Refuse a file beside which lies what it imports, where Python has a file of another folder by that name."""
    for name in sorted({each.partition(".")[0] for each in imported_by(code)}):
        beside = [each for each in (file.parent / f"{name}.py", file.parent / name / "__init__.py") if each.is_file()]
        found = spec_of(name) if beside else None
        if found is None or not found.origin or installed(name, found):
            continue
        if Path(found.origin).resolve() not in [each.resolve() for each in beside]:
            raise ModelError(
                f"{file} imports {name}, and Python takes {found.origin} for it and not {beside[0]}; "
                "rename one of the two, or give models of different folders a command each"
            )


schemes.register(
    "py", Scheme("py:FILE.py:FACTORY", "a network made by a function of your own", spec, _OPTIONS), __name__
)
