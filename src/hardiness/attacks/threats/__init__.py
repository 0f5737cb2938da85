"""Threat models: what an epsilon counts, which pictures it allows, and chance within it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hardiness.core.errors import ArgumentError
from hardiness.core.registry import Registry, subclass_of

if TYPE_CHECKING:
    from torch import Tensor


class Threat(ABC):
    """One way to bound what an attack may do to a picture.

    Attributes:
        summary: what it allows, in a line for listings.
        unit: what an epsilon counts, for messages and listings.
        most: the largest epsilon that means anything.
        whole: an epsilon with which any picture can become any other, for the check that must break every model;
            ``None`` where there is none.
    """

    summary: ClassVar[str] = ""
    unit: ClassVar[str]
    most: ClassVar[float]
    whole: ClassVar[float | None] = None

    @abstractmethod
    def distance(self, pixels: Tensor, clean: Tensor) -> Tensor:
        """How far each picture is from its clean one, ``(N,)``, in the unit of epsilon.

        Args:
            pixels, clean: float32 ``(N, 3, H, W)`` in [0, 1].
        """

    @abstractmethod
    def contains(self, pixels: Tensor, clean: Tensor, epsilon: float) -> Tensor:
        """Whether each picture keeps to the budget but for rounding, bool ``(N,)``."""

    @abstractmethod
    def sample(self, clean: Tensor, epsilon: float, generators: Sequence[np.random.Generator]) -> Tensor:
        """Pictures drawn by chance within the budget and [0, 1], as far out as it allows, float32 ``(N, 3, H, W)``."""


threat_models: Registry[type[Threat]] = Registry(
    "threat model", "hardiness.attacks.threats", "hardiness.threats", subclass_of(Threat, "unit", "most")
)
"""Threat models by name; their classes take no arguments."""


def threat(name: str) -> Threat:
    """The threat model of that name.

    Raises:
        UnknownNameError: there is none; the message lists them.
    """
    return threat_models.get(name)()


def check_epsilon(name: str, epsilon: float, where: str = "epsilon") -> None:
    """Raise an error unless the epsilon means something under that threat model; 0 leaves pictures as they are.

    Raises:
        ArgumentError: it is negative or beyond what the threat model can mean.
    """
    chosen = threat(name)
    if not 0 <= epsilon <= chosen.most:
        hint = "; a budget of 8 levels of 255 is written 8/255" if name == "linf" else ""
        raise ArgumentError(f"{where} must lie in [0, {chosen.most:g}], {chosen.unit}, had {epsilon:g}{hint}")
