"""``hf:ORG/NAME`` or ``hf:FOLDER``: an image classifier of transformers, its labels mapped to ImageNet's order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hardiness.core import ArgumentError, ModelError, ModelSpec, View
from hardiness.models.catalogue import Built, Scheme, schemes
from hardiness.models.class_names import is_generic, looks_like_imagenet, order_by_name
from hardiness.models.class_order import stated_order
from hardiness.models.failures import first_line

# PIL's numbers for its filters, which processor files store.
_FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
_BY_HAND = ("resize_px", "crop_px", "mean", "std")


def spec(name: str, options: Mapping[str, str]) -> ModelSpec:
    """The spec of a model on the hub or in a folder; reads (or downloads) its two small configuration files.

    Raises:
        ModelError: the configuration cannot be had, or it is no image classifier.
        ArgumentError: its preprocessing is stated neither in its files nor by options.
    """
    config = _config(name)
    labels = [config.id2label[index] for index in range(config.num_labels)]
    order = options.get("class_order")
    imagenet = order in ("wnid", "background+wnid") or (order is None and _is_imagenet(labels, f"hf:{name}"))
    size = getattr(config, "image_size", None)
    fixed = size if isinstance(size, int) else None
    return ModelSpec(
        name=f"hf:{name}",
        build=f"{__name__}:build",
        view=_view(name, options),
        num_classes=1000 if imagenet else config.num_labels,
        input_px=fixed,
        class_names=None if imagenet else tuple(labels),
        summary=f"transformers {config.model_type} {name}",
    )


def build(spec: ModelSpec) -> Built:
    """The network in fp32 and its outputs in wnid order.

    Raises:
        ModelError: the weights cannot be had or do not fit, or labels do not name ImageNet's classes.
    """
    transformers = _transformers()
    name = spec.name.removeprefix("hf:")
    config = _config(name)
    kind = transformers.AutoModelForImageClassification
    try:
        if spec.weights:
            network, missing = kind.from_config(config), []
        else:
            network, info = kind.from_pretrained(name, config=config, output_loading_info=True)
            missing = sorted(info["missing_keys"])
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{spec.name} cannot be loaded: {first_line(error)}") from None
    if missing:  # transformers would go on with random values in their place
        raise ModelError(f"{spec.name}: the checkpoint lacks {len(missing)} tensors ({', '.join(missing[:3])})")
    labels = [config.id2label[index] for index in range(config.num_labels)]
    mapped = spec.class_names is None and stated_order(spec) is None
    return Built(network.float(), order_by_name(labels, spec.name) if mapped else None)


def _is_imagenet(labels: list[str], where: str) -> bool:
    """Raises `ModelError` where the labels look like ImageNet's and leave the order open."""
    if len(labels) in (1000, 1001) and is_generic(labels):
        raise ModelError(
            f"{where} has {len(labels)} classes without names ({labels[0]!r}, …), so their order is not known; "
            "state it with class_order=wnid (or background+wnid), or class_order=own for classes of its own"
        )
    if not looks_like_imagenet(labels):
        return False
    order_by_name(labels, where)
    return True


def _transformers() -> Any:
    try:
        import transformers
    except ModuleNotFoundError:
        raise ModelError("hf: models need transformers; pip install 'hardiness[hf]'") from None
    return transformers


def _config(name: str) -> Any:
    try:
        return _transformers().AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        what = "a folder with a model, or ORG/NAME on the hub" if not Path(name).is_dir() else "a model's folder"
        raise ModelError(f"hf:{name} must be {what}: {first_line(error)}") from None


def _view(name: str, options: Mapping[str, str]) -> View:
    try:
        stored, _ = _transformers().ImageProcessingMixin.get_image_processor_dict(name)
    except (OSError, ValueError):
        if all(key in options for key in _BY_HAND):
            return View()
        raise ArgumentError(
            f"hf:{name} has no preprocessor_config.json; state its preprocessing with {'=…,'.join(_BY_HAND)}=…"
        ) from None
    geometry = _geometry(stored, name)
    unscaled = not stored.get("do_rescale", True)
    plain = not stored.get("do_normalize", True)
    return View(
        **geometry,
        interpolation=_FILTERS[stored.get("resample", 2)],  # type: ignore[arg-type]  # checked by View
        mean=(0.0, 0.0, 0.0) if plain else tuple(stored.get("image_mean", (0.5, 0.5, 0.5))),
        std=(1.0, 1.0, 1.0) if plain else tuple(stored.get("image_std", (0.5, 0.5, 0.5))),
        range="0..255" if unscaled else "0..1",
    )


def _geometry(stored: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Resize and crop of a processor file, in our terms.

    Source: transformers' image processors; ``crop_pct`` is ConvNeXt's: below 384 resize to size / crop_pct and crop,
    from 384 squash.
    """
    size = stored.get("size", 224)
    size = {"shortest_edge": size} if isinstance(size, int) else size
    crop = stored.get("crop_size")
    crop_px = crop["height"] if isinstance(crop, Mapping) else crop
    if "shortest_edge" not in size:
        if size.get("height") != size.get("width") or not size:
            raise ArgumentError(f"hf:{name} takes images of size {size}, and a square is needed")
        side = size["height"]
        cropped = stored.get("do_center_crop", False) and crop_px
        return {"resize_px": side, "crop_px": crop_px if cropped else side, "crop_mode": "squash"}
    side = size["shortest_edge"]
    if "crop_pct" in stored:
        if side >= 384:
            return {"resize_px": side, "crop_px": side, "crop_mode": "squash"}
        return {"resize_px": math.floor(side / stored["crop_pct"]), "crop_px": side}
    return {"resize_px": side, "crop_px": crop_px if stored.get("do_center_crop", True) and crop_px else side}


schemes.register(
    "hf",
    Scheme("hf:ORG/NAME", "an image classifier of transformers, from the hub or a folder", spec),
    __name__,
)
