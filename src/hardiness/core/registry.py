"""Things found by name: a new model, corruption, attack or benchmark is one new file, and no other file is edited."""

from __future__ import annotations

import fnmatch
import functools
import importlib
import os
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from typing import Any, Generic, TypeVar

from hardiness.core.errors import ArgumentError, UnknownNameError

T = TypeVar("T")

Family = Callable[[], Iterable[tuple[str, Any, str]]]
"""Gives entries that are made of data: name, entry and place of each."""


class Registry(Generic[T]):
    """A dictionary by name that fills itself on first use.

    Args:
        kind: what one entry is called in messages, e.g. ``"benchmark"``.
        package: dotted package whose modules are imported once to find the entries.
        entry_point_group: group under which other distributions add theirs, e.g. ``"hardiness.benchmarks"``.
    """

    def __init__(self, kind: str, package: str, entry_point_group: str | None = None) -> None:
        self.kind = kind
        self._package = package
        self._group = entry_point_group
        self._entries: dict[str, tuple[T, str]] = {}
        self._families: list[Family] = []
        self._discovered = False
        self._lock = threading.RLock()

    def register(self, name: str, entry: T, where: str) -> None:
        """Add ``entry`` under ``name``; ``where`` is the place to show should the name be taken twice.

        Raises:
            ArgumentError: the name is taken; the message names both places.
        """
        if name in self._entries:
            raise ArgumentError(
                f"{self.kind} {name!r} is registered twice: in {self._entries[name][1]} and in {where}; rename one"
            )
        self._entries[name] = (entry, where)

    def add(self, name: str) -> Callable[[T], T]:
        """Decorator form of `register` for functions and classes."""

        def decorate(entry: T) -> T:
            self.register(name, entry, f"{getattr(entry, '__module__', '?')}:{getattr(entry, '__qualname__', name)}")
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
        """
        if name not in self:
            raise UnknownNameError(self.kind, name, self._entries)
        return self._entries[name][0]

    def find(self, name: str) -> T | None:
        """The entry of that name; ``None`` where there is none."""
        return self._entries[name][0] if name in self else None

    def names(self, pattern: str = "*") -> list[str]:
        """Sorted names that match a shell-style pattern, e.g. ``names("gauss*")``."""
        self._discover()
        return sorted(fnmatch.filter(self._entries, pattern))

    def __contains__(self, name: object) -> bool:
        for more in (self._make_families, self._discover):
            if name in self._entries:  # what is registered already stays: nothing takes a name that another has
                return True
            more()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _make_families(self) -> None:
        with self._lock:
            while self._families:
                for entry in self._families.pop(0)():
                    self.register(*entry)

    def _discover(self) -> None:
        with self._lock:
            if self._discovered:
                return
            self._discovered = True
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self._package}.{module.name}")
            self._make_families()
            for point in _installed(self._group) if self._group else ():
                if point.name not in self._entries:
                    self.register(point.name, point.load(), point.value)


def _installed(group: str) -> Any:
    """The entry points of that group, of every installed distribution."""
    return _entry_points().select(group=group) if _is_extended() else ()


@functools.cache
def _entry_points() -> Any:
    return importlib.import_module("importlib.metadata").entry_points()


@functools.cache
def _is_extended() -> bool:
    """Whether some distribution may have an entry point of ours: where none has, importlib.metadata is not imported.

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
