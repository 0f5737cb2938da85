"""Options that spread a run: which part of it a worker begins with, and whether Ray evaluates."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hardiness.api import Cluster
from hardiness.core import ArgumentError, Share, UnknownNameError, require_within

ENGINES = ("process", "ray")


@dataclass(frozen=True, slots=True)
class Engine:
    """``--engine`` and what goes with it."""

    engine: str
    ray_resources: str | None
    ray_actors: int | None

    def cluster(self) -> Cluster | None:
        """Where Ray actors evaluate; ``None`` without Ray.

        Raises:
            ArgumentError: the engine is unknown, or the resources do not read ``NAME=AMOUNT,…``.
        """
        if self.engine not in ENGINES:
            raise UnknownNameError("engine", self.engine, ENGINES)
        if self.engine == "process":
            return None
        if self.ray_actors is not None:
            require_within("--ray-actors", self.ray_actors, 1, 10_000)
        given = self.ray_resources
        return Cluster(actors=self.ray_actors, resources=dict(map(_resource, given.split(","))) if given else None)


def share(text: str | None) -> Share | None:
    """The part that ``--worker i/n`` names, or that ``torchrun`` gives by the environment.

    Raises:
        ArgumentError: it does not read so, or i is not from 0 to n - 1.
    """
    return Share.of_environment(os.environ) if text is None else Share.parse(text)


def _resource(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    try:
        return name.strip(), float(amount)
    except ValueError:
        raise ArgumentError(f"--ray-resources must read NAME=AMOUNT,…, as in CPU=4,GPU=1, had {text!r}") from None
