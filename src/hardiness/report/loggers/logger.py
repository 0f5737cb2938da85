"""Loggers: what they must do, in a registry by name."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from hardiness.core.errors import ArgumentError
from hardiness.core.registry import Registry, instance_of
from hardiness.sources.http import offline


@dataclass(frozen=True, slots=True)
class TrackerRun:
    """One run of a tracker: one model, or the progress of a command.

    Attributes:
        name: of the run.
        folder: where a tracker without a server of its own puts its files.
        about: what was run, by name.
    """

    name: str
    folder: Path
    about: Mapping[str, str]


class Logger(Protocol):
    """One run of a tracker that is open."""

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Add a point to the curve of each number; ``step`` is images or image-conditions."""
        ...

    def close(self) -> None:
        """Write what is left, and end the run."""
        ...


Open = Callable[[TrackerRun], Logger]
"""A function from the run to be tracked to the one that is open."""


@dataclass(frozen=True, slots=True)
class TrackerKind:
    """A tracker.

    Attributes:
        packages: that it needs.
        summary: what a run of it is, in a line for listings.
        open: opens a run of it.
        quiet: environment variables, and their values, under which its packages report nothing to their makers. A
            value that the user has set counts, except where downloads are forbidden.
    """

    packages: tuple[str, ...]
    open: Open
    quiet: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""

    def check(self, name: str) -> None:
        """Import what it needs, so that it reports nothing to its makers.

        Raises:
            ArgumentError: a package is not installed.
        """
        for variable, value in self.quiet.items():  # read when the package is imported
            if offline() or not os.environ.get(variable):
                os.environ[variable] = value
        for package in self.packages:
            try:
                importlib.import_module(package)
            except ImportError as error:
                raise ArgumentError(
                    f"the log to {name} needs the package {package}, which cannot be imported ({error}): "
                    f"pip install 'hardiness[{name}]'"
                ) from error


registry: Registry[TrackerKind] = Registry(
    "logger", "hardiness.report.loggers", "hardiness.loggers", instance_of(TrackerKind)
)
"""The trackers by their names on the command line."""


def register(
    name: str, *packages: str, summary: str = "", quiet: Mapping[str, str] | None = None
) -> Callable[[Open], Open]:
    """Function decorator that adds a tracker under that name; arguments as the attributes of `TrackerKind`."""

    def decorate(opening: Open) -> Open:
        registry.register(
            name, TrackerKind(packages, opening, quiet or {}, summary), f"{getattr(opening, '__module__', name)}:open"
        )
        return opening

    return decorate
