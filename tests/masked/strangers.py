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


MODULES = {
    "corruption.py": CORRUPTION.format(name="dusk"),
    "perturbation.py": """
from typing import NamedTuple
from hardiness.distortions.apply import no_frame_draws, perturbation

class Level(NamedTuple):
    share: float

@perturbation("colour", (Level(0.9),), no_frame_draws, frames=2)
def fading(source, level, draws):
    "Darker."
    yield source.crop
    yield (source.crop * level.share).astype("uint8")
""",
    "benchmark.py": """
from dataclasses import dataclass
from typing import final
import numpy as np
from hardiness.benchmarks import registry
from hardiness.benchmarks.photographs import Photographs
from my_edited.helper import SHARE

@registry.add("darker")
@final
@dataclass(frozen=True)
class Darker(Photographs):
    "Darker photographs."
    name = "darker"
    question = "Is it dark?"
    paper = "none"
    protocol = "example"
    needs = ("imagenet",)
    card = "spread"

    def expand(self, item, conditions, canvases, seed):
        for picture in super().expand(item, conditions, canvases, seed):
            yield picture._replace(images=tuple((image * SHARE).astype("uint8") for image in picture.images))
""",
    "helper.py": "SHARE = 0.9\n",
    "attack.py": """
from dataclasses import dataclass
import torch
from hardiness.attacks import Iterate, registry

@registry.add("shade")
@dataclass(frozen=True)
class Shade:
    "Darker by epsilon."

    def __call__(self, logits, pixels, criterion, budget, generators):
        every = torch.arange(len(pixels), device=pixels.device)
        tried = (pixels - 0.9 * budget.epsilon).clamp(0, 1)
        with torch.no_grad():
            found = logits(tried)
        ones = torch.ones(len(pixels), device=pixels.device)
        reached = criterion.reached(found)
        yield Iterate(1, every, tried, found, criterion.loss(found), reached, 0 * ones, torch.ones_like(reached))
""",
    "card.py": """
import numpy as np
from hardiness.benchmarks.card import Card, register
from hardiness.benchmarks.shares import answered
from hardiness.core import ImageTable, Metric

SPREAD = Metric("spread", "spread", explanation="a number.")

@register("spread")
class Spread(Card):
    "A number."
    columns = ("prediction",)
    metrics = (SPREAD,)

    def filled_table(self, records, run):
        return ImageTable.from_rows(records, run.conditions, answered(records))

    def scores(self, table, run, baseline):
        return [SPREAD.score(0.9 * 0.5, len(table))]
""",
}
"""A file for each kind of thing; what it computes depends on a number in it."""


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
            f'\n[project.entry-points."{group}"]\n'
            + "".join(f'"{name}" = "{value}"\n' for name, value in points.items())
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
