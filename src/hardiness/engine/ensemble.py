"""Several models as one surrogate: the mean of their logits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hardiness.core.errors import ModelError
from hardiness.core.model import CANVAS_224
from hardiness.models.classifier import Classifier
from hardiness.models.preprocessing import InputPolicy

if TYPE_CHECKING:
    from torch import Tensor


class Ensemble:
    """The mean of several models' logits, where a surrogate is one model else.

    Attributes:
        members: the models, of the same classes.
        spec: of the first, under the name of all, joined by ``+``.
        weights_sha256: over those of all.
        outputs_sha256, code_sha256: those of all, joined.
        device, num_classes: of the first.
        has_gradients: always.

    Source: Dong et al. (2018), arXiv:1710.06081, section 3.4, ensemble in logits, equal weights.
    """

    has_gradients = True

    def __init__(self, members: Sequence[Classifier]) -> None:
        first = members[0]
        for other in members[1:]:
            if other.num_classes != first.num_classes or other.spec.class_names != first.spec.class_names:
                raise ModelError(
                    f"surrogates {first.spec.name} and {other.spec.name} have other classes; join models of the same"
                )
        self.members = tuple(members)
        self.spec = replace(first.spec, name="+".join(member.spec.name for member in members))
        joined = "+".join(member.weights_sha256 for member in members)
        self.weights_sha256 = hashlib.sha256(joined.encode()).hexdigest()
        self.outputs_sha256 = "+".join(member.outputs_sha256 for member in members).strip("+")
        self.code_sha256 = "+".join(member.code_sha256 for member in members).strip("+")
        self.device, self.num_classes = first.device, first.num_classes

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """The canvas as it is: each member resizes it for itself."""
        return InputPolicy(canvas_px, canvas_px)

    def differentiable(self, pixels: Tensor) -> Tensor:
        """Mean logits ``(N, K)`` through torch autograd, fp32."""
        return sum(
            (member.differentiable(member.feed(pixels.shape[-1])(pixels)) for member in self.members[1:]),
            self.members[0].differentiable(self.members[0].feed(pixels.shape[-1])(pixels)),
        ) / len(self.members)

    def plain_logits(self, pixels: Tensor) -> Tensor:
        """Mean logits ``(N, K)`` by plain fp32 torch, without graph."""
        return sum(
            (member.plain_logits(member.feed(pixels.shape[-1])(pixels)) for member in self.members[1:]),
            self.members[0].plain_logits(self.members[0].feed(pixels.shape[-1])(pixels)),
        ) / len(self.members)

    def activation_bytes(self, px: int) -> int:
        """Bytes that all layers of all members put out for one image."""
        return sum(member.activation_bytes(px) for member in self.members)
