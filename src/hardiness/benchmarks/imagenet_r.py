"""``imagenet-r``: renditions of 200 classes: art, cartoons, sculptures, toys, tattoos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from hardiness.benchmarks.photographs import SubsetPhotographs
from hardiness.benchmarks.registry import registry


@registry.add("imagenet-r")
@final
@dataclass(frozen=True)
class ImagenetR(SubsetPhotographs):
    """Renditions of 200 classes: art, cartoons, sculptures, toys, tattoos.

    Source: Hendrycks et al. 2020, arXiv:2006.16241.
    """

    name: ClassVar[str] = "imagenet-r"
    question: ClassVar[str] = "Does the model recognise an object that is drawn, carved or sewn?"
    paper: ClassVar[str] = "Hendrycks et al. 2020, arXiv:2006.16241"
    protocol: ClassVar[str] = "hendrycks2020"
    needs: ClassVar[tuple[str, ...]] = ("imagenet-r",)
