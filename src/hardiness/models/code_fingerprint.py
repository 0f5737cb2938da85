"""The identity of code: a hash over what a network that somebody wrote would execute."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
import sysconfig
from collections.abc import Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_NOT_CODE = frozenset(("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__"))
_NOT_STATE = frozenset(("training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"))
_INSTALLED = tuple({sysconfig.get_path(each) for each in ("purelib", "platlib", "stdlib", "platstdlib")})


def code_sha256(network: nn.Module, text: str = "", tag: str | None = None) -> str:
    """Hexadecimal sha256 over the code of a network and over its settings that are no weights.

    It covers the compiled methods of every class of its modules, the functions, classes and constants that they name
    (recursively, but for installed packages, whose version stands in their place), and every module's plain
    attributes, hooks and unsaved buffers. Comments and formatting do not count. A constant or a call of another
    Python version is compiled otherwise, and then rows are computed again.

    Args:
        network: what is executed.
        text: further source text that made the network.
        tag: a name for the code, given by a person who answers for it; the code is then not looked at.
    """
    import torch

    digest = _Digest()
    if tag is not None:
        digest.add("tag", tag)
        return digest.hexdigest()
    digest.add("text", text)
    with torch.no_grad():
        for name, module in network.named_modules():
            digest.add("module", name)
            digest.visit(type(module))
            for key in sorted(set(vars(module)) - _NOT_STATE):
                digest.add("attribute", key)
                value = vars(module)[key]
                # Hooks stand under numbers that count all hooks of the process.
                digest.visit(list(value.values()) if "_hooks" in key and isinstance(value, dict) else value)
            for key in sorted(module._non_persistent_buffers_set):
                digest.add("buffer", key)
                digest.visit(module._buffers.get(key))
    return digest.hexdigest()


class _Digest:
    """A hash that takes in functions, classes and values, each function and class once."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen: dict[int, Any] = {}
        self._dropped: list[Any] = []  # values are kept alive, so that no id is used twice

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def add(self, kind: str, value: object) -> None:
        text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        self._hash.update(f"{len(text)}\0".encode() + text)

    def visit(self, value: Any) -> None:
        if isinstance(value, _PLAIN):
            self.add(type(value).__name__, repr(value))
        elif id(value) in self._seen:
            self.add("again", getattr(value, "__qualname__", type(value).__qualname__))
        else:
            self._seen[id(value)] = value
            self._visit_new(value)
            # Whether two equal constants are one object is Python's affair, so these count wherever they stand.
            if isinstance(value, Mapping | tuple | list | set | frozenset):
                self._dropped.append(self._seen.pop(id(value)))

    def _visit_new(self, value: Any) -> None:
        if isinstance(value, type):
            self._class(value)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType | staticmethod | classmethod):
            self.visit(value.__func__)
        elif isinstance(value, property):
            self.visit((value.fget,))
        elif isinstance(value, functools.partial):
            self.visit((value.func, value.args, value.keywords))
        elif isinstance(value, ModuleType):
            self.add("import", value.__name__)
        elif isinstance(value, Mapping):
            for key, each in value.items():
                self.visit(key)
                self.visit(each)
        elif isinstance(value, tuple | list):
            self.add(type(value).__name__, len(value))
            for each in value:
                self.visit(each)
        elif isinstance(value, set | frozenset):
            self.add("set", sorted(map(repr, value)))
        else:
            self._object(value)

    def _class(self, kind: type) -> None:
        self.add("class", f"{kind.__module__}.{kind.__qualname__}")
        if _installed(kind.__module__):
            self.add("version", _version(kind.__module__))
            return
        for base in kind.__bases__:
            self.visit(base)
        for key, value in sorted(vars(kind).items()):
            if key not in _NOT_CODE:
                self.add("member", key)
                self.visit(value)

    def _function(self, function: FunctionType) -> None:
        module = function.__module__ or ""
        self.add("function", f"{module}.{function.__qualname__}")
        if _installed(module):
            self.add("version", _version(module))
            return
        self._code(function.__code__, function.__globals__)
        self.visit(function.__defaults__)
        self.visit(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self.visit(_contents(cell))

    def _code(self, code: CodeType, names: Mapping[str, Any]) -> None:
        self.add("code", code.co_code.hex())
        self.add("names", code.co_names)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant, names)
            else:
                self.visit(constant)
        for name in code.co_names:
            if name in names:
                self.visit(names[name])

    def _object(self, value: Any) -> None:
        import torch
        from torch import nn

        self.add("object", f"{type(value).__module__}.{type(value).__qualname__}")
        if isinstance(value, nn.Module):
            return  # a part of the network is visited by its name
        if isinstance(value, torch.Tensor):
            self.add("tensor", f"{value.dtype} {tuple(value.shape)}")
            flat = value.detach().cpu().contiguous().reshape(-1)
            self.add("bytes", hashlib.sha256(flat.view(torch.uint8).numpy().data).hexdigest() if len(flat) else "")
        elif isinstance(value, np.ndarray):
            self.add("array", f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}")
        elif isinstance(value, torch.dtype | torch.device | np.dtype | np.generic):
            self.add("value", repr(value))
        elif not _installed(type(value).__module__):
            self.visit(type(value))
            self.visit(dict(sorted(getattr(value, "__dict__", {}).items())))


def _installed(module: str) -> bool:
    """Whether a module belongs to Python or to an installed distribution, which are known by their versions.

    ``__main__`` never does: in a notebook or under ``python -m`` its file is the launcher's and its classes are not.
    """
    top = module.partition(".")[0]
    if top == "__main__":
        return False
    if top in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and str(file).startswith(_INSTALLED)


def _version(module: str) -> str:
    return str(getattr(sys.modules.get(module.partition(".")[0]), "__version__", ""))


def _contents(cell: Any) -> Any:
    try:
        return inspect.unwrap(cell.cell_contents) if callable(cell.cell_contents) else cell.cell_contents
    except ValueError:  # a name that was never bound
        return None
