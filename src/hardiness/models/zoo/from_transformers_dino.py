"""``hf-dino:ORG/NAME:head=FILE``: a DINOv2 or DINOv3 backbone of transformers under a linear head of its hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardiness.core.errors import ArgumentError, ModelError
from hardiness.core.model import IMAGENET_CLASSES, ModelSpec
from hardiness.models.catalogue import BuilderResult, Scheme, schemes
from hardiness.models.checkpoints import read_checkpoint
from hardiness.models.options import RANDOM
from hardiness.models.processors import stated_view
from hardiness.models.transformers_parts import checked, load_network, read_config, transformers_package
from hardiness.models.weights import assign, fit

if TYPE_CHECKING:
    from torch import Tensor, nn

_TYPES = ("dinov2", "dinov2_with_registers", "dinov3_vit")
_OPTIONS = {"head": "file of the linear head, as dinov2_vits14_linear_head.pth or dinov2_vits14_reg4_linear4_head.pth"}


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a backbone on the hub or in a folder, and a file with its head.

    Raises:
        ModelError: its configuration cannot be had, or it is no DINO.
        ArgumentError: no head is named, or its preprocessing can be followed neither from its files nor from options.
    """
    where = f"hf-dino:{name}"
    if options.get("weights") not in (None, RANDOM):
        raise ArgumentError(f"weights= is not for {where}, whose folder holds the backbone's; name the head= alone")
    if "head" not in options and "weights" not in options:
        raise ArgumentError(f"{where} needs its linear head: {where}:head=FILE.pth, or weights=random")
    config = read_config(name, where)
    if config.model_type not in _TYPES:
        raise ModelError(f"{where} must be of type {', '.join(_TYPES)}, was a {config.model_type}")
    return ModelSpec(
        name=where,
        build=f"{__name__}:build",
        view=stated_view(name, where, options),
        num_classes=IMAGENET_CLASSES,
        options=(("head", options.get("head", RANDOM)),),
        summary=f"transformers {config.model_type} {name}, linear head",
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The backbone with its head: class tokens of the last layers, and the mean of the last one's patches.

    The number of layers follows from the head's width: 1 or, in heads called ``linear4``, 4.

    Raises:
        ModelError: the backbone cannot be had, or the head does not fit it.

    Source: Oquab et al. 2023, arXiv:2304.07193; facebookresearch/dinov2, ``dinov2/hub/classifiers.py``.
    """
    from torch import nn

    name, head = spec.name.removeprefix("hf-dino:"), dict(spec.options)["head"]
    config = read_config(name, spec.name)
    backbone: Any = load_network(transformers_package().AutoModel, name, config, spec)
    width = int(config.hidden_size)
    if head == RANDOM:
        return BuilderResult(_under(backbone, nn.Linear(2 * width, IMAGENET_CLASSES), 1))
    checkpoint = read_checkpoint(head)
    fitted = fit(["weight", "bias"], checkpoint.state, spec.view, head)
    inputs = fitted.state["weight"].shape[-1] if "weight" in fitted.state else 0
    layers = inputs // width - 1
    if layers < 1 or inputs % width or layers > config.num_hidden_layers:
        raise ModelError(f"{head} must take 2 or 5 times {width} numbers, as {spec.name} puts out, takes {inputs}")
    linear = nn.Linear(inputs, IMAGENET_CLASSES)
    assign(linear, fitted.state, head)
    return BuilderResult(
        _under(backbone, linear, layers), notes=(*checkpoint.notes, *fitted.notes, *checked(name, spec))
    )


def _under(backbone: Any, linear: nn.Linear, layers: int) -> nn.Module:
    """The network that a head reads ``layers`` layers of."""
    import torch
    from torch import nn

    prefix = 1 + int(getattr(backbone.config, "num_register_tokens", 0) or 0)
    norm = backbone.layernorm if hasattr(backbone, "layernorm") else backbone.norm

    class WithHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = backbone, linear

        def forward(self, images: Tensor) -> Tensor:
            if layers == 1:
                states = [self.backbone(pixel_values=images).last_hidden_state]
            else:
                hidden = self.backbone(pixel_values=images, output_hidden_states=True).hidden_states
                states = [norm(state) for state in hidden[-layers:]]
            features = [*(state[:, 0] for state in states), states[-1][:, prefix:].mean(1)]
            logits: Tensor = self.head(torch.cat(features, 1))
            return logits

    return WithHead().eval()


schemes.register(
    "hf-dino",
    Scheme("hf-dino:ORG/NAME:head=FILE", "a DINOv2 or DINOv3 of transformers under a linear head", spec, _OPTIONS),
    __name__,
)
