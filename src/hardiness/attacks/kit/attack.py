"""What an attack is, what it is given and what it yields; where all of them are found by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from hardiness.attacks.kit.criteria import Criterion
from hardiness.core import Norm, Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Budget:
    """What an attack may spend.

    Attributes:
        norm: that bounds the change of the pixels.
        epsilon: the bound, in units of the [0, 1] range; 0 leaves the image as it is.
        steps: int64 ``(N,)``, the most steps of each sample, which leaves the batch after its own.
    """

    norm: Norm
    epsilon: float
    steps: Tensor


class Iterate(NamedTuple):
    """Where some samples of the batch stand after a step; no tensor of it is written to later.

    Attributes:
        step: from 1; an attack that tries one target after the other begins again at 1 with each.
        index: int64 ``(M,)``, rows of the given batch that it is about.
        pixels: float32 ``(M, 3, H, W)`` in [0, 1].
        logits: float32 ``(M, K)``, without graph.
        loss: ``(M,)``, what the attack lowers.
        reached: bool ``(M,)``, whether the criterion holds here.
        zero_gradient: float32 ``(M,)``, share of exact zeros in the gradient of the step that led here; 0 where there
            was none.
        finite_gradient: bool ``(M,)``, whether all of that gradient was finite.
    """

    step: int
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    pixels: Tensor
    logits: Tensor
    loss: Tensor
    reached: Tensor
    zero_gradient: Tensor
    finite_gradient: Tensor


class Attack(Protocol):
    """An attack with its options chosen; pure: no global state, no write to its arguments."""

    def __call__(
        self,
        logits: Callable[[Tensor], Tensor],
        pixels: Tensor,
        criterion: Criterion,
        budget: Budget,
        generators: Sequence[np.random.Generator],
    ) -> Iterator[Iterate]:
        """Its iterates, as they come.

        Args:
            logits: float32 ``(M, 3, H, W)`` in [0, 1] to logits ``(M, K)``, through torch autograd, for any M.
            pixels: float32 ``(N, 3, H, W)`` in [0, 1], the clean images.
            criterion: what counts as success, for each of them.
            budget: what may be spent.
            generators: one for each sample, for its chance alone.

        Raises:
            ArgumentError: an argument is not as above, e.g. pixels that are already normalised.
            ModelError: the logits have no gradient, or are probabilities.
        """
        ...


registry: Registry[Callable[..., Attack]] = Registry("attack", "hardiness.attacks", "hardiness.attacks")
"""Frozen dataclasses whose fields are an attack's options; calling one runs it."""
