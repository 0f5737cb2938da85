"""``torchvision:NAME``: any classifier of torchvision, under the preprocessing of its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hardiness.core.errors import UnknownNameError
from hardiness.core.model import ModelSpec, Source, View
from hardiness.models.activation import OUTPUT_OPTIONS, stated_outputs
from hardiness.models.catalogue import BuilderResult, Scheme, schemes

_OPTIONS = {
    "pretrained": "which published weights, e.g. IMAGENET1K_V1 (default: torchvision's DEFAULT)",
    **OUTPUT_OPTIONS,
}
_INCEPTIONS = ("googlenet", "inception_v3")
# They were trained under another normalisation, which torchvision undoes inside the network.
_INCEPTION = {"transform_input": True, "init_weights": False, "aux_logits": True}


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a torchvision classifier and one of its published weights.

    Raises:
        UnknownNameError: there is no such model or no such weights.
    """
    from torchvision import models

    names = models.list_models(module=models)
    if name not in names:
        raise UnknownNameError("torchvision model", name, names)
    published = models.get_model_weights(name)
    tag = options.get("pretrained", "DEFAULT")
    if tag not in published.__members__:
        raise UnknownNameError(f"weights of torchvision:{name}", tag, published.__members__)
    weights = published[tag]
    prefix = re.search(r"-([0-9a-f]{8})\.pth$", weights.url)
    return ModelSpec(
        name=f"torchvision:{name}",
        build=f"{__name__}:build",
        view=_view(weights.transforms()),
        num_classes=len(weights.meta["categories"]),
        source=Source(
            url=weights.url,
            sha256=prefix.group(1) if prefix else "",
            # The published counts of these two leave out the auxiliary heads that their files hold.
            parameters=None if name in _INCEPTIONS else weights.meta["num_params"],
            licence="BSD-3-Clause" if "SWAG" not in weights.name else "CC-BY-NC-4.0",
        ),
        input_px=weights.transforms().crop_size[0] if name.startswith("vit_") else None,
        options=(("pretrained", weights.name), *stated_outputs(options)),
        summary=f"torchvision {name}, weights {weights.name}",
    )


def _view(transform: Any) -> View:
    return View(
        resize_px=transform.resize_size[0],
        crop_px=transform.crop_size[0],
        interpolation=transform.interpolation.value,
        mean=tuple(transform.mean),
        std=tuple(transform.std),
    )


def build(spec: ModelSpec) -> BuilderResult:
    """The architecture as its published weights need it; the weights are loaded like any checkpoint."""
    from torchvision import models

    name = spec.name.removeprefix("torchvision:")
    settings = _INCEPTION if name in _INCEPTIONS else {}

    def resized(classes: int) -> Any:
        return models.get_model(name, weights=None, num_classes=classes, **settings)

    rename = _densenet_name if name.startswith("densenet") else None
    return BuilderResult(resized(spec.num_classes), rename=rename, resized=resized)


def _densenet_name(name: str) -> str:
    """The present name of a layer under its name in the published files: ``denselayer1.norm.1`` is ``….norm1``."""
    return re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.(?=\d+\.)", r"\1", name)


def _names() -> list[str]:
    from torchvision import models

    return list(models.list_models(module=models))


schemes.register(
    "torchvision",
    Scheme("torchvision:NAME", "any torchvision classifier, under its own preprocessing", spec, _OPTIONS, _names),
    __name__,
)
