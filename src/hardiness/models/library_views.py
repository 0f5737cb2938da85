"""The views that the libraries of models state by their own evaluation transforms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hardiness.core.errors import HardinessError
from hardiness.core.model import ModelSpec, View
from hardiness.models.processors import stated_view
from hardiness.models.transformers_parts import TRUST


def library_view(spec: ModelSpec) -> tuple[str, View] | None:
    """The library that a model is of, and the view of its own evaluation transform; ``None`` where there is none."""
    scheme, _, name = spec.name.rpartition(":") if spec.name.count(":") == 1 else ("", "", spec.name)
    if scheme == "timm":
        from timm.data import create_transform, resolve_data_config
        from timm.models import get_pretrained_cfg

        is_larger = dict(spec.options).get("size") == "test"
        config = resolve_data_config(pretrained_cfg=get_pretrained_cfg(name).to_dict(), use_test_size=is_larger)
        return "timm", _of_transform(create_transform(**config))
    if scheme == "openclip":
        import open_clip
        from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict

        architecture, _, tag = name.partition("/")
        size = open_clip.get_model_config(architecture)["vision_cfg"].get("image_size", 224)
        config = merge_preprocess_dict(
            asdict(PreprocessCfg()), {**open_clip.get_pretrained_cfg(architecture, tag), "size": size}
        )
        return "open_clip", _of_transform(image_transform_v2(PreprocessCfg(**config), is_train=False))
    if scheme.startswith("hf"):
        try:
            return "its processor", stated_view(name, spec.name, {}, dict(spec.options).get(TRUST, False))
        except HardinessError:  # it has none, and all is stated by hand
            return None
    weights = (
        _torchvision_weights(name if scheme == "torchvision" else "", spec.source.url) if spec.source.url else None
    )
    return None if weights is None else ("torchvision", _of_transform(weights.transforms()))


def _torchvision_weights(name: str, url: str) -> Any:
    """torchvision's weights at an address, of one of its models or of any; ``None`` where it has none."""
    from torchvision import models as torchvision_models

    names = [name] if name else torchvision_models.list_models(module=torchvision_models)
    every = (weights for model in names for weights in torchvision_models.get_model_weights(model))
    return next((weights for weights in every if weights.url == url), None)


def _of_transform(transform: Any) -> View:
    """Resize, crop, filter, mean and std of a library's transform: one of torchvision's presets, or a list of steps."""
    if hasattr(transform, "resize_size"):
        resize, crop, norm = transform.resize_size, transform.crop_size, transform
        filtered = transform.interpolation
    else:
        sized = [step for step in transform.transforms if hasattr(step, "size")]
        (norm,) = (step for step in transform.transforms if hasattr(step, "mean"))
        resize, crop, filtered = sized[0].size, sized[-1].size, sized[0].interpolation
    numbers: dict[str, Any] = {name: tuple(map(float, getattr(norm, name))) for name in ("mean", "std")}
    return View(_side(resize), _side(crop), getattr(filtered, "value", filtered), **numbers)


def _side(size: Any) -> int:
    return int(size if isinstance(size, int) else size[0])
