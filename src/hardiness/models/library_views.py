"""The views that the libraries of models state by their own evaluation transforms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import PIL.Image

from hardiness.core.benchmark import Image
from hardiness.core.errors import HardinessError
from hardiness.core.model import CropMode, ModelSpec, View
from hardiness.models.processors import stated_view
from hardiness.models.transformers_parts import TRUST


class LibraryView(NamedTuple):
    """The preprocessing of a model by its own library.

    Attributes:
        library: what people call it.
        view: that its evaluation transform states.
        apply: the transform itself, from a picture, ``uint8 (H, W, 3)``, to the network's input, ``(3, H, W)``;
            ``None`` where the view was held against it when it was read.
    """

    library: str
    view: View
    apply: Callable[[Image], Any] | None = None


def library_view(spec: ModelSpec) -> LibraryView | None:
    """The preprocessing of a model by its own library; ``None`` where no library states it."""
    scheme, _, name = spec.name.rpartition(":") if spec.name.count(":") == 1 else ("", "", spec.name)
    if scheme == "timm":
        from timm.data import create_transform, resolve_data_config
        from timm.models import get_pretrained_cfg

        is_larger = dict(spec.options).get("size") == "test"
        config = resolve_data_config(pretrained_cfg=get_pretrained_cfg(name).to_dict(), use_test_size=is_larger)
        return _of_library("timm", create_transform(**config))
    if scheme == "openclip":
        import open_clip
        from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict

        architecture, _, tag = name.partition("/")
        size = open_clip.get_model_config(architecture)["vision_cfg"].get("image_size", 224)
        config = merge_preprocess_dict(
            asdict(PreprocessCfg()), {**open_clip.get_pretrained_cfg(architecture, tag), "size": size}
        )
        return _of_library("open_clip", image_transform_v2(PreprocessCfg(**config), is_train=False))
    if scheme.startswith("hf"):
        try:
            view = stated_view(name, spec.name, {}, dict(spec.options).get(TRUST, False))
            return LibraryView("its processor", view)
        except HardinessError:  # it has none, and all is stated by hand
            return None
    weights = (
        _torchvision_weights(name if scheme == "torchvision" else "", spec.source.url) if spec.source.url else None
    )
    return None if weights is None else _of_library("torchvision", weights.transforms())


def _torchvision_weights(name: str, url: str) -> Any:
    """torchvision's weights at an address, of one of its models or of any; ``None`` where it has none."""
    from torchvision import models as torchvision_models

    names = [name] if name else torchvision_models.list_models(module=torchvision_models)
    every = (weights for model in names for weights in torchvision_models.get_model_weights(model))
    return next((weights for weights in every if weights.url == url), None)


def _of_library(library: str, transform: Any) -> LibraryView:
    """The view that a library's transform states, and the transform itself."""

    def apply(picture: Image) -> Any:
        return transform(PIL.Image.fromarray(picture)).numpy()

    return LibraryView(library, _of_transform(transform), apply)


def _of_transform(transform: Any) -> View:
    """The view that a library's transform states: one of torchvision's presets, or a list of steps."""
    mode: CropMode = "center"
    if hasattr(transform, "resize_size"):
        resize, crop, norm = transform.resize_size, transform.crop_size, transform
        filtered = transform.interpolation
    else:
        sized = [step for step in transform.transforms if hasattr(step, "size")]
        (norm,) = (step for step in transform.transforms if hasattr(step, "mean"))
        resize, crop, filtered = sized[0].size, sized[-1].size, sized[0].interpolation
        is_both_sides = not isinstance(resize, int) and len(resize) == 2
        keeps_ratio = type(sized[0]).__name__ == "ResizeKeepRatio"
        mode = "border" if keeps_ratio else "squash" if is_both_sides else "center"
    numbers: dict[str, Any] = {name: tuple(map(float, getattr(norm, name))) for name in ("mean", "std")}
    return View(_side(resize), _side(crop), getattr(filtered, "value", filtered), mode, **numbers)


def _side(size: Any) -> int:
    return int(size if isinstance(size, int) else size[0])
