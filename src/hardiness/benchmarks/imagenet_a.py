"""``imagenet-a``: natural adversarial examples: unmodified photographs that a ResNet-50 gets wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hardiness.benchmarks.photographs import SubsetPhotographs
from hardiness.benchmarks.registry import registry


@registry.add("imagenet-a")
@final
@dataclass(frozen=True)
class ImagenetA(SubsetPhotographs):
    """Natural adversarial examples: unmodified photographs that a ResNet-50 gets wrong.

    Source: Hendrycks et al. 2019, arXiv:1907.07174.
    """

    name: ClassVar[str] = "imagenet-a"
    question: ClassVar[str] = (
        "Does the model survive photographs picked because networks fail on them, and does it know?"
    )
    paper: ClassVar[str] = "Hendrycks et al. 2019, arXiv:1907.07174"
    protocol: ClassVar[str] = "hendrycks2019"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-a",)
