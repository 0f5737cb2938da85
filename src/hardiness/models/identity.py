"""The identity of a model: hashes over what it computes with, code included, and over what its outputs mean."""

from __future__ import annotations

import dis
import functools
import hashlib
import inspect
import json
import mmap
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from hardiness.core import ModelError
from hardiness.reference import wnids
from hardiness.sources import file_sha256

if TYPE_CHECKING:
    from torch import Tensor, nn


_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
_NOT_CODE = frozenset(("__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__qualname__"))
_NOT_STATE = frozenset(("training", "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"))
_INSTALLED = tuple({sysconfig.get_path(each) for each in ("purelib", "platlib", "stdlib", "platstdlib")})
_SILENT = frozenset((*sys.stdlib_module_names, "torch", "hardiness"))
"""Packages whose mere name says no version: every network says torch's, and bytecode is Python's."""

_WRAPPED = ("__wrapped__", "_torchdynamo_inline")
"""Where wrappers such as `functools.lru_cache` and `torch.jit.script` keep the function that they wrap."""

_READS = frozenset(
    ("open", "read_bytes", "read_text", "load", "loadtxt", "genfromtxt", "fromfile", "memmap", "imread", "urlopen")
)
"""Names by which code reads files while it runs."""

_ENVIRONMENT = frozenset(("environ", "environb", "getenv", "getenvb"))
"""Names by which code reads variables of its environment while it runs."""

_LIBRARIES = frozenset(("CDLL", "load_library", "LoadLibrary", "dlopen"))
"""Names by which code takes in a compiled library that is no module of Python."""

_UNREAD, HELD = frozenset(("logging", "threading", "weakref", "builtins")), 2
"""Packages whose objects hold the whole process, and how deep the objects of others are looked into."""

_BY_NAME = frozenset(("import_module", "__import__"))


@dataclass(frozen=True, slots=True)
class CodeIdentity:
    """The identity of a network's code.

    Attributes:
        sha256: hexadecimal.
        left_out: what changes the network's answers and was seen not to be covered, one line each.
    """

    sha256: str
    left_out: tuple[str, ...] = ()


def code_identity(network: nn.Module, text: str = "", tag: str | None = None) -> CodeIdentity:
    """The hash over the code of a network and over its settings that are no weights, and what it leaves out.

    It covers the compiled methods of every class of its modules, the functions, classes and constants that they name
    (recursively, also inside wrappers), every module's plain attributes, hooks and unsaved buffers, TorchScript, and
    of each module of Python that the code imports, at its top or inside a function, the whole file and those that
    this file imports. Installed packages are not read: name and version stand in their place. Comments and formatting
    do not count. A constant or a call of another Python version is compiled otherwise, and then rows are computed
    again.

    Args:
        network: what is executed.
        text: further source text that made the network.
        tag: a name for the code, given by a person who answers for it; the code is then not looked at.
    """
    import torch

    digest = _Digest(map(id, network.modules()))
    if tag is not None:
        digest.add("tag", tag)
        return CodeIdentity(digest.hexdigest())
    digest.add("text", text)
    with torch.no_grad():
        digest.network(network)
    return CodeIdentity(digest.hexdigest(), digest.left_out())


def function_identity(function: Any, text: str = "", tag: str | None = None) -> CodeIdentity:
    """The hash over a plain function or an object that can be called, as `code_identity` of a network.

    Weights that it holds count; what answers behind it (a service, a file) does not, unless ``tag`` says its version.
    """
    digest = _Digest()
    if tag is not None:
        digest.add("tag", tag)
        return CodeIdentity(digest.hexdigest())
    digest.add("text", text)
    digest.visit(function)
    return CodeIdentity(digest.hexdigest(), digest.left_out())


class _Digest:
    """A hash that takes in functions, classes and values, each function and class once."""

    def __init__(self, parts: Iterable[int] = ()) -> None:
        """A hash of nothing yet; ``parts`` are the ids of the network's modules, which are visited by their names."""
        self._hash = hashlib.sha256()
        self._parts = frozenset(parts)
        self._seen: dict[int, Any] = {}
        self._dropped: list[Any] = []  # values are kept alive, so that no id is used twice
        self._files: set[str] = set()  # names of modules whose files were taken in
        self._live: set[str] = set()  # names of modules of one's own whose values were taken in where they are named
        self._reading: set[tuple[str, str]] = set()  # names of modules, and what in them reads files
        self._variables: set[tuple[str, str]] = set()  # the same of what reads the environment
        self._libraries: set[str] = set()
        self._unversioned: set[str] = set()
        self._unnamed: set[str] = set()

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def left_out(self) -> tuple[str, ...]:
        """A line for each kind of thing that was seen not to be covered."""

        def at_run_time(places: set[tuple[str, str]]) -> set[str]:
            """Those that count: what a module reads when it is imported stands in its values."""
            return {text for module, text in places if not ("<module> of " in text and module in self._live)}

        lines = {
            "files that its code reads while it runs": at_run_time(self._reading),
            "environment variables that its code reads while it runs": at_run_time(self._variables),
            "compiled libraries that are no modules of Python": self._libraries,
            "modules that are imported by a name made at run time": self._unnamed,
            "packages without a version": self._unversioned,
        }
        advice = "after a change there, add a new tag=NAME to the model, or its old rows are shown"
        return tuple(
            f"its key does not cover {what} ({', '.join(sorted(found))}); {advice}"
            for what, found in lines.items()
            if found
        )

    def network(self, network: nn.Module, weights: bool = False) -> None:
        """The classes, settings, hooks and unsaved buffers of a network's modules.

        Args:
            network: whose.
            weights: whether its parameters and saved buffers count too, as for a network that lies beside the model.
        """
        import torch

        for name, module in network.named_modules():
            self.add("module", name)
            self.visit(type(module))
            for key in sorted(set(vars(module)) - _NOT_STATE):
                self.add("attribute", key)
                value = vars(module)[key]
                # Hooks stand under numbers that count all hooks of the process.
                self.visit(list(value.values()) if "_hooks" in key and isinstance(value, dict) else value)
            for key in sorted(module._non_persistent_buffers_set):
                self.add("buffer", key)
                self.visit(module._buffers.get(key))
            if isinstance(module, torch.jit.ScriptModule):
                self.script_module(module)
        for name, tensor in network.state_dict().items() if weights else ():
            self.add("weight", name)
            self.visit(tensor)

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
            if isinstance(value, MethodType) and not installed(type(value.__self__).__module__):
                self.visit(value.__self__)
        elif isinstance(value, property):
            self.visit((value.fget,))
        elif isinstance(value, functools.partial):
            self.visit((value.func, value.args, value.keywords))
        elif isinstance(value, ModuleType):
            self._module(value.__name__, getattr(value, "__spec__", None), getattr(value, "__version__", None))
        elif isinstance(value, Mapping):
            for key, each in value.items():
                self.visit(key)
                self.visit(each)
        elif isinstance(value, tuple | list):
            self.add(type(value).__name__, len(value))
            for each in value:
                self.visit(each)
        elif isinstance(value, set | frozenset):
            plain = [each for each in value if isinstance(each, _PLAIN)]
            self.add("set", sorted(map(repr, plain)))
            others = (each for each in value if not isinstance(each, _PLAIN))
            for each in sorted(others, key=lambda each: getattr(each, "__qualname__", type(each).__qualname__)):
                self.visit(each)
        else:
            self._object(value)

    def _class(self, kind: type) -> None:
        self.add("class", f"{kind.__module__}.{kind.__qualname__}")
        if installed(kind.__module__):
            self._version(kind.__module__)
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
        if installed(module):
            self._version(module)
            return
        self._code(function.__code__, function.__globals__)
        self.visit(function.__defaults__)
        self.visit(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self._cell(cell)
        self._wrapped(function)

    def _cell(self, cell: Any) -> None:
        try:
            held = cell.cell_contents
        except ValueError:  # a name that was never bound
            held = None
        inmost = inspect.unwrap(held) if callable(held) else held
        self.visit(inmost)
        if inmost is not held:
            self.visit(held)

    def _wrapped(self, wrapper: Any) -> None:
        """The functions that a wrapper wraps, unless they were met where it names them."""
        for name in _WRAPPED:
            wrapped = getattr(wrapper, "__dict__", {}).get(name)
            if wrapped is not None and id(wrapped) not in self._seen:
                self.visit(wrapped)

    def _visit_attributes(self, holder: Any, depth: int) -> None:
        """The functions and objects of one's own that an object of a package holds."""
        for _, value in sorted(getattr(holder, "__dict__", {}).items()):
            values = value.values() if isinstance(value, Mapping) else value
            for each in list(values) if isinstance(value, Mapping | list | tuple) else [value]:
                if isinstance(each, FunctionType | MethodType | functools.partial) or not installed(_home(each)):
                    self.visit(each)
                elif depth and not isinstance(each, _PLAIN) and id(each) not in self._seen:
                    self._visit_attributes(each, depth - 1)

    def _code(self, code: CodeType, names: Mapping[str, Any]) -> None:
        self._compiled(code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant, names)
            else:
                self.visit(constant)
        for name in code.co_names:
            if name in names:
                if name not in _ENVIRONMENT and any(names[name] is each for each in (os.environ, os.getenv)):
                    module = str(names.get("__name__", ""))  # imported under another name
                    self._variables.add((module, f"{name} in {code.co_name} of {module.removeprefix(OWN_FILE)}"))
                self.visit(names[name])
                self._members(names[name], code.co_names, ())
        self._imports(code, str(names.get("__package__") or ""), str(names.get("__name__", "")))

    def _compiled(self, code: CodeType) -> None:
        self.add("code", code.co_code.hex())
        self.add("names", code.co_names)

    def _members(self, module: Any, names: Sequence[str], above: tuple[str, ...]) -> None:
        """What code names of a module that is no installed package, as it is now, and of the modules in that one."""
        if not isinstance(module, ModuleType) or module.__name__ in above or installed(module.__name__):
            return
        self._live.add(module.__name__)
        for name in names:
            if name in vars(module) and not name.startswith("__"):
                self.add("member", f"{module.__name__}.{name}")
                self.visit(vars(module)[name])
                self._members(vars(module)[name], names, (*above, module.__name__))

    def _module(self, name: str, spec: ModuleSpec | None, version: str | None = None) -> None:
        """A module by its name; with the file of one's own, with the version of an installed package."""
        self.add("import", name)
        if not installed(name, spec):
            self._file(name, spec)
        elif name.partition(".")[0] not in _SILENT:
            self.add("version", version or self._distribution(name))

    def _file(self, name: str, spec: ModuleSpec | None) -> None:
        """The compiled text of a module's file, once, with the functions that were changed since it was imported."""
        if name in self._files or spec is None or name.startswith(OWN_FILE):
            return
        self._files.add(name)
        if spec.origin and spec.origin.endswith(tuple(EXTENSION_SUFFIXES)):
            self.add("extension", hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest())
            return
        compiled = getattr(spec.loader, "get_code", None)  # a folder without __init__.py has none
        code = compiled(name) if compiled else None
        if code is None:
            return
        package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
        self._text(code, package, name)
        written = {_content(each) for each in _inner(code)}
        for each in _functions(sys.modules.get(name)):
            found = each.__code__
            if found.co_filename == code.co_filename and _content(found) not in written:
                self.visit(each)  # the file was edited after it was imported

    def _text(self, code: CodeType, package: str, name: str) -> None:
        """Compiled text that nobody has run, or that was run long ago: without the values of its names."""
        self._compiled(code)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._text(constant, package, name)
            else:
                self.visit(constant)
        self._imports(code, package, name)

    def _imports(self, code: CodeType, package: str, name: str) -> None:
        """The modules that code imports when it runs, and what it does that cannot be followed."""
        where = f"{code.co_name} of {name.removeprefix(OWN_FILE)}"
        used = set(code.co_names)
        if code.co_name != "__init__":  # what it reads ends in hashed values
            self._variables |= {(name, f"{each} in {where}") for each in used & _ENVIRONMENT}
            if "load_state_dict" not in used:  # the same
                self._reading |= {(name, f"{each} in {where}") for each in used & _READS}
        self._libraries |= {f"{each} in {where}" for each in used & _LIBRARIES}
        wanted = list(_imported(code, package))
        if used & _BY_NAME:
            named = [each for each in code.co_consts if isinstance(each, str) and spec_of(each)]
            wanted += named
            self._unnamed |= set() if named else {f"{min(used & _BY_NAME)} in {where}"}
        for each in wanted:
            if each.partition(".")[0] in _SILENT and installed(each.partition(".")[0]):
                continue
            spec = spec_of(each)
            if spec is not None:
                self._module(each, spec)

    def _version(self, module: str) -> None:
        top = module.partition(".")[0]
        said = str(getattr(sys.modules.get(top), "__version__", ""))
        if not said and top not in sys.stdlib_module_names:
            said = self._distribution(module)
        self.add("version", said)

    def _distribution(self, module: str) -> str:
        """The version of the distribution that a module is part of; empty, and left out, where there is none."""
        top = module.partition(".")[0]
        for name in (top, *_distributions().get(top, ())):
            with suppress(metadata.PackageNotFoundError):
                return metadata.version(name)
        self._unversioned.add(top)
        return ""

    def script(self, graph: Any) -> None:
        """A graph of TorchScript, without places in files and without numbers that count all types of the process."""
        text = re.sub(r" # \S+:\d+:\d+$", "", str(graph), flags=re.MULTILINE)
        self.add("script", re.sub(r"___torch_mangle_\d+\.", "", text))

    def script_module(self, module: Any) -> None:
        """What a module of TorchScript computes, and its settings, which are none of Python's."""
        for name in sorted(module._c._method_names()):
            self.script(module._c._get_method(name).inlined_graph)
        weights = {name for name, _ in (*module.named_parameters(), *module.named_buffers())}
        for name in re.findall(r'prim::GetAttr\[name="(\w+)"\]', str(getattr(module, "inlined_graph", ""))):
            if name not in weights and module._c.hasattr(name):
                self.visit(module._c.getattr(name))

    def _object(self, value: Any) -> None:
        import torch
        from torch import nn

        self.add("object", f"{type(value).__module__}.{type(value).__qualname__}")
        if isinstance(value, nn.Module):
            if id(value) not in self._parts:  # a part of the network is visited by its name
                self.network(value, weights=True)
            return
        self._wrapped(value)
        if isinstance(value, torch.jit.ScriptFunction):
            self.script(value.inlined_graph)
            return
        if isinstance(value, torch.Tensor):
            self.add("tensor", f"{value.dtype} {tuple(value.shape)}")
            flat = value.detach().cpu().contiguous().reshape(-1)
            self.add("bytes", hashlib.sha256(flat.view(torch.uint8).numpy().data).hexdigest() if len(flat) else "")
        elif isinstance(value, np.ndarray):
            self.add("array", f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}")
        elif isinstance(value, torch.dtype | torch.device | np.dtype | np.generic):
            self.add("value", repr(value))
        elif not installed(type(value).__module__):
            self.visit(type(value))
            self.visit(dict(sorted(getattr(value, "__dict__", {}).items())))
        elif type(value).__module__.partition(".")[0] not in _UNREAD:
            self._visit_attributes(value, HELD)


OWN_FILE = "hardiness_user_"
"""What the names of modules begin with that a ``py:`` model is made by: their whole text is taken in beforehand."""


def installed(module: str, spec: ModuleSpec | None = None) -> bool:
    """Whether a module belongs to Python or to an installed distribution, which are known by their versions.

    ``__main__`` never does: in a notebook or under ``python -m`` its file is the launcher's and its classes are not.
    """
    top = module.partition(".")[0]
    if top in ("__main__", "hardiness"):
        return top == "hardiness"
    file = getattr(sys.modules.get(module), "__file__", None) or (spec.origin if spec and spec.has_location else None)
    if file is None:
        return top in sys.stdlib_module_names
    if str(file).startswith(_INSTALLED) or not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts):
        return True
    return top in sys.stdlib_module_names and not Path(file).is_file()  # Python's own in an archive


def _home(value: Any) -> str:
    """The module that a class, or the class of a value, belongs to."""
    return str((value if isinstance(value, type) else type(value)).__module__)


def _content(code: CodeType) -> tuple[Any, ...]:
    """What two equal functions have in common, wherever they stand in a file."""
    return code.co_code, code.co_names, repr([each for each in code.co_consts if isinstance(each, _PLAIN)])


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _imported(code: CodeType, package: str) -> Iterator[str]:
    """Full names of the modules that the import statements of one piece of code name, with every package above them."""
    constants: list[Any] = [None, None]
    for each in dis.get_instructions(code):
        if each.opname == "IMPORT_NAME":
            level, names = constants
            with suppress(ImportError):
                base = resolve_name("." * (level or 0) + each.argval, package) if level else each.argval
                parts = base.split(".")
                yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
                yield from (f"{base}.{name}" for name in names or () if name != "*")
        elif each.opname.startswith("LOAD_"):
            constants = [constants[1], each.argval]


def spec_of(module: str) -> ModuleSpec | None:
    """Where a module is, without importing it or the package that it is in; ``None`` where there is none."""
    loaded = sys.modules.get(module)
    if loaded is not None and loaded.__spec__ is not None:
        return loaded.__spec__
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


def imported_by(code: CodeType, package: str = "") -> set[str]:
    """Full names of the modules that code imports, at its top or inside its functions."""
    return {name for each in _inner(code) for name in _imported(each, package)}


def _inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inner(constant)


def _functions(module: ModuleType | None) -> Iterator[FunctionType]:
    """The functions of a module and of its classes, by name."""
    if module is None:
        return
    for _, value in sorted(vars(module).items()):
        members = sorted(vars(value).items()) if isinstance(value, type) else [("", value)]
        for _, each in members:
            found = each.__func__ if isinstance(each, staticmethod | classmethod) else each
            if isinstance(found, FunctionType) and found.__module__ == module.__name__:
                yield found


# Messages of the ONNX schema and, by field number, those of their fields that can lead to a tensor.
# Source: onnx.proto3 of ONNX 1.16.
_FIELDS = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_DEEPEST = 50


@dataclass(frozen=True)
class OnnxNodes:
    """The operators of a graph's own level.

    Attributes:
        made: for each tensor that a node puts out, the node's operator and its first input.
        kinds: the operators that there are.
    """

    made: Mapping[str, tuple[str, str]]
    kinds: frozenset[str]

    def made_by(self, tensor: str, passing: Sequence[str]) -> str:
        """The operator that a tensor comes from, those of ``passing`` apart; empty where it is an input."""
        for _ in range(len(self.made) + 1):
            kind, first = self.made.get(tensor, ("", ""))
            if kind not in passing:
                return kind
            tensor = first
        return ""


def onnx_nodes(path: Path) -> OnnxNodes:
    """The operators of a graph in a file.

    Raises:
        ModelError: the file is not in ONNX's format.

    Source: onnx.proto3: a model's graph is field 7, its nodes field 1; of a node inputs are 1, outputs 2, operator 4.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        try:
            made = dict(_nodes(view))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} must be an ONNX graph, and is damaged: {error}") from None
        finally:
            view.release()
    return OnnxNodes(made, frozenset(kind for kind, _ in made.values()))


def _nodes(data: memoryview) -> Iterator[tuple[str, tuple[str, str]]]:
    """For each tensor that a node of a model's graph puts out, the node's operator and its first input."""
    for number, graph in _messages(data):
        for field, node in _messages(graph) if number == 7 else ():
            if field != 1:
                continue
            texts: dict[int, list[str]] = {}
            for part, value in _messages(node):
                if part in (1, 2, 4):
                    texts.setdefault(part, []).append(bytes(value).decode())
            inputs, kind = texts.get(1, [""]), texts.get(4, [""])
            yield from ((output, (kind[0], inputs[0])) for output in texts.get(2, ()))


def onnx_sha256(path: Path) -> str:
    """Hexadecimal sha256 over an ONNX file; where tensors lie in further files, over the hashes of all, by name.

    Raises:
        ModelError: the file cannot be read as a graph, or one that it names is absent or lies outside its folder.
    """
    own = file_sha256(path)
    digest = hashlib.sha256(f"{own}\n".encode())
    names = external_files(path)
    for name in names:
        file = path.parent / name
        if not file.resolve().is_relative_to(path.parent.resolve()):
            raise ModelError(f"{path} names {name!r} for its tensors, which lies outside its folder; refused")
        if not file.is_file():
            raise ModelError(f"{path} needs the file {name!r} beside it, and there is none")
        digest.update(f"{name} {file_sha256(file)}\n".encode())
    return digest.hexdigest() if names else own


def external_files(path: Path) -> list[str]:
    """Sorted names of the files beside an ONNX file that hold tensors of it.

    Raises:
        ModelError: the file is not in ONNX's format.
    """
    if not path.stat().st_size:
        raise ModelError(f"{path} must be an ONNX graph, and is empty")
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        try:
            return sorted(set(_locations(view, "model", 0)))
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            raise ModelError(f"{path} must be an ONNX graph, and is damaged: {error}") from None
        finally:
            view.release()


def _locations(data: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError(f"its graphs are nested more than {_DEEPEST} deep")
    for number, value in _messages(data):
        inner = _FIELDS[kind].get(number)
        if inner == "entry":
            entry = {field: bytes(text) for field, text in _messages(value)}
            if entry.get(1) == b"location":
                yield entry.get(2, b"").decode()
        elif inner:
            yield from _locations(value, inner, depth + 1)


def _messages(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and contents of each field that has a length.

    Source: Protocol Buffers, Encoding: a key is ``number << 3 | type``; type 0 is a varint, 1 is 8 bytes, 2 has a
    length before it, 5 is 4 bytes.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise ValueError("a field is longer than the file")
            yield key >> 3, data[at : at + length]
            at += length
        else:
            raise ValueError(f"there is no field of type {kind}")


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise ValueError("a number has more than ten bytes")


@dataclass(frozen=True, slots=True)
class Identity:
    """What, beside its spec, changes a model's rows.

    Attributes:
        weights_sha256: over the names, types, shapes and bytes of all loaded tensors (ONNX: over its files).
        outputs_sha256: over which output means which class; empty for ImageNet's 1,000 in order.
        code_sha256: over the code of a model that a person wrote, or over the tag given for it; empty for libraries'.
    """

    weights_sha256: str
    outputs_sha256: str = ""
    code_sha256: str = ""


def state_sha256(state: Mapping[str, Tensor]) -> str:
    """Hexadecimal sha256 over names, types, shapes and bytes of a state dict, whatever its order in memory."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in state.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        if flat.numel():
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def outputs_sha256(columns: Sequence[int] | None, names: Sequence[str] | None, classes: int) -> str:
    """Hexadecimal sha256 over which output means which class; empty where they are ImageNet's 1,000 in order.

    Args:
        columns: the outputs that are kept, in the order of the classes; ``None`` for all as they come.
        names: the classes' own names, ``None`` for ImageNet's.
        classes: how many there are.
    """
    kept = list(range(classes) if columns is None else columns)
    if names is None and kept == list(range(len(wnids()))):
        return ""
    meaning = {"columns": kept, "names": None if names is None else list(names)}
    return hashlib.sha256(json.dumps(meaning, separators=(",", ":")).encode()).hexdigest()
