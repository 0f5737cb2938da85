"""``hf-siglip:ORG/NAME``: a SigLIP or SigLIP 2 of transformers as a zero-shot classifier."""

from __future__ import annotations

from collections.abc import Mapping

from hardiness.core.model import ModelSpec
from hardiness.models.catalogue import BuilderResult, Scheme, schemes
from hardiness.models.dual_encoders import EncoderFamily
from hardiness.models.zero_shot import OPTIONS

# Both were trained on sentences in lower case, padded to 64 tokens; without, 12 points less are reported.
_KIND = EncoderFamily("hf-siglip", ("siglip",), context=64, lower=True)


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a SigLIP of one input size on the hub or in a folder.

    Raises:
        ModelError: its configuration cannot be had, or it is no SigLIP (or a NaFlex one, which takes any shape).
        ArgumentError: its preprocessing cannot be followed.
    """
    return _KIND.spec(name, options, f"{__name__}:build")


def build(spec: ModelSpec) -> BuilderResult:
    """The image tower with the classes' sentences as its head; logits carry the model's own scale and bias.

    Source: Zhai et al. 2023, arXiv:2303.15343; SigLIP 2: Tschannen et al. 2025, arXiv:2502.14786.
    """
    return _KIND.build(spec)


schemes.register(
    "hf-siglip",
    Scheme("hf-siglip:ORG/NAME", "a zero-shot SigLIP of transformers; it knows classes by name", spec, OPTIONS),
    __name__,
)
