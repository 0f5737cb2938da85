"""A distribution of a stranger's, written as a project that pip can install; and a corruption for it to hold."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
{package} = ["*.toml"]
"""

CORRUPTION = """
from typing import NamedTuple
from hardiness.distortions import corruption
from hardiness.distortions.apply import no_draws

class Level(NamedTuple):
    share: float

@corruption("colour", tuple(map(Level, (0.9, 0.8, 0.7, 0.6, 0.5))), no_draws)
def {name}(image, level, draws):
    "Darker."
    return (image * level.share).astype("uint8")
"""


@dataclass(frozen=True)
class Distribution:
    """A distribution of one package.

    Attributes:
        name: of the distribution.
        points: what it adds: the value of each entry point, by group and name.
        files: of its package, by name.
        package: that they are in.
        version: of the distribution.
    """

    name: str
    points: Mapping[str, Mapping[str, str]]
    files: Mapping[str, str]
    package: str
    version: str = "1.0"

    def write(self, folder: Path) -> Path:
        """Its project, in a folder of its own below this one."""
        project = folder / self.name
        (project / self.package).mkdir(parents=True)
        groups = "".join(
            f'\n[project.entry-points."{group}"]\n' + "".join(f'{name} = "{value}"\n' for name, value in points.items())
            for group, points in self.points.items()
        )
        described = PROJECT.format(name=self.name, package=self.package, version=self.version)
        (project / "pyproject.toml").write_text(described + groups)
        for name, text in {"__init__.py": "", **self.files}.items():
            (project / self.package / name).write_text(textwrap.dedent(text))
        return project


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str
