"""A hash over a person's own code: the files that define it, local modules that these import, plain attributes."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import re
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import Enum
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import decode_source, find_spec, resolve_name
from numbers import Number
from pathlib import Path, PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.core.registry import extending_packages
from hardiness.models.identity import state_sha256

if TYPE_CHECKING:
    from torch import nn

OWN_FILE = "hardiness_user_"
"""Beginning of the names of modules that files of a person's own are run as."""

_STDLIB = tuple({sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")})
_SITE = frozenset(("site-packages", "dist-packages"))

_PLAIN = (type(None), str, bytes, Number, np.generic, range, slice, PurePath, re.Pattern, np.dtype, Enum)
"""Values that their ``repr`` shows."""


def code_sha256(thing: Any, text: str = "", tag: str | None = None) -> str:
    """The hexadecimal sha256 over the code of a network, of a function or of any other object.

    It covers the file that defines it (of a network the files of all its modules), every local module that these files
    import, installed distributions by name and version, and attributes that are plain values: numbers, texts, arrays,
    containers of them, objects of one's own classes. Weights of the network itself have a hash of their own. Comments
    and formatting do not count. Whatever else it computes with is not seen: stored runs are trusted after a look.

    Args:
        thing: what is executed.
        text: further source text that made it.
        tag: a name for the code, given by a person who answers for it; the code is then not read.
    """
    if tag is not None:
        return hashlib.sha256(f"tag {tag}".encode()).hexdigest()
    code = _OwnCode()
    if text:
        code.add_text(text, "")
    value = code.network(thing, weights=False) if _is_network(thing) else code.value(thing)
    return _sha256([value, sorted(code.sources), sorted(code.versions)])


class _OwnCode:
    """The sources and values that are met while an object is walked through.

    Attributes:
        sources: hashes over the texts of files, and over functions that no file holds.
        versions: installed distributions.
    """

    def __init__(self) -> None:
        self.sources: set[str] = set()
        self.versions: set[str] = set()
        self._met: set[Any] = set()  # files, names of modules, and what has been asked for its source
        self._values: dict[int, str] = {}
        self._alive: list[Any] = []  # so that no id is used twice

    def value(self, value: Any) -> str:
        """A text that is equal for equal values, wherever they lie in memory; of what is not plain its type alone."""
        if isinstance(value, _PLAIN):
            return f"{type(value).__name__} {value!r}"
        if id(value) not in self._values:
            self._alive.append(value)
            self._values[id(value)] = "itself"
            self._values[id(value)] = _sha256(self._parts(value))
        return self._values[id(value)]

    def network(self, network: nn.Module, weights: bool) -> str:
        """The classes, plain attributes and unsaved buffers of a network's modules, and its weights where asked for."""
        import torch

        bookkeeping = vars(torch.nn.Module()).keys()
        self._alive.append(network)
        self._values |= {id(module): f"module {name}" for name, module in network.named_modules()}
        parts: list[Any] = [state_sha256(network.state_dict()) if weights else ""]
        for name, module in network.named_modules():
            parts += [name, self.value(type(module))]
            if isinstance(module, torch.jit.ScriptModule):
                parts += self._script(module)
                continue
            attributes = {key: each for key, each in vars(module).items() if "torchdynamo" not in key}
            parts.append(self._members({key: attributes[key] for key in attributes.keys() - bookkeeping}))
            parts.append(self._members({key: module._buffers[key] for key in module._non_persistent_buffers_set}))
        return _sha256(parts)

    def add_text(self, text: str, package: str) -> None:
        """Take in source text, and the modules that it imports; relative ones are below ``package``."""
        digest, imports = _read(text, package)
        self.sources.add(digest)
        for name in imports:
            self._add_module(name)

    def _parts(self, value: Any) -> list[Any]:
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if isinstance(value, type):
            return [f"{value.__module__}.{value.__qualname__}", *self._class(value)]
        if isinstance(value, FunctionType):
            self._add_function(value)
            defaults = self.value([value.__defaults__, value.__kwdefaults__])
            return [f"{value.__module__}.{value.__qualname__}", defaults, self._members(vars(value))]
        if isinstance(value, MethodType):
            return [self.value(value.__func__), self.value(value.__self__)]
        if isinstance(value, functools.partial):
            return [self.value(value.func), self.value(value.args), self._members(value.keywords)]
        if isinstance(value, staticmethod | classmethod):
            return [name, self.value(value.__func__)]
        if isinstance(value, property):
            return [name, *map(self.value, (value.fget, value.fset, value.fdel))]
        if isinstance(value, BuiltinFunctionType):
            return [name, str(value.__module__), value.__qualname__]
        if isinstance(value, ModuleType):
            self._add_module(value.__name__)
            return [value.__name__]
        parts: list[Any] = [name, self.value(kind)]
        if isinstance(value, dict):
            parts += [[self.value(key), self.value(item)] for key, item in value.items()]
        elif isinstance(value, set | frozenset):
            parts += sorted(map(self.value, value))
        elif isinstance(value, list | tuple | deque):
            parts += map(self.value, value)
        elif isinstance(value, np.ndarray):
            parts += [str(value.dtype), value.shape]
            parts.append(self.value(value.tolist() if value.dtype.hasobject else value.tobytes()))
        elif _is_network(value):
            return [*parts, self.network(value, weights=True)]
        elif (torch := sys.modules.get("torch")) is not None:
            if isinstance(value, torch.dtype | torch.device):
                parts.append(str(value))
            elif isinstance(value, torch.Tensor):
                with suppress(RuntimeError, TypeError, NotImplementedError):  # of a layout without plain numbers
                    parts.append(state_sha256({"": value}))
        if (wrapped := inspect.getattr_static(value, "__wrapped__", None)) is not None:
            parts.append(self.value(wrapped))
        if any(is_local(base.__module__) for base in kind.__mro__):
            parts.append(self._members(_vars_of(value)))
        return parts

    def _members(self, values: Mapping[str, Any]) -> list[str]:
        return [text for key in sorted(values) for text in (key, self.value(values[key]))]

    def _class(self, kind: type) -> Iterator[Any]:
        """Take in where a class and its bases are defined; its own members are given."""
        for base in kind.__mro__:
            if not is_local(base.__module__):
                self._add_version(base.__module__)
                continue
            self._add_module(base.__module__)
            yield self._members({key: each for key, each in vars(base).items() if not key.startswith(("__", "_abc_"))})
            for function in filter(inspect.isfunction, vars(base).values()):
                self._add_function(function)

    def _add_function(self, function: FunctionType) -> None:
        """Take in the file that defines a function; of one that a notebook defines, what was compiled."""
        module = str(function.__globals__.get("__name__", ""))
        if not is_local(module):
            self._add_version(module)
        elif Path(file := function.__code__.co_filename).is_file():
            self._add_file(Path(file), str(function.__globals__.get("__package__") or ""))
        elif module == "__main__":
            self._add_compiled(function)

    def _add_compiled(self, function: FunctionType) -> None:
        """Take in a function that no file holds, and what it names of the same notebook."""
        if function.__code__ in self._met:
            return
        self._met.add(function.__code__)
        codes, named = [*_codes(function.__code__)], function.__globals__
        parts: list[Any] = [self.value([function.__defaults__, function.__kwdefaults__])]
        for code in codes:
            constants = [each for each in code.co_consts if not isinstance(each, CodeType)]
            parts += [code.co_code.hex(), code.co_names, self.value(constants)]
            parts += [self.value(named[name]) for name in code.co_names if name in named]
        self.sources.add(_sha256(parts))

    def _add_file(self, file: Path, package: str) -> None:
        if file not in self._met:
            self._met.add(file)
            self.add_text(decode_source(file.read_bytes()), package)

    def _add_module(self, name: str) -> None:
        """Take in a module by its file, or an installed one by the version of its distribution."""
        if name in self._met:
            return
        self._met.add(name)
        spec = spec_of(name)
        if spec is None:
            return
        if not is_local(name, spec):
            self._add_version(name)
        elif spec.origin and spec.origin.endswith(tuple(EXTENSION_SUFFIXES)):
            self.sources.add(hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest())
        elif spec.origin and Path(spec.origin).is_file():
            is_package = spec.submodule_search_locations is not None
            self._add_file(Path(spec.origin), name if is_package else name.rpartition(".")[0])

    def _add_version(self, module: str) -> None:
        top = module.partition(".")[0]
        if version := _version_of(top):
            self.versions.add(f"{top} {version}")

    def _script(self, module: Any) -> list[str]:
        """The graphs of a module of TorchScript, and its settings, which are none of Python's."""
        parts = []
        for name in sorted(module._c._method_names()):
            # Without places in files, and numbers that count all types of the process.
            text = re.sub(r" # \S+:\d+:\d+$", "", str(module._c._get_method(name).inlined_graph), flags=re.MULTILINE)
            parts.append(re.sub(r"___torch_mangle_\d+\.", "", text))
        weights = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
        for name in re.findall(r'prim::GetAttr\[name="(\w+)"\]', str(getattr(module, "inlined_graph", ""))):
            setting = module._c.getattr(name) if name not in weights and module._c.hasattr(name) else None
            if not isinstance(setting, type(module._c)):  # a part of it, whose methods are in its own graph
                parts.append(self.value(setting))
        return parts


def _sha256(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode("utf-8", "surrogatepass")).hexdigest()


@functools.lru_cache(maxsize=4096)
def _read(text: str, package: str) -> tuple[str, tuple[str, ...]]:
    """The hash over source text, whatever its comments, and full names of what it imports."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # of a module that is not imported in this command
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), ()
    digest = hashlib.sha256(ast.unparse(tree).encode("utf-8", "surrogatepass")).hexdigest()
    return digest, tuple(dict.fromkeys(_imports(tree, package)))


def imports_of(text: str) -> tuple[str, ...]:
    """Full names of the modules that source text imports, at its top or inside its functions."""
    return _read(text, "")[1]


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_packages(alias.name)
        elif isinstance(node, ast.ImportFrom):
            with suppress(ImportError):
                base = resolve_name("." * node.level + (node.module or ""), package or None)
                yield from _with_packages(base)
                yield from (f"{base}.{alias.name}" for alias in node.names)


def _with_packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_network(value: Any) -> bool:
    torch = sys.modules.get("torch")  # where it is not loaded there is none
    return torch is not None and isinstance(value, torch.nn.Module)


def _vars_of(value: Any) -> dict[str, Any]:
    """The attributes of an object by name, whether it keeps them in a dictionary or in slots."""
    members = {name: each for kind in type(value).__mro__ for name, each in vars(kind).items()}
    slots = [name for name, each in members.items() if inspect.ismemberdescriptor(each) and hasattr(value, name)]
    attributes = {**{name: getattr(value, name) for name in slots}, **getattr(value, "__dict__", {})}
    return {name: each for name, each in attributes.items() if not name.startswith("__")}


def is_local(module: str, spec: ModuleSpec | None = None) -> bool:
    """Whether a module is a person's own: neither Python's, nor ours, nor of an installed distribution.

    A package that adds to this one is somebody's own, and may be installed again under the same version. So is what
    lies among the installed ones and has no version.
    """
    top = module.partition(".")[0]
    if top in ("__main__", "hardiness"):
        return top == "__main__"
    if top in extending_packages():
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or (spec.origin if spec and spec.has_location else None)
    if file is None:
        return False
    if not _SITE.isdisjoint(Path(file).parts):
        return not _version_of(top)
    return not str(file).startswith(_STDLIB)


@functools.cache
def _version_of(top: str) -> str:
    """Name and version of the distributions that a module is of; empty where it is of none."""
    names = _distributions().get(top, ())
    return " ".join(sorted(f"{name} {metadata.version(name)}" for name in names))


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def spec_of(module: str) -> ModuleSpec | None:
    """The spec of a module, found without importing it or its package; ``None`` where there is no such module."""
    loaded = sys.modules.get(module)
    if isinstance(spec := getattr(loaded, "__spec__", None), ModuleSpec):  # what stands there may be no module
        return spec
    package, _, _ = module.rpartition(".")
    try:
        if not package:
            return find_spec(module)
        above = spec_of(package)
        if above is None or above.submodule_search_locations is None:
            return None  # nothing is below a module; without folders the whole path would be searched
        return PathFinder.find_spec(module, above.submodule_search_locations)
    except (ImportError, ValueError, AttributeError, TypeError):
        return None
