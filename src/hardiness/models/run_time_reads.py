"""The files, environment, programs, services and modules that a model's code reads while it is called.

Files that are read while a model is built end in values, which count themselves; those read when it is called do not.
"""

from __future__ import annotations

import configparser
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from hardiness.models.own_code import (
    OWN_FILE,
    aliases_of,
    attributes_in,
    called_on_bytes,
    code_of,
    home_of,
    imports_by_name,
    imports_of,
    inner_codes,
    installed,
    installed_name,
    is_compiled_by_numba,
    is_gone,
    names_in,
    origins_of,
    package_of,
    spec_of,
    value_of,
    vars_of,
)

if TYPE_CHECKING:
    from torch import nn

FILES = "files that its code reads while it runs"
ENVIRONMENT = "environment variables that its code reads while it runs"
PROGRAMS = "programs that its code starts while it runs"
SERVICES = "services that its code asks while it runs"
CLOCK = "the clock, which its code reads while it runs"
COMMAND = "the command line, which its code reads while it runs"
BY_NAME = "modules that are imported by a name made at run time"
TEXTS = "texts that become code while it runs"

LIBRARIES = frozenset(("CDLL", "PyDLL", "WinDLL", "load_library", "LoadLibrary", "dlopen"))
"""Names by which code takes in a compiled library that is no module of Python."""

_BY_WORD: Mapping[str, frozenset[str]] = {
    FILES: frozenset(
        (
            *("open", "fdopen", "FileIO", "read_bytes", "read_text", "run_path", "run_module"),
            *(
                "load",
                "loadtxt",
                "loadmat",
                "genfromtxt",
                "fromfile",
                "memmap",
                "open_memmap",
                "load_file",
                "safe_open",
            ),
            *(
                "imread",
                "read_file",
                "read_image",
                "read_video",
                "read_csv",
                "read_json",
                "read_parquet",
                "read_pickle",
            ),
            *("read_excel", "read_table", "read_feather", "read_hdf", "read_yaml", "ZipFile", "TarFile"),
            *("listdir", "scandir", "iterdir", "iglob", "rglob", "getmtime", "getctime", "getatime", "getsize"),
            *("isfile", "is_file", "lstat", "spec_from_file_location", "from_pretrained"),
        )
    ),
    ENVIRONMENT: frozenset(("environ", "environb", "getenv", "getenvb")),
    PROGRAMS: frozenset(
        (
            *("Popen", "check_output", "check_call", "getoutput", "getstatusoutput", "popen", "posix_spawn"),
            *("create_subprocess_exec", "create_subprocess_shell"),
        )
    ),
    SERVICES: frozenset(
        (
            *("urlopen", "urlretrieve", "create_connection", "HTTPConnection", "HTTPSConnection"),
            *("hf_hub_download", "snapshot_download"),
        )
    ),
    COMMAND: frozenset(("argv", "orig_argv")),
    CLOCK: frozenset(("time_ns", "utcnow")),
}
"""Names of functions by what they read; only such as have no second, harmless meaning."""

_BY_MODULE: Mapping[str, str] = {
    **dict.fromkeys(("runpy", "configparser", "sqlite3", "shelve", "dbm", "linecache", "fileinput"), FILES),
    **dict.fromkeys(("zipfile", "tarfile", "mmap", "h5py", "pkgutil", "glob", "importlib.resources"), FILES),
    **dict.fromkeys(("subprocess", "_posixsubprocess"), PROGRAMS),
    **dict.fromkeys(("socket", "requests", "httpx", "aiohttp", "grpc", "websockets", "urllib3"), SERVICES),
    **dict.fromkeys(("http.client", "urllib.request", "tritonclient.http", "tritonclient.grpc"), SERVICES),
}
"""Modules that are for nothing but reading, by what they read."""

_BY_FUNCTION: Mapping[tuple[str, str], str] = {
    **dict.fromkeys((("time", "time"), ("datetime", "now"), ("datetime", "today"), ("date", "today")), CLOCK),
    **dict.fromkeys((("builtins", "eval"), ("builtins", "exec")), TEXTS),
    **dict.fromkeys(((name, "system") for name in ("os", "posix", "nt")), PROGRAMS),
    **dict.fromkeys(((name, "stat") for name in ("os", "posix", "nt")), FILES),
    **dict.fromkeys((("os", "walk"), ("xml.etree.ElementTree", "parse"), ("torch", "from_file")), FILES),
}
"""Functions with names that have harmless meanings too, by module or class: differences of times change no answer."""

_CLIENTS = frozenset(("requests", "httpx", "aiohttp", "grpc", "urllib3", "websockets", "openai", "boto3", "botocore"))
"""Packages whose objects ask services."""

_BY_TEXT = frozenset(("getattr", "attrgetter", "methodcaller"))
"""Functions that take the name of an attribute as a text."""

_ENVIRONMENTS = (os.environ, os.environb) if hasattr(os, "environb") else (os.environ,)

_ENTRIES = ("forward", "__call__")
_BUILDING = frozenset(
    (
        *("__init__", "__new__", "__post_init__", "__attrs_post_init__", "__init_subclass__", "__set_name__"),
        *("__class_getitem__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__"),
    )
)
"""Methods that make an object: they run before a model is called."""

_NOT_CALLED = frozenset(("__copy__", "__deepcopy__", "__del__", "__repr__", "__str__", "__dir__", "__sizeof__"))
"""Methods that no call of a model needs."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))


@dataclass(frozen=True)
class ModuleText:
    """The names in the text of a module, where the module itself is not at hand.

    Attributes:
        aliases: names that it gives to what has another name.
        origins: the module that each name is imported from, or is.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


class RunTimeReads:
    """A walk over the code that may run when a model is called: by what it names, from its ``forward`` or itself on.

    A method or function counts once code that counts has its name. That may be one too many, and none too few, but for
    names that are put together while the code runs.

    Attributes:
        places: words for each place that reads something, by what it reads.
    """

    def __init__(self) -> None:
        self.places: dict[str, set[str]] = {kind: set() for kind in (*_BY_WORD, BY_NAME, TEXTS)}
        self._names: set[str] = set()  # that code which counts has
        self._waiting: dict[str, list[Callable[[], None]]] = {}  # walks of what has a name that none has yet
        self._walked: set[int] = set()
        self._alive: list[Any] = []  # what was walked is kept alive, so that no id is used twice
        self._built: set[type] = set()  # classes of which the model is made, and which no call makes again
        self._classes: set[tuple[type, bool]] = set()
        self._files: set[str] = set()
        self._parsers, self._readers = False, set[str]()  # whether a parser of settings is held; code that says `read`

    def network(self, network: nn.Module) -> None:
        """Walk what may run in a forward pass of a network."""
        modules = list(network.modules())
        self._built = {kind for module in modules for kind in type(module).__mro__}
        for module in modules:
            self._class(type(module), is_built=True)
            for key, value in vars(module).items():
                if key not in ("_parameters", "_buffers", "_modules"):
                    self._value(value, f"{key} of {type(module).__name__}")

    def callable(self, function: Any) -> None:
        """Walk what may run when an object is called."""
        self._value(function, "the model")

    def _value(self, value: Any, place: str) -> None:
        """Walk a value that code which runs may use, by whatever name."""
        if type(value) in _PLAIN or id(value) in self._walked or is_gone(value):
            return
        self._note_reader(value, place)
        if not _is_worth_a_walk(value):
            return
        self._walked.add(id(value))
        self._alive.append(value)
        if isinstance(value, FunctionType):
            if not installed(home_of(value)):
                self._code(value.__code__, value.__globals__)
            self._values(_held_by(value), value.__name__)
        elif isinstance(value, MethodType):
            self._values((value.__func__, value.__self__), place)
        elif isinstance(value, staticmethod | classmethod):
            self._value(value.__func__, place)
        elif isinstance(value, property):
            self._values((value.fget,), place)
        elif isinstance(value, functools.partial):
            self._values((value.func, *value.args, *value.keywords.values()), place)
        elif isinstance(value, CellType):
            with suppress(ValueError):  # a name that was never bound
                self._value(value.cell_contents, place)
        elif isinstance(value, ModuleType):
            self._members(value)
        elif isinstance(value, type):
            self._class(value, is_built=value in self._built)
        elif isinstance(value, dict):
            self._values(value.values(), place)
        elif isinstance(value, list | tuple | set | frozenset):
            self._values(value, place)
        elif is_compiled_by_numba(value):
            self._value(vars_of(value).get("__wrapped__"), place)
        else:
            self._class(type(value), is_built=True)
            self._values(vars_of(value).values(), place)

    def _values(self, values: Iterable[Any], place: str) -> None:
        for value in list(values):
            self._value(value, place)

    def _note_reader(self, value: Any, place: str) -> None:
        """Note a value that is itself a function or a means of reading, whatever it is called."""
        home = home_of(value)
        if isinstance(value, configparser.RawConfigParser):
            self._parsers = True
            self._note_parsers()
        elif any(value is environment for environment in _ENVIRONMENTS):
            self.places[ENVIRONMENT].add(place)
        elif isinstance(value, ModuleType):
            if value.__name__ in _BY_MODULE:
                self.places[_BY_MODULE[value.__name__]].add(place)
        elif name := installed_name(value):
            module = str(getattr(value, "__module__", "")) if not isinstance(value, functools.partial) else ""
            top = module.partition(".")[0]
            kinds = [kind for kind, words in _BY_WORD.items() if name in words]
            kinds += [_BY_MODULE.get(module) or _BY_MODULE.get(top) or _BY_FUNCTION.get((module, name), "")]
            if kinds[0]:
                self.places[kinds[0]].add(place if place.startswith(f"{name} ") else f"{place}: {name}")
        elif home.partition(".")[0] in _CLIENTS and not isinstance(value, type):
            self.places[SERVICES].add(place)

    def _note_parsers(self) -> None:
        if self._parsers:
            self.places[FILES] |= self._readers

    def _class(self, kind: type, is_built: bool) -> None:
        """Walk a class of one's own; methods that make an object only where code may make another one."""
        if (kind, is_built) in self._classes:
            return
        self._classes.add((kind, is_built))
        entries = _called_by_bases(kind)
        for base in kind.__mro__:
            for name, member in () if installed(base.__module__) else list(vars(base).items()):
                if type(member) in _PLAIN:
                    continue
                is_special = name.startswith("__") and name not in _NOT_CALLED
                is_entry = not is_built if name in _BUILDING else is_special or name in entries
                self._wait(name, functools.partial(self._value, member, f"{name} of {base.__name__}"), is_entry)

    def _wait(self, name: str, walk: Callable[[], None], at_once: bool) -> None:
        """Walk at once, or as soon as code that counts has the name."""
        if at_once or name in self._names:
            walk()
        else:
            self._waiting.setdefault(name, []).append(walk)

    def _name(self, names: Iterable[str]) -> None:
        """Add names that code which counts has: what waits for them counts too."""
        for name in set(names) - self._names:
            self._names.add(name)
            for walk in self._waiting.pop(name, ()):
                walk()

    def _code(self, code: CodeType, names: Mapping[str, Any]) -> None:
        """Walk a piece of code and those in it, with its global names as they are now."""
        module = str(names.get("__name__", ""))
        self._words(code, module, str(names.get("__package__") or ""), names, ModuleText())
        where = f"{code.co_name} of {module.removeprefix(OWN_FILE)}"
        on_bytes = called_on_bytes(code, names, {})
        for name in sorted(names_in(code)):
            value = value_of(name, names)
            if value is None or (name in on_bytes and installed_name(value)):
                continue
            if name in names or not (value is eval or value is exec):  # `network.eval()` is another
                self._value(value, f"{name} in {where}")
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant, names)

    def _members(self, module: ModuleType) -> None:
        """Walk the members of a module of one's own, each once code that counts has its name."""
        for name, member in list(vars(module).items()):
            if type(member) not in _PLAIN and not name.startswith("__"):
                self._wait(name, functools.partial(self._value, member, f"{name} of {module.__name__}"), False)

    def _words(self, code: CodeType, module: str, package: str, names: Mapping[str, Any], text: ModuleText) -> None:
        """Note what one piece of code reads, by the words in it, and the modules that it imports when it runs."""
        where = f"{code.co_name} of {module.removeprefix(OWN_FILE)}"
        used = names_in(code)
        texts = {value for value in code.co_consts if isinstance(value, str) and value.isidentifier()}
        self._name(used | texts)
        origins = {**text.origins, **(origins_of(code) if code.co_name != "<module>" else {})}
        used -= called_on_bytes(code, names, text.origins)
        for name in used & set(origins):
            if origins[name] in _BY_MODULE:
                self.places[_BY_MODULE[origins[name]]].add(f"{name} in {where}")
        used |= {text.aliases[name] for name in used if name in text.aliases}
        if used & _BY_TEXT:  # `getattr` with the name of an attribute
            used |= texts
        for name, attribute in attributes_in(code):
            home = _called(name, names, origins)
            if kind := _BY_FUNCTION.get((home, attribute) if attribute else ("builtins", name)):
                self.places[kind].add(f"{attribute or name} in {where}")
        for kind, words in _BY_WORD.items():
            self.places[kind] |= {f"{word} in {where}" for word in used & words}
        if "os" in used:
            self.places[PROGRAMS] |= {f"{name} in {where}" for name in used if name == "system" or name[:5] == "spawn"}
        if "read" in used:
            self._readers.add(f"read in {where}")
            self._note_parsers()
        named, unnamed = imports_by_name(code, package, names, text.aliases)
        self.places[BY_NAME] |= {f"{call} in {where}" for call in unnamed}
        for imported in (*imports_of(code, package), *named):
            if imported in _BY_MODULE and code.co_name != "<module>":
                self.places[_BY_MODULE[imported]].add(f"{imported} in {where}")
            elif (spec := spec_of(imported)) is not None and not installed(imported, spec):
                self._file(imported)

    def _file(self, module: str) -> None:
        """Walk the file of a module of one's own that code imports, or is handed, while it runs."""
        if module in self._files or module.startswith(OWN_FILE):
            return
        self._files.add(module)
        spec = spec_of(module)
        code = code_of(module, spec) if spec else None
        if spec is None or code is None:
            return
        text, package = ModuleText(aliases_of(code), origins_of(code)), package_of(module, spec)
        if "configparser" in text.origins.values():
            self._parsers = True
            self._note_parsers()

        def walk(piece: CodeType) -> None:
            for inner in inner_codes(piece):
                self._words(inner, module, package, {}, text)

        self._words(code, module, package, {}, text)
        for name, piece in _pieces_of(code):
            self._wait(name, functools.partial(walk, piece), name.startswith(("<", "__")))


def _called(name: str, names: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """The name of the module or class that a global name stands for; of what is not at hand that of its import."""
    value = names.get(name)
    if is_gone(value):
        return ""
    if isinstance(value, ModuleType | type):
        return value.__name__
    return "" if value is not None else origins.get(name, "")


def _pieces_of(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """The functions of a file, each with the name by which it is called: of what makes an object that of its class."""
    for constant in code.co_consts:
        if not isinstance(constant, CodeType):
            continue
        if not {"__qualname__", "__module__"} <= set(constant.co_names):
            yield constant.co_name, constant
            continue
        for inner in constant.co_consts:  # of a class
            if isinstance(inner, CodeType):
                yield (constant.co_name if inner.co_name in _BUILDING else inner.co_name), inner


def _called_by_bases(kind: type) -> set[str]:
    """Names of methods that a class is asked for by the forward pass of those of its bases that are of packages."""
    names, pending = set(_ENTRIES), list(_ENTRIES)
    bases = [base for base in kind.__mro__ if installed(base.__module__)]
    while pending:
        name = pending.pop()
        for base in bases:
            function = vars(base).get(name)
            for code in inner_codes(function.__code__) if isinstance(function, FunctionType) else ():
                calls = {called for called in code.co_names if hasattr(kind, called)} - names - _BUILDING
                names |= calls
                pending += calls
    return names


def _is_worth_a_walk(value: Any) -> bool:
    """Whether there may be code of one's own in a value."""
    if isinstance(value, FunctionType | MethodType | staticmethod | classmethod | property | functools.partial):
        return True
    if isinstance(value, dict | list | tuple | set | frozenset | CellType):
        return True
    if isinstance(value, ModuleType):
        return not installed(value.__name__)
    home = home_of(value)
    # Objects of packages may hold functions of one's own, as transforms do; those of compilers hold the whole process.
    return not installed(home) or not (isinstance(value, type) or home.startswith(("torch._", "logging", "weakref")))


def _held_by(function: FunctionType) -> Iterator[Any]:
    """The values that a function holds: its defaults, those in its cells, what it wraps; not the class it is of."""
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name != "__class__":
            yield cell
    yield from (value for name, value in vars(function).items() if name in ("__wrapped__", "_torchdynamo_inline"))
