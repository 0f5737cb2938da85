"""``hf-clip:ORG/NAME``: a CLIP of transformers as a zero-shot classifier."""

from __future__ import annotations

from collections.abc import Mapping

from hardiness.core.model import ModelSpec
from hardiness.models.catalogue import BuilderResult, Scheme, schemes
from hardiness.models.dual_encoders import EncoderFamily
from hardiness.models.zero_shot import OPTIONS

_KIND = EncoderFamily("hf-clip", ("clip", "metaclip_2"))


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a CLIP on the hub or in a folder.

    Raises:
        ModelError: its configuration cannot be had, or it is no CLIP.
        ArgumentError: its preprocessing cannot be followed.
    """
    return _KIND.spec(name, options, f"{__name__}:build")


def build(spec: ModelSpec) -> BuilderResult:
    """The image tower with the classes' sentences as its head; the activation is the one its configuration names.

    Source: Radford et al. 2021, arXiv:2103.00020.
    """
    return _KIND.build(spec)


schemes.register(
    "hf-clip",
    Scheme("hf-clip:ORG/NAME", "a zero-shot CLIP of transformers; it knows classes by name", spec, OPTIONS),
    __name__,
)
