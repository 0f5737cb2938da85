"""Things found by name: a new model, corruption, attack or benchmark is one new file, and no other file is edited."""

from __future__ import annotations

import fnmatch
import functools
import importlib
import logging
import os
import pkgutil
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from importlib.machinery import PathFinder
from typing import Any, Generic, TypeVar, cast

from hardiness.core.errors import ArgumentError, UnknownNameError, described, line_of

T = TypeVar("T")
C = TypeVar("C")

Family = Callable[[], Iterable[tuple[str, Any, str]]]
"""A function that gives entries made of data: name, entry and place of each."""

LOGGER = logging.getLogger(__name__)

_loading: ContextVar[str] = ContextVar("distribution whose entry point is being loaded", default="")
_looked_up: ContextVar[tuple[str, str]] = ContextVar(
    "kind and name whose fault is about to be an error", default=("", "")
)


class Registry(Generic[T]):
    """A dictionary by name that fills itself on first use: with what ships, then with what is installed beside it.

    What ships keeps its name. An entry point that cannot be loaded, or that is no such thing, is logged in one line
    that names its distribution, and asking for its name is an error; everything else is there. Of two distributions
    with one name neither has it: asking for it is an error that names both.

    Args:
        kind: what one entry is called in messages, e.g. ``"benchmark"``.
        package: dotted package whose modules are imported once to find the entries.
        entry_point_group: group under which other distributions add theirs, e.g. ``"hardiness.benchmarks"``.
        accept: from what is to be registered to the entry; raises `ArgumentError` with what it must be, and was.
        of_package: from a package that an entry point names, and the entry point's name, to what a data file in it
            describes; ``None`` where it describes nothing.
    """

    def __init__(
        self,
        kind: str,
        package: str,
        entry_point_group: str | None = None,
        accept: Callable[[Any], T] | None = None,
        of_package: Callable[[Any, str], T | None] | None = None,
    ) -> None:
        self.kind, self.group = kind, entry_point_group
        self._package, self._accept, self._of_package = package, accept, of_package
        self._entries: dict[str, tuple[T, str]] = {}  # with the place where each was registered
        self._distributions: dict[str, str] = {}  # that entries were loaded from by an entry point, by name
        self._families: list[Family] = []
        self._contested: dict[str, list[str]] = {}  # places of a name that several distributions have
        self._refused: dict[str, str] = {}  # why an entry point gives nothing, by its name
        self._is_imported = self._is_complete = False
        self._lock = threading.RLock()

    def register(self, name: str, entry: T, where: str) -> None:
        """Add ``entry`` under ``name``; one of the same name from the same place gives way to it.

        Args:
            name: by which it is found.
            entry: what is found.
            where: the module, with ``:`` and the name in it where there is one: the place that messages show. All of
                ``__main__`` is one place, since a cell of a notebook that is run again may call its class otherwise.

        Raises:
            ArgumentError: the entry is no such thing; or the name is taken, and the message names both places.
        """
        entry = self._accepted(name, entry)
        if not _ships(where):
            self.load_shipped()  # what ships has its names first
        _, holder = self._entries.get(name, (None, where))
        if name in self._contested or not _is_same_place(holder, where):
            self._settle(name, where, _loading.get())
            return
        self._entries[name] = (entry, where)
        if distribution := _loading.get():
            self._distributions[name] = distribution

    def add(self, name: str) -> Callable[[C], C]:
        """Decorator form of `register` for functions and classes, which stay what they are.

        A class may be what `accept` makes an entry of.
        """

        def decorate(entry: C) -> C:
            where = f"{getattr(entry, '__module__', '?')}:{getattr(entry, '__qualname__', name)}"
            self.register(name, cast(T, entry), where)
            return entry

        return decorate

    def family(self, entries: Family) -> Family:
        """Decorator of a function that makes entries of data files: they are made when one of them is looked for."""
        self._families.append(entries)
        return entries

    def get(self, name: str) -> T:
        """The entry of that name.

        Raises:
            UnknownNameError: with close matches and all names.
            ArgumentError: several distributions have it, or the one that has it is faulty.
        """
        self.refuse_faulty(name)
        if name not in self._entries:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name][0]

    def refuse_faulty(self, name: str) -> None:
        """Raise where a name that has no entry is one of a distribution's: before another error calls it unknown.

        Raises:
            ArgumentError: several distributions have it, or the one that has it is faulty.
        """
        token = _looked_up.set((self.kind, name))
        try:
            if self._entry(name) is not None:
                return
        finally:
            _looked_up.reset(token)
        if name in self._contested:
            raise ArgumentError(self._contest(name))
        if name in self._refused:
            raise ArgumentError(self._refused[name])

    def find(self, name: str) -> T | None:
        """The entry of that name; ``None`` where there is none that can be had."""
        entry = self._entry(name)
        return None if entry is None else entry[0]

    def ships(self, name: str) -> bool:
        """Whether the entry of that name comes with this package, and is not somebody else's."""
        entry = self._entry(name)
        return entry is not None and _ships(entry[1])

    def give_up(self, name: str, error: BaseException) -> bool:
        """Take out an entry of somebody else's that failed when it was used, with a line that names its distribution.

        Args:
            name: of the entry.
            error: that it raised.

        Returns:
            Whether it was one: what ships stays, and its failure is ours.
        """
        place = self.package_of(name)
        if not place:
            return False
        del self._entries[name]
        line = f"{line_of(error)}{line_in(place, error)}"
        self._refuse(name, f"{self.kind} {name!r} of {place} failed: {line}; mend or uninstall it")
        return True

    def package_of(self, name: str) -> str:
        """The place of somebody else's entry, as ``module:name of distribution 1.0``; empty where it ships or is none.

        Nothing is loaded for it.
        """
        _, where = self._entries.get(name, (None, "hardiness"))
        return "" if _ships(where) else _place(where, self._distributions.get(name, ""))

    def own(self) -> dict[str, T]:
        """The entries that somebody else has registered by now, by name; nothing is loaded for it."""
        return {name: entry for name, (entry, where) in self._entries.items() if not _ships(where)}

    def names(self, pattern: str = "*") -> list[str]:
        """Sorted names that match a shell-style pattern, e.g. ``names("gauss*")``."""
        self._load_installed()
        return sorted(fnmatch.filter(self._entries, pattern))

    def __contains__(self, name: object) -> bool:
        return self._entry(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _entry(self, name: object) -> tuple[T, str] | None:
        for fill in (self._make_families, self.load_shipped, self._load_installed):
            if name in self._entries:  # nothing more is loaded than is asked for
                break
            fill()
        return self._entries.get(name)  # type: ignore[call-overload,no-any-return]

    def _accepted(self, name: str, entry: Any) -> T:
        try:
            return self._accept(entry) if self._accept else entry
        except ArgumentError as error:
            raise ArgumentError(f"{self.kind} {name!r} {error}") from None

    def _settle(self, name: str, where: str, distribution: str) -> None:
        """Decide which of two places keeps a name; what is merely installed stops nobody."""
        place = _place(where, distribution)
        if name in self._contested:
            if not distribution:
                raise ArgumentError(f"{self.kind} {name!r} cannot be registered in {place}: {self._contest(name)}")
            self._contested[name].append(place)
            return
        _, other = self._entries[name]
        holder = _place(other, self._distributions.get(name, ""))
        if not distribution:
            raise ArgumentError(f"{self.kind} {name!r} is registered twice: in {holder} and in {place}; rename one")
        if _ships(other):
            self._refuse(name, f"{self.kind} {name!r} of {place} has the name of one that ships; rename it")
        elif name not in self._distributions:
            self._refuse(name, f"{self.kind} {name!r} of {place} is left out: {holder} has that name here")
        else:
            del self._entries[name]
            self._contested[name] = [holder, place]
            self._warn(name, self._contest(name))

    def _contest(self, name: str) -> str:
        places = " and in ".join(dict.fromkeys(self._contested[name]))
        return f"{self.kind} {name!r} is in {places}; uninstall one, or rename its entry"

    def _refuse(self, name: str, line: str) -> None:
        self._refused[name] = line
        self._warn(name, line)

    def _warn(self, name: str, line: str) -> None:
        """Log a line about a name, but for the one that is asked for, whose line is the error that follows."""
        if _looked_up.get() != (self.kind, name):
            LOGGER.warning(line)

    def _make_families(self) -> None:
        with self._lock:
            while self._families:
                family = self._families.pop(0)
                ships = _ships(family.__module__)
                for name, entry, where in family():
                    self.register(name, entry, f"{family.__module__}:{where}" if ships else where)

    def load_shipped(self) -> None:
        """Import the modules that ship with the registry, which fill it."""
        with self._lock:
            if self._is_imported:  # or is being so: a module may look for what is there by then
                return
            self._is_imported = True
            try:
                package = importlib.import_module(self._package)
                for module in pkgutil.iter_modules(package.__path__):
                    importlib.import_module(f"{self._package}.{module.name}")
                self._make_families()
            except BaseException:
                self._is_imported = False
                raise

    def _load_installed(self) -> None:
        """Load the entry points of other distributions, each by itself."""
        self.load_shipped()
        with self._lock:
            if self._is_complete or self.group is None:
                return
            self._is_complete = True
            try:
                points: dict[str, list[Any]] = {}
                for point in _installed(self.group):
                    points.setdefault(point.name, []).append(point)
                for name, same in points.items():
                    _, holder = self._entries.get(name, (None, ""))
                    if len(same) > 1 and _top(holder) in {"", *(_top(point.value) for point in same)}:
                        self._entries.pop(name, None)
                        self._contested[name] = [_place(point.value, _distribution(point)) for point in same]
                        self._warn(name, self._contest(name))
                for name in sorted({*points} - {*self._contested}):
                    for point in points[name]:
                        self._load(point)
                self._make_families()
            except BaseException:
                self._is_complete = False
                raise

    def _load(self, point: Any) -> None:
        """Load one entry point: a thing, or the module that registers it under the entry point's name."""
        distribution, before = _distribution(point), dict(self._entries)
        token = _loading.set(distribution)
        try:
            value = point.load()
            if self._of_package is not None and hasattr(value, "__path__"):
                value = self._of_package(value, point.name) or value
            if self._is_of(point, value, distribution):
                self._distributions[point.name] = distribution
            elif point.name not in {*self._contested, *self._refused}:
                self.register(point.name, value, point.value)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is somebody else's code, whatever it raises
            if point.module not in sys.modules:
                self._entries = before  # what a module registered that then failed may be half of a thing
            fault = str(error) if isinstance(error, ArgumentError) else f"cannot be loaded: {described(error)}"
            fault = fault.removeprefix(f"{self.kind} {point.name!r} ")
            self._refuse(
                point.name,
                f"{self.kind} {point.name!r} of {_place(point.value, distribution)} {fault}; mend or uninstall it",
            )
        finally:
            _loading.reset(token)

    def _is_of(self, point: Any, value: Any, distribution: str) -> bool:
        """Whether the entry of a point's name is what the point names, registered by its module now or before."""
        entry, where = self._entries.get(point.name, (None, ""))
        if not where or _ships(where):
            return False
        if loaded := self._distributions.get(point.name):
            return loaded == distribution
        return entry is value or type(entry) is value or _top(where) == _top(point.value)


def summary_of(entry: Any) -> str:
    """The line for listings that an entry declares as its ``summary``; empty where it declares none.

    A class that changes another one does something else, so that it has no summary but its own.
    """
    return str(vars(entry).get("summary", "") if isinstance(entry, type) else getattr(entry, "summary", ""))


def instance_of(kind: type[T]) -> Callable[[Any], T]:
    """A function that accepts the instances of a class, for `Registry`."""

    def accept(entry: Any) -> T:
        if not isinstance(entry, kind):
            raise ArgumentError(f"must be of type {kind.__name__}, was {_type_and_name(entry)}")
        return entry

    return accept


def subclass_of(kind: type[Any], *attributes: str) -> Callable[[Any], Any]:
    """A function that accepts subclasses that leave nothing abstract and have some attributes, for `Registry`."""

    def accept(entry: Any) -> Any:
        if not (isinstance(entry, type) and issubclass(entry, kind)):
            raise ArgumentError(f"must be a subclass of {kind.__name__}, was {_type_and_name(entry)}")
        lacks = [*sorted(getattr(entry, "__abstractmethods__", ())), *(a for a in attributes if not hasattr(entry, a))]
        if lacks:
            raise ArgumentError(f"must say what its {lacks[0]} is, and {entry.__qualname__} does not")
        return entry

    return accept


def instance_or_subclass_of(kind: type[Any]) -> Callable[[Any], Any]:
    """A function that accepts the instances of a class, and makes one of a subclass, for `Registry`."""

    def accept(entry: Any) -> Any:
        return entry if isinstance(entry, kind) else subclass_of(kind)(entry)()

    return accept


def callable_thing(entry: Any) -> Any:
    """The entry itself where it, or what a class makes, can be called, for `Registry`."""
    if isinstance(entry, type):
        if not any("__call__" in vars(base) for base in entry.__mro__):
            raise ArgumentError(f"must have a method __call__, and {entry.__qualname__} has none")
    elif not callable(entry):
        raise ArgumentError(f"must be a class, or a function that makes one, was {_type_and_name(entry)}")
    return entry


def _type_and_name(entry: Any) -> str:
    name = getattr(entry, "__qualname__", getattr(entry, "__name__", ""))
    return f"{type(entry).__name__} {name}".strip()


def _top(where: str) -> str:
    """The package, or module, that a place is in."""
    return where.partition(":")[0].partition(".")[0]


def line_in(place: str, error: BaseException) -> str:
    """The innermost function that an error came through in the package of a place, with file and line, if any."""
    package = _top(place.partition(" ")[0])
    frames = [
        f" (in {frame.f_code.co_qualname}, {os.path.basename(frame.f_code.co_filename)}:{line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _top(str(frame.f_globals.get("__name__", ""))) == package
    ]
    return frames[-1] if frames else ""


def _ships(where: str) -> bool:
    return _top(where) == "hardiness"


def _place(where: str, distribution: str) -> str:
    return f"{where} of {distribution}" if distribution else where


def _is_same_place(one: str, other: str) -> bool:
    return one == other or _top(one) == _top(other) == "__main__"


def _distribution(point: Any) -> str:
    """Name and version of the distribution that an entry point is of."""
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unnamed distribution"


@functools.cache
def extending_packages() -> frozenset[str]:
    """The packages and modules that other distributions name in entry points of ours: code that somebody may edit.

    Of libraries a version stands for their code. A distribution that adds to ours is somebody's own, and is installed
    again and again under one version while it is written.
    """
    groups = _entry_points().groups if _is_extended() else ()
    ours = [group for group in groups if group.startswith("hardiness.")]
    return frozenset(_top(point.value) for group in ours for point in _installed(group))


def installed_names(group: str) -> set[str]:
    """The names under which installed packages add entries of a group; nothing of these packages is imported."""
    return {point.name for point in _installed(group)}


def _installed(group: str) -> Any:
    """The entry points of that group, of every installed distribution."""
    return _entry_points().select(group=group) if _is_extended() else ()


@functools.cache
def _entry_points() -> Any:
    return importlib.import_module("importlib.metadata").entry_points()


@functools.cache
def _is_extended() -> bool:
    """Whether some distribution may have an entry point of ours; where none has, importlib.metadata is not imported.

    It takes 20 ms to import and 28 ms to read every distribution, a tenth of what a command that shows stored results
    takes. Where something but folders may hold distributions, it is asked.
    """
    if any(hasattr(finder, "find_distributions") and finder is not PathFinder for finder in sys.meta_path):
        return True
    for folder in map(os.path.abspath, sys.path):
        if os.path.isfile(folder):
            return True
        with suppress(OSError):
            described = (name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info", "EGG-INFO")))
            if any(_names_ours(f"{folder}/{name}/entry_points.txt") for name in described):
                return True
    return False


def _names_ours(path: str) -> bool:
    with suppress(OSError), open(path, "rb") as file:
        return b"[hardiness." in file.read()
    return False
