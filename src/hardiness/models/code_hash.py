"""A hash over what a model computes with: code of a person's own, and every value that it holds."""

from __future__ import annotations

import copyreg
import functools
import hashlib
import inspect
import random
import re
import secrets
import sys
import warnings
import weakref
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.models.failures import PROCESS_STATE
from hardiness.models.identity import OF_ONE_COMMAND
from hardiness.models.own_code import (
    OWN_FILE,
    SILENT,
    aliases_of,
    code_of,
    distribution_version,
    functions_of,
    home_of,
    imports_by_name,
    imports_of,
    inner_codes,
    installed,
    is_compiled_by_numba,
    is_gone,
    package_of,
    spec_of,
    vars_of,
)
from hardiness.models.run_time_reads import LIBRARIES, RunTimeReads

if TYPE_CHECKING:
    from torch import nn

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_NOT_CODE = frozenset(
    (
        *("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__", "__slotnames__"),
        *("__static_attributes__", "__firstlineno__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
        *("_abc_impl", "__signature__"),
    )
)
"""Members of classes that say nothing of their computation, or where they stand in a file."""

_NOT_STATE = frozenset(
    ("training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "_torchdynamo_wrapper_id")
)

_WRAPPED = ("__wrapped__", "_torchdynamo_inline")
"""Attributes in which wrappers such as `functools.lru_cache` and `torch.jit.script` keep the wrapped function."""

_VALUELESS = frozenset(("_thread", "threading", "logging", "concurrent.futures.thread", "concurrent.futures.process"))
"""Modules whose objects (locks, loggers, threads) hold nothing that a network computes with."""

_MADE_BY_NOW = frozenset(("cache_token", "machine"))
"""Names in functions of packages for what the process has counted (`functools.singledispatch`) or compiled by now."""

_WEAK = (weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet)
"""Caches by nature: who holds things that way does not own them."""

_COMPILERS, _DEEPEST_OF_THESE = ("torch._dynamo", "torch._inductor", "torch._functorch"), 2
"""Packages whose objects are made anew from what they compile, and how deep these are searched for functions."""

_CONTAINERS = (dict, tuple, list, deque, set, frozenset)
"""Containers of Python's own, which show what they hold whatever a class of one's own makes of them."""

_DEEPEST = 5_000
"""Depth of values in values: deeper than any that a person writes."""


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """The identity of a network's code.

    Attributes:
        sha256: hexadecimal.
        left_out: what changes the network's answers and was seen not to be covered, one line each.
    """

    sha256: str
    left_out: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each thing that is left out, with what follows from it for a model."""
        advice = "each command begins anew; to go on, add tag=NAME to the model, and another NAME after a change there"
        return tuple(f"{line}: {advice}" for line in self.left_out)

    def for_one_command(self) -> str:
        """The text that stands in a key: where something is left out, a text that no other command gives."""
        return f"{secrets.token_hex(32)}{OF_ONE_COMMAND}" if self.left_out else self.sha256


def code_identity(network: nn.Module, text: str = "", tag: str | None = None) -> CodeIdentity:
    """The hash over the code of a network and over its settings that are no weights, and what it leaves out.

    It covers the compiled methods of every class of its modules, the functions, classes and constants that they name
    (recursively, also inside wrappers), every module's attributes by value, whatever type they have, hooks and unsaved
    buffers, TorchScript, and of each module of Python that the code imports, at its top or inside a function, the whole
    file and those that this file imports. Installed packages are not read: name and version stand in their place.
    Comments and formatting do not count. A constant or a call of another Python version is compiled otherwise, and then
    rows are computed again.

    Args:
        network: what is executed.
        text: further source text that made the network.
        tag: a name for the code, given by a person who answers for it; the code is then not looked at.
    """
    import torch

    digest = _Digest({id(module): name for name, module in network.named_modules()})
    if tag is not None:
        digest.add("tag", tag)
        return CodeIdentity(digest.hexdigest())
    digest.source(text)
    reads = RunTimeReads()
    with torch.no_grad(), _room_to_recurse():
        digest.network(network)
        reads.network(network)
    return CodeIdentity(digest.hexdigest(), _left_out(digest, reads))


def function_identity(function: Any, text: str = "", tag: str | None = None) -> CodeIdentity:
    """The hash over a plain function or an object that can be called, as `code_identity` of a network.

    Weights that it holds count; what answers behind it (a service, a file) does not, unless ``tag`` says its version.
    """
    digest = _Digest({})
    if tag is not None:
        digest.add("tag", tag)
        return CodeIdentity(digest.hexdigest())
    digest.source(text)
    reads = RunTimeReads()
    with _room_to_recurse():
        digest.visit(function)
        reads.callable(function)
    return CodeIdentity(digest.hexdigest(), _left_out(digest, reads))


def _left_out(digest: _Digest, reads: RunTimeReads) -> tuple[str, ...]:
    """A line for each kind of thing that was seen not to be covered."""
    kinds = {
        "what cannot be hashed by value": digest.opaque,
        **reads.places,
        "compiled libraries that are no modules of Python": digest.libraries,
    }
    return tuple(
        f"its key does not cover {kind} ({', '.join(sorted(places))})" for kind, places in kinds.items() if places
    )


@contextmanager
def _room_to_recurse() -> Iterator[None]:
    """Let values lie deeper in each other than Python's usual limit; warnings of old protocols are silent."""
    with PROCESS_STATE, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, 20 * _DEEPEST))
        try:
            yield
        finally:
            sys.setrecursionlimit(limit)


class _Digest:
    """A hash that takes in functions, classes and values; equal ones count as equal, wherever they lie in memory.

    Attributes:
        opaque: where values were met that show nothing of what they hold, with their types.
        libraries: where compiled libraries are loaded that are no modules of Python.
    """

    def __init__(self, parts: Mapping[int, str]) -> None:
        """A hash of nothing yet; ``parts`` are the names of the network's modules, by id: they are visited by name."""
        self._hash = hashlib.sha256()  # of the innermost value that is being visited
        self._parts = parts
        self._visited: dict[int, str] = {}
        self._alive: list[Any] = []  # visited values are kept alive, so that no id is used twice
        self._above: dict[int, int] = {}  # values that are being visited, with their depth
        self._files: dict[str, str] = {}  # of each file of one's own by the name of its module
        self._places: list[str] = []
        self.opaque: set[str] = set()
        self.libraries: set[str] = set()

    def hexdigest(self) -> str:
        """The hash of everything, with the files that it is in."""
        digest_of_all = self._hash.copy()
        for name, digest in sorted(self._files.items()):
            digest_of_all.update(f"{name} {digest}\n".encode())
        return digest_of_all.hexdigest()

    def source(self, text: str) -> None:
        """Add source text that made the hashed code."""
        self.add("text", text)
        if text:
            for code in inner_codes(compile(text, "<source>", "exec")):
                self._note_libraries(code, "the file")

    def network(self, network: nn.Module, weights: bool = False) -> None:
        """Add the classes, settings, hooks and unsaved buffers of a network's modules.

        Args:
            network: whose.
            weights: whether its parameters and saved buffers count too, as for a network that lies beside the model.
        """
        import torch

        for name, module in network.named_modules():
            self.add("module", name)
            self.visit(type(module))
            is_script = isinstance(module, torch.jit.ScriptModule)
            for key in () if is_script else sorted(set(vars(module)) - _NOT_STATE):
                self.add("attribute", key)
                value = vars(module)[key]
                # Hooks stand under numbers that count all hooks of the process.
                hooks = list(value.values()) if "_hooks" in key and isinstance(value, dict) else value
                self._visit_at(f"{key} of {name or type(module).__name__}", hooks)
            for key in sorted(module._non_persistent_buffers_set):
                self.add("buffer", key)
                self.visit(module._buffers.get(key))
            if is_script:
                self.script_module(module)
        for name, tensor in network.state_dict().items() if weights else ():
            self.add("weight", name)
            self.visit(tensor)

    def add(self, kind: str, value: object) -> None:
        """Add a text and its kind."""
        text = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
        self._hash.update(f"{len(text)}\0".encode() + text)

    def visit(self, value: Any) -> None:
        """Add a value, whatever it is."""
        if type(value) in _PLAIN:
            self.add(type(value).__name__, repr(value))
        elif is_gone(value):
            self.add("gone", "")
        else:
            self.add("value", self._digest_of(value))

    def _visit_at(self, place: str, value: Any) -> None:
        """Add a value, with words for its place."""
        self._places.append(place)
        try:
            self.visit(value)
        finally:
            self._places.pop()

    def _digest_of(self, value: Any) -> str:
        """The hash of one value; of one that is being visited its distance above."""
        if id(value) in self._visited:
            return self._visited[id(value)]
        if id(value) in self._above:
            return f"{len(self._above) - self._above[id(value)]} above"
        if len(self._above) > _DEEPEST:
            self._note_opaque(value)
            return ""
        self._above[id(value)] = len(self._above)
        outer, self._hash = self._hash, hashlib.sha256()
        try:
            self._visit_new(value)
            digest = self._hash.hexdigest()
        finally:
            self._hash = outer
            del self._above[id(value)]
        self._alive.append(value)
        self._visited[id(value)] = digest
        return digest

    def _visit_new(self, value: Any) -> None:
        if isinstance(value, type):
            self._class(value)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType):
            self.visit(value.__func__)
            self.visit(value.__self__)
        elif isinstance(value, staticmethod | classmethod):
            self.add("method", type(value).__name__)
            self.visit(value.__func__)
        elif isinstance(value, property):
            self.visit((value.fget, value.fset, value.fdel))
        elif isinstance(value, ModuleType):
            self._module(value.__name__, getattr(value, "__spec__", None), getattr(value, "__version__", None))
        elif not self._contents(value):
            self._object(value)

    def _contents(self, value: Any) -> bool:
        """Add the contents of a container of Python's; whether the value is one and nothing else."""
        kind = type(value)
        base = next((item for item in _CONTAINERS if isinstance(value, item)), None)
        if base is dict:
            self.add("dict", len(value))
            for key, item in dict.items(value):
                self.visit(key)
                self._visit_at(str(key), item) if type(key) is str else self.visit(item)
        elif base in (set, frozenset):
            self.add("set", len(value))
            for digest in sorted(map(self._digest_in_set, base.__iter__(value))):
                self.add("value", digest)
        elif base is not None:
            self.add(base.__name__, len(value))
            for item in base.__iter__(value):
                self.visit(item)
        return kind in (dict, tuple, list, set, frozenset)

    def _digest_in_set(self, value: Any) -> str:
        return f"{type(value).__name__} {value!r}" if type(value) in _PLAIN else self._digest_of(value)

    def _class(self, kind: type) -> None:
        home = home_of(kind)
        self.add("class", f"{home}.{kind.__qualname__}")
        if installed(home):
            self._version(home)
            return
        if type(kind) is not type:
            self.visit(type(kind))
        for base in kind.__bases__:
            self.visit(base)
        for key, value in sorted(vars(kind).items()):
            if key not in _NOT_CODE and (not key.startswith("__pydantic_") or key == "__pydantic_fields__"):
                self.add("member", key)
                self._visit_at(f"{key} of {kind.__name__}", value)

    def _function(self, function: FunctionType) -> None:
        home = home_of(function)
        self.add("function", f"{function.__module__}.{function.__qualname__}")
        is_own = not installed(home)
        if is_own:
            self._code(function.__code__, function.__globals__)
            self.visit(function.__defaults__)
            self.visit(function.__kwdefaults__)
            attributes = {
                key: attribute
                for key, attribute in vars(function).items()
                if not key.startswith(("_torchdynamo", "__"))
            }
            self.visit(dict(sorted(attributes.items())))
        else:
            self._version(home)
        # What a function of a package was made with stands in its cells; those of its module have none worth reading.
        if is_own or "<locals>" in function.__code__.co_qualname:
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
                if is_own or name not in _MADE_BY_NOW:
                    self._visit_at(f"{name} of {function.__name__}", cell)
        self._wrapped(function)

    def _cell(self, cell: CellType) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # a name that was never bound
            value = None
        innermost = inspect.unwrap(value) if callable(value) else value
        self.visit(innermost)
        if innermost is not value:
            self.visit(value)

    def _wrapped(self, wrapper: Any) -> None:
        """Add the functions that a wrapper wraps."""
        for name in _WRAPPED:
            wrapped = vars_of(wrapper).get(name)
            if wrapped is not None:
                self.visit(wrapped)

    def _code(self, code: CodeType, names: Mapping[str, Any]) -> None:
        self._compiled(code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant, names)
            else:
                self.visit(constant)
        for name in code.co_names:
            if name in names:
                self._visit_at(name, names[name])
                self._members(names[name], code.co_names, ())
        self._imports(code, str(names.get("__package__") or ""), str(names.get("__name__", "")), names, {})

    def _compiled(self, code: CodeType) -> None:
        self.add("code", code.co_code.hex())
        self.add("names", code.co_names)

    def _members(self, module: Any, names: Sequence[str], above: tuple[str, ...]) -> None:
        """Add the members that code names of a module of one's own, as they are now, and of the modules in it."""
        if is_gone(module) or not isinstance(module, ModuleType):
            return
        if module.__name__ in above or installed(module.__name__):
            return
        for name in names:
            if name in vars(module) and not name.startswith("__"):
                self.add("member", f"{module.__name__}.{name}")
                self._visit_at(f"{name} of {module.__name__}", vars(module)[name])
                self._members(vars(module)[name], names, (*above, module.__name__))

    def _module(self, name: str, spec: ModuleSpec | None, version: str | None = None) -> None:
        """Add a module by its name; with the file of one's own, with the version of an installed package."""
        self.add("import", name)
        if not installed(name, spec):
            self._file(name, spec)
        elif name.partition(".")[0] not in SILENT:
            self.add("version", version or self._distribution(name))

    def _file(self, name: str, spec: ModuleSpec | None) -> None:
        """Add the compiled text of a module's file, once, and the functions that were changed since it was imported."""
        if name in self._files or spec is None or name.startswith(OWN_FILE):
            return
        self._files[name] = ""
        outer, self._hash = self._hash, hashlib.sha256()
        try:
            if spec.origin and spec.origin.endswith(tuple(EXTENSION_SUFFIXES)):
                self.add("extension", hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest())
            elif (code := code_of(name, spec)) is not None:
                self._text(code, package_of(name, spec), name, aliases_of(code))
                written = {_content(piece) for piece in inner_codes(code)}
                for function in functions_of(sys.modules.get(name)):
                    current = function.__code__
                    if current.co_filename == code.co_filename and _content(current) not in written:
                        self.visit(function)  # the file was edited after it was imported
            self._files[name] = self._hash.hexdigest()
        finally:
            self._hash = outer

    def _text(self, code: CodeType, package: str, name: str, aliases: Mapping[str, str]) -> None:
        """Add compiled text that nobody has run, or that was run long ago: without the values of its names."""
        self._compiled(code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._text(constant, package, name, aliases)
            else:
                self.visit(constant)
        self._imports(code, package, name, {}, aliases)

    def _imports(
        self, code: CodeType, package: str, name: str, names: Mapping[str, Any], aliases: Mapping[str, str]
    ) -> None:
        """Add the modules that code imports when it runs."""
        self._note_libraries(code, name)
        for module in (*imports_of(code, package), *imports_by_name(code, package, names, aliases)[0]):
            if module.partition(".")[0] in SILENT and installed(module.partition(".")[0]):
                continue
            spec = spec_of(module)
            if spec is not None:
                self._module(module, spec)

    def _note_libraries(self, code: CodeType, module: str) -> None:
        where = f"{code.co_name} of {module.removeprefix(OWN_FILE)}"
        self.libraries |= {f"{loader} in {where}" for loader in LIBRARIES & set(code.co_names)}

    def _version(self, module: str) -> None:
        top = module.partition(".")[0]
        version = str(getattr(sys.modules.get(top), "__version__", ""))
        if not version and top not in sys.stdlib_module_names:
            version = self._distribution(module)
        self.add("version", version)

    def _distribution(self, module: str) -> str:
        """The version of the distribution that a module is part of; where there is none, a hash over its files."""
        return distribution_version(module) or _package_sha256(module.partition(".")[0])

    def script(self, graph: Any) -> None:
        """Add a graph of TorchScript, without places in files and numbers that count all types of the process."""
        text = re.sub(r" # \S+:\d+:\d+$", "", str(graph), flags=re.MULTILINE)
        self.add("script", re.sub(r"___torch_mangle_\d+\.", "", text))

    def script_module(self, module: Any) -> None:
        """Add the graphs of a module of TorchScript, and its settings, which are none of Python's."""
        for name in sorted(module._c._method_names()):
            self.script(module._c._get_method(name).inlined_graph)
        weights = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
        for name in re.findall(r'prim::GetAttr\[name="(\w+)"\]', str(getattr(module, "inlined_graph", ""))):
            setting = module._c.getattr(name) if name not in weights and module._c.hasattr(name) else None
            if not isinstance(setting, type(module._c)):  # a part of it, whose methods stand in its own graph
                self.visit(setting)

    def _object(self, value: Any) -> None:
        import torch
        from torch import nn

        kind, module = type(value), home_of(value)
        self.add("object", f"{module}.{kind.__qualname__}")
        if isinstance(value, nn.Module):
            if id(value) in self._parts:  # a part of the network is visited by its name
                self.add("part", self._parts[id(value)])
            else:
                self.network(value, weights=True)
            return
        self._wrapped(value)
        if any(value is generator for generator in (random._inst, np.random.mtrand._rand, torch.default_generator)):
            return  # the process's own, in whatever state it is
        if isinstance(value, torch.jit.ScriptFunction):
            self.script(value.inlined_graph)
        elif isinstance(value, torch.Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray):
            self._array(value)
        elif isinstance(value, np.generic):
            self._array(np.asarray(value))
        elif isinstance(value, torch.dtype | torch.device | torch.finfo | torch.iinfo | np.dtype):
            self.add("value", repr(value))
        elif isinstance(value, torch.Generator):
            self.add("device", value.device)
            self.visit(value.get_state())
        elif isinstance(value, torch.fx.Graph):
            self.add("graph", value)
            for node in value.nodes:
                self.visit(node.target)
        elif isinstance(value, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
            self.add("operator", value)
        elif isinstance(value, CodeType):
            self._text(value, "", value.co_name, {})
        elif isinstance(value, CellType):
            self._cell(value)
        elif isinstance(value, memoryview):
            self.visit(value.tobytes())
        elif isinstance(value, weakref.ref):
            self.visit(value())
        elif isinstance(value, ContextVar):
            self.visit((value.name, value.get(None)))
        elif isinstance(value, BuiltinFunctionType):
            self.add("function", f"{value.__module__}.{value.__qualname__}")
            if not isinstance(value.__self__, ModuleType | None):
                self.visit(value.__self__)
            elif value.__module__:
                self._version(value.__module__)
        elif is_compiled_by_numba(value):
            self._numba(value)
        elif module.startswith(_COMPILERS):
            self._compiled_object(value, _DEEPEST_OF_THESE)
        elif module not in _VALUELESS and not isinstance(value, _WEAK):
            self._by_parts(value)
        elif module == "_thread" and vars_of(value):  # what a thread of its own sees of a `threading.local`
            self.visit(vars_of(value))

    def _numba(self, value: Any) -> None:
        """Add the options of a function that numba compiled; its machine code grows with calls, and is left out."""
        self._version("numba")
        self.visit(getattr(value, "targetoptions", None))
        if "__wrapped__" not in vars_of(value):
            self._note_opaque(value)

    def _by_parts(self, value: Any) -> None:
        """Add any other object: its class, its attributes, and the state that pickle would write."""
        kind = type(value)
        self.visit(kind)
        is_own = not installed(home_of(kind))
        parts = None if is_own and _is_reduced_by_own_code(kind) else reduced(value)
        if is_own or parts is None:
            attributes = vars_of(value)
            self.visit(dict(sorted(attributes.items(), key=lambda item: str(item[0]))))
        if parts is not None:
            self.visit(parts)
            if isinstance(value, np.ufunc) and all(set(item) <= set("O->") for item in value.types):
                self._note_opaque(value)  # made of a function that it does not show
            return
        if isinstance(value, Mapping) and not isinstance(value, dict):
            self.visit(dict(value))
        elif not (is_own and _is_python_alone(kind)):
            self._note_opaque(value)

    def _note_opaque(self, value: Any) -> None:
        kind = type(value)
        place = "".join(f"{' of '.join(reversed(self._places[-3:]))}: " for _ in self._places[:1])
        self.opaque.add(f"{place}{home_of(kind)}.{kind.__qualname__}".replace(OWN_FILE, ""))

    def _tensor(self, value: Any) -> None:
        import torch

        if value.is_nested:
            self.visit(list(value.unbind()))
            return
        self.add("tensor", f"{value.dtype} {tuple(value.shape)} {value.layout}")
        if type(value) not in (torch.Tensor, torch.nn.Parameter):
            self.visit(type(value))
        if vars_of(value):
            self.visit(dict(sorted(vars_of(value).items())))
        if value.is_meta:
            return
        try:
            if value.is_quantized:
                self.add("quantised", value.qscheme())
                self.visit(value.dequantize())
                value = value.int_repr()
            elif value.layout is not torch.strided:
                value = value.detach().to_dense()
            dense = value.detach().resolve_conj().resolve_neg().cpu()
            flat = torch.empty(dense.shape, dtype=dense.dtype).copy_(dense).reshape(-1)
            self.add("bytes", hashlib.sha256(flat.view(torch.uint8).numpy().data).hexdigest() if len(flat) else "")
        except (RuntimeError, TypeError, ValueError, NotImplementedError):  # what holds no numbers, as a fake tensor
            self._note_opaque(value)

    def _array(self, value: np.ndarray[Any, Any]) -> None:
        self.add("array", f"{value.dtype} {value.shape}")
        if value.dtype.hasobject:
            self.visit(value.tolist())
        else:
            self.add("bytes", hashlib.sha256(value.tobytes()).hexdigest())
        if type(value) is not np.ndarray:
            self.visit(type(value))
            self.visit({key: attribute for key, attribute in sorted(vars_of(value).items()) if key != "base"})

    def _compiled_object(self, holder: Any, depth: int) -> None:
        """Add the functions and objects of one's own that an object of a compiler holds."""
        for _, value in sorted(vars_of(holder).items()):
            values = value.values() if isinstance(value, dict) else value
            for item in list(values) if isinstance(value, dict | list | tuple) else [value]:
                if isinstance(item, FunctionType | MethodType | functools.partial) or not installed(home_of(item)):
                    self.visit(item)
                elif depth and type(item) not in _PLAIN:
                    self._compiled_object(item, depth - 1)


def reduced(value: Any) -> tuple[Any, ...] | None:
    """The state that pickle would write of an object, one level deep; ``None`` where it would write nothing."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        parts = reducer(value) if reducer else value.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  # it is foreign code
        return None
    if isinstance(parts, str):
        return (parts, getattr(value, "__module__", None))
    return tuple(list(part) if place in (3, 4) and part is not None else part for place, part in enumerate(parts))


def _is_reduced_by_own_code(kind: type) -> bool:
    """Whether a class has its own rule for pickling, which need not cover all that it computes with."""
    names = ("__reduce_ex__", "__reduce__", "__getstate__")
    first = next((base for base in kind.__mro__ if base is not object and not {*names}.isdisjoint(vars(base))), None)
    return first is not None and not installed(home_of(first))


def _is_python_alone(kind: type) -> bool:
    """Whether the attributes of an object of one's own class are all of it."""
    plain = (object, *_CONTAINERS)
    return all(base in plain or not installed(home_of(base)) for base in kind.__mro__)


def _content(code: CodeType) -> tuple[Any, ...]:
    """The parts that two equal functions have in common, wherever they stand in a file."""
    return code.co_code, code.co_names, repr([constant for constant in code.co_consts if isinstance(constant, _PLAIN)])


@functools.cache
def _package_sha256(top: str) -> str:
    """A hash over the files of Python of a package without a version; empty where there are none."""
    spec = spec_of(top)
    if spec is None:
        return ""
    folders = [Path(location) for location in spec.submodule_search_locations or ()]
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.suffix in (".py", ".so", ".pyd"))
    if not folders and spec.origin and Path(spec.origin).is_file():
        files = [Path(spec.origin)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
