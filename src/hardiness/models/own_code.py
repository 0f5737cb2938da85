"""Code of a person's own: its modules, their imports, and the names in its bytecode."""

from __future__ import annotations

import builtins
import dis
import functools
import io
import sys
import sysconfig
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from itertools import pairwise
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any

from hardiness.core.registry import extending_packages

OWN_FILE = "hardiness_user_"
"""Beginning of the names of modules that a ``py:`` model is made by; all their text is hashed beforehand."""

SILENT = frozenset((*sys.stdlib_module_names, "torch", "hardiness"))
"""Packages whose mere name says no version: every network says torch's, and bytecode is Python's."""

_INSTALLED = tuple({sysconfig.get_path(kind) for kind in ("purelib", "platlib", "stdlib", "platstdlib")})
_EMBEDDED = ("_cython_", "pybind11_", "nanobind")
"""Beginnings of the names of modules that compilers of extensions make up for their own classes."""

_BY_NAME = frozenset(("import_module", "__import__"))
_BETWEEN = frozenset(("CACHE", "PUSH_NULL", "PRECALL", "RESUME", "NOP", "EXTENDED_ARG", "KW_NAMES"))
_MAKES_A_TEXT = frozenset(("FORMAT_VALUE", "FORMAT_SIMPLE", "FORMAT_WITH_SPEC", "BUILD_STRING", "BINARY_OP"))


def installed(module: str, spec: ModuleSpec | None = None) -> bool:
    """Whether a module belongs to Python or to an installed distribution, which are known by their versions.

    ``__main__`` never does: in a notebook or under ``python -m`` its file is the launcher's and its classes are not.
    Nor does a package that adds to this one: it is somebody's own, and may be installed again under the same version.
    """
    top = module.partition(".")[0]
    if top in ("__main__", "hardiness"):
        return top == "hardiness"
    if top in extending_packages():
        return False
    file = getattr(sys.modules.get(module), "__file__", None) or (spec.origin if spec and spec.has_location else None)
    if file is None:
        inside = top != module and sys.modules.get(top) is not None
        return installed(top) if inside else top in sys.stdlib_module_names or top.startswith(_EMBEDDED)
    if str(file).startswith(_INSTALLED) or not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts):
        return True
    return top in sys.stdlib_module_names and not Path(file).is_file()  # Python's own in an archive


def is_gone(value: Any) -> bool:
    """Whether a value is a `weakref.proxy` of what no longer exists, which raises whatever it is asked."""
    if type(value) not in weakref.ProxyTypes:
        return False
    try:
        bool(value.__class__)
    except ReferenceError:
        return True
    return False


def is_compiled_by_numba(value: Any) -> bool:
    """Whether a value is an object of numba's, such as ``njit`` and ``vectorize`` make of a function."""
    return type(value).__module__.startswith("numba.")


def home_of(value: Any) -> str:
    """The module that a class, a function, or the class of a value, belongs to.

    A function is at home where its code stands, whatever a decorator says of it.
    """
    if isinstance(value, FunctionType):
        return str(value.__globals__.get("__name__") or value.__module__ or "")
    module = (value if isinstance(value, type) else type(value)).__module__
    return module if isinstance(module, str) else "builtins"  # functions of Cython keep something else there


def installed_name(value: Any) -> str:
    """The name of a function or class of Python or of a package, whatever one's own code calls it; else empty."""
    if is_gone(value):
        return ""
    value = value.func if isinstance(value, functools.partial) else value
    if isinstance(value, BuiltinFunctionType):
        return value.__name__
    if isinstance(value, ModuleType) or not callable(value) or not installed(home_of(value)):
        return ""
    with suppress(Exception):  # an object of somebody's may raise whatever it likes
        name, module = getattr(value, "__name__", ""), getattr(value, "__module__", "")
        return name if isinstance(name, str) and isinstance(module, str) and installed(module) else ""
    return ""


def vars_of(value: Any) -> dict[str, Any]:
    """The attributes of an object by name, whether it keeps them in a dictionary or in slots."""
    attributes: dict[str, Any] = {}
    with suppress(Exception):  # an object of somebody's may raise whatever it likes
        attributes.update(vars(value))
    for kind in type(value).__mro__:
        for name, slot in vars(kind).items() if "__slots__" in vars(kind) else ():
            if isinstance(slot, MemberDescriptorType) and name not in ("__dict__", "__weakref__"):
                with suppress(AttributeError):  # a slot that was never filled
                    attributes[name] = slot.__get__(value, kind)
    return attributes


def value_of(name: str, names: Mapping[str, Any]) -> Any:
    """The value that a global name stands for; ``None`` where it stands for nothing."""
    return names[name] if name in names else vars(builtins).get(name)


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def distribution_version(module: str) -> str:
    """The version of the distribution that a module is part of; empty where there is none."""
    top = module.partition(".")[0]
    for name in (top, *_distributions().get(top, ())):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return ""


def inner_codes(code: CodeType) -> Iterator[CodeType]:
    """A piece of code and those of the functions and classes in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from inner_codes(constant)


def functions_of(module: ModuleType | None) -> Iterator[FunctionType]:
    """The functions of a module and of its classes, by name."""
    if module is None:
        return
    for _, value in sorted(vars(module).items()):
        members = sorted(vars(value).items()) if isinstance(value, type) else [("", value)]
        for _, member in members:
            function = member.__func__ if isinstance(member, staticmethod | classmethod) else member
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                yield function


def names_in(code: CodeType) -> set[str]:
    """Names that one piece of code loads or imports, of globals and of attributes; not those that it gives."""
    names = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_FROM" or (
            instruction.opname.startswith("LOAD_") and instruction.opname != "LOAD_CONST"
        ):
            names |= {instruction.argval} if isinstance(instruction.argval, str) else set()
    return names & set(code.co_names)


def imports_of(code: CodeType, package: str) -> Iterator[str]:
    """Full names of the modules that the import statements of one piece of code name, with every package above them."""
    constants: list[Any] = [None, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level, names = constants
            with suppress(ImportError):
                base = resolve_name("." * (level or 0) + instruction.argval, package) if level else instruction.argval
                yield from _with_packages(base)
                yield from (f"{base}.{name}" for name in names or () if name != "*")
        elif instruction.opname.startswith("LOAD_"):
            constants = [constants[1], instruction.argval]


def _with_packages(module: str) -> Iterator[str]:
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def imported_by(code: CodeType, package: str = "") -> set[str]:
    """Full names of the modules that code imports, at its top or inside its functions."""
    return {name for piece in inner_codes(code) for name in imports_of(piece, package)}


def aliases_of(code: CodeType) -> dict[str, str]:
    """Names that a module's own code gives to things of another name: ``import_module as load``, ``read = open``."""
    aliases: dict[str, str] = {}
    for one, other in pairwise(_instructions(code)):
        names_something = one.opname == "IMPORT_FROM" or one.opname.startswith("LOAD_")
        if names_something and isinstance(one.argval, str) and other.opname.startswith("STORE_"):
            aliases[str(other.argval)] = one.argval
    return {name: of for name, of in aliases.items() if name != of}


def origins_of(code: CodeType) -> dict[str, str]:
    """The module that each name is imported from, or is, by the import statements of one piece of code."""
    origins: dict[str, str] = {}
    module, instructions = "", _instructions(code)
    for one, other in pairwise(instructions):
        if one.opname == "IMPORT_NAME":
            module = one.argval
        if one.opname in ("IMPORT_NAME", "IMPORT_FROM") and other.opname.startswith("STORE_"):
            origins[str(other.argval)] = module
    return origins


def _instructions(code: CodeType) -> list[dis.Instruction]:
    return [instruction for instruction in dis.get_instructions(code) if instruction.opname not in _BETWEEN]


def attributes_in(code: CodeType) -> Iterator[tuple[str, str]]:
    """Each global name that one piece of code loads, and the attribute of it that it takes, or an empty text."""
    for one, other in pairwise([*_instructions(code), None]):
        if one is not None and one.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            takes = other is not None and other.opname in ("LOAD_ATTR", "LOAD_METHOD")
            yield str(one.argval), str(other.argval) if takes and other is not None else ""


def called_on_bytes(code: CodeType, names: Mapping[str, Any], origins: Mapping[str, str]) -> set[str]:
    """The names that one piece of code has for nothing but calls of them with an ``io.BytesIO(…)`` alone.

    These take what lies in memory, and read no file, whatever they are called.

    Args:
        code: one piece of it.
        names: its global names, as they are now.
        origins: the module that each global name is imported from, or is, where they are not at hand.
    """
    if not any(name == "BytesIO" or names.get(name) is io.BytesIO for name in code.co_names):
        return set()
    instructions, own_origins = list(dis.get_instructions(code)), origins_of(code)
    uses: dict[str, list[bool]] = {}
    for place, instruction in enumerate(instructions):
        if instruction.opname.startswith("LOAD_") and instruction.opname != "LOAD_CONST":
            uses.setdefault(str(instruction.argval), []).append(
                _is_called_on_bytes(instructions[place + 1 :], names, origins, own_origins)
            )
    return {name for name, calls in uses.items() if all(calls)}


def _is_called_on_bytes(
    following: list[dis.Instruction],
    names: Mapping[str, Any],
    origins: Mapping[str, str],
    own_origins: Mapping[str, str],
) -> bool:
    """Whether the instructions after that which loads a function call it with an ``io.BytesIO(…)`` alone."""
    rest = deque(following)
    if not _takes_bytes_io(rest, names, origins, own_origins):
        return False
    depth = 0  # of the stack, from what a call of BytesIO takes away and puts there
    while rest and depth >= 0:
        instruction = rest.popleft()
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            return False
        argument = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
        depth += dis.stack_effect(instruction.opcode, argument)
    call = next((instruction for instruction in rest if instruction.opname not in _BETWEEN), None)
    return call is not None and (call.opname, call.arg) == ("CALL", 1)


def _takes_bytes_io(
    rest: deque[dis.Instruction],
    names: Mapping[str, Any],
    origins: Mapping[str, str],
    own_origins: Mapping[str, str],
) -> bool:
    """Take the instructions that load ``io.BytesIO`` from the front of some; whether there were such.

    A local name is of `io` where the code itself imports it, whatever a global one of that name is.
    """

    def next_name() -> tuple[str, bool]:
        while rest and rest[0].opname in _BETWEEN:
            rest.popleft()
        if not rest or not rest[0].opname.startswith("LOAD_") or not isinstance(rest[0].argval, str):
            return "", False
        instruction = rest.popleft()
        return instruction.argval, instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")

    name, is_global = next_name()
    value = names.get(name) if is_global else None
    is_of_io = value is None and (origins if is_global else own_origins).get(name) == "io"
    if value is io or (is_of_io and name != "BytesIO"):
        is_it = next_name()[0] == "BytesIO"
    else:
        is_it = value is io.BytesIO or is_of_io
    while rest and rest[0].opname == "PUSH_NULL":  # Python 3.13 has it behind the function
        rest.popleft()
    return is_it


def imports_by_name(
    code: CodeType, package: str, names: Mapping[str, Any], aliases: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """Modules that code imports by ``import_module``: full names of those that stand there, and the calls of others.

    Args:
        code: one piece of it.
        package: that relative names are below.
        names: its global names, as they are now.
        aliases: names that its module gives to functions.
    """
    modules: list[str] = []
    others: list[str] = []
    instructions = _instructions(code)
    for place, instruction in enumerate(instructions):
        if (
            not (instruction.opname.startswith("LOAD_") and isinstance(instruction.argval, str))
            or instruction.opname == "LOAD_CONST"
        ):
            continue
        usual_name = aliases.get(instruction.argval, instruction.argval)
        if usual_name not in _BY_NAME and installed_name(names.get(instruction.argval)) not in _BY_NAME:
            continue
        name, below = _literal(instructions[place + 1 :])
        spec = None
        with suppress(ImportError, ValueError):
            name = resolve_name(name, below or package) if name else ""
            spec = spec_of(name) if name else None
        if spec is None:
            others.append(instruction.argval)
        else:
            modules += _with_packages(name)
    return modules, others


def _literal(following: list[dis.Instruction]) -> tuple[str, str]:
    """The texts that are the first and second argument of a call; empty where they are made at run time."""
    texts: list[str] = []
    for instruction in following:
        if instruction.opname.startswith("CALL"):
            return (*texts, "", "")[0], (*texts[1:], "")[0]
        if instruction.opname in _MAKES_A_TEXT or (not texts and instruction.opname != "LOAD_CONST"):
            return "", ""
        if instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, str):
            texts.append(instruction.argval)
    return "", ""


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


def code_of(module: str, spec: ModuleSpec) -> CodeType | None:
    """The compiled text of a module's file; ``None`` where it has none, as an extension or a mere folder."""
    compiled = getattr(spec.loader, "get_code", None)
    return compiled(module) if compiled else None


def package_of(module: str, spec: ModuleSpec) -> str:
    """The package that relative imports of a module are below."""
    return module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
