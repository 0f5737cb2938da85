"""Configurations, networks and image processors of transformers, each read safely and held against it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core.benchmark import Image
from hardiness.core.errors import ArgumentError, DataError, HardinessError, ModelError
from hardiness.core.model import ModelSpec, View
from hardiness.core.random import rng
from hardiness.imaging.resizing import on_canvas
from hardiness.models.catalogue import BuilderResult
from hardiness.models.failures import first_line, foreign_errors
from hardiness.models.hub import need_hub, respect_offline
from hardiness.models.options import RANDOM
from hardiness.models.preprocessing import Normalisation
from hardiness.models.zero_shot import DEFAULT_PROTOCOL, ImageTower, TextTower, classifier_of, recorded
from hardiness.sources.hub_cache import check_hub_files

if TYPE_CHECKING:
    from torch import Tensor, nn


TRUST = "trust_remote_code"
"""Name of the option that lets code beside a model run."""

_LARGEST_NUMBER = 10**7
"""Largest size, width or count in a configuration of a real model."""


def load_network(kind: Any, name: str, config: Any, spec: ModelSpec, trusted: bool = False) -> nn.Module:
    """A network of transformers in fp32: its own weights, or none where the spec's weights are put in later.

    Weights are read as tensors alone, whatever format they lie in.

    Raises:
        ModelError: the weights cannot be had, do not fit, or need more memory than there is.
    """
    with foreign_errors(spec.name, "cannot be loaded"):
        _refuse_giants(kind, config, spec.name, trusted)
        if spec.weights:
            untrained: nn.Module = kind.from_config(config, trust_remote_code=trusted)
            return untrained.float()
        network, info = kind.from_pretrained(
            name,
            config=config,
            output_loading_info=True,
            trust_remote_code=trusted,
            local_files_only=respect_offline(),
            weights_only=True,
        )
    missing = sorted(info["missing_keys"])
    if missing:  # transformers would go on with random values in their place
        raise ModelError(f"{spec.name}: the checkpoint lacks {len(missing)} tensors ({', '.join(missing[:3])})")
    if info.get("mismatched_keys"):
        raise ModelError(f"{spec.name}: {len(info['mismatched_keys'])} tensors of the checkpoint have other shapes")
    loaded: nn.Module = network.float()
    return loaded


def checked(name: str, spec: ModelSpec) -> tuple[str, ...]:
    """Notes on the check of the files of a model that has been loaded.

    Raises:
        DataError: a file is not what the hub published.
    """
    return () if spec.weights else check_hub_files(name, spec.name)


def transformers_package() -> Any:
    """The module ``transformers``.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import transformers
    except ModuleNotFoundError:
        raise ModelError("hf: models need transformers; pip install 'hardiness[hf]'") from None
    return transformers


def read_config(name: str, where: str, trusted: bool = False) -> Any:
    """The configuration of a model on the hub or in a folder; no code of the model's own runs unless it is trusted.

    Raises:
        ModelError: it cannot be had, or holds numbers that no model has.
        DataError: the hub cannot be reached.
    """
    package = transformers_package()
    what = "a model's folder" if Path(name).is_dir() else "a folder with a model, or ORG/NAME on the hub"
    if not Path(name).exists():
        need_hub(name, ("config.json",), where)
    try:
        config = package.AutoConfig.from_pretrained(name, trust_remote_code=trusted, local_files_only=respect_offline())
        odd = list(_giants(config.to_dict()))
    except Exception as error:
        untrusted = f"; {TRUST}=true would let that code run" if "trust_remote_code" in str(error) else ""
        reason = "it holds Python code of its own, which is not run" if untrusted else first_line(error)
        raise ModelError(f"{where} must be {what}: {reason}{untrusted}") from error
    if odd:
        raise ModelError(f"{where}: {odd[0]} of its configuration is larger than any model's")
    return config


def _giants(settings: Mapping[str, Any]) -> Any:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _giants(value)
        for number in value if isinstance(value, list | tuple) else (value,):
            if isinstance(number, int) and abs(number) > _LARGEST_NUMBER:
                yield f"{key} = {number:,}"


def _refuse_giants(kind: Any, config: Any, name: str, trusted: bool) -> None:
    """Raise `ModelError` where the weights alone need more memory than this machine has."""
    import torch

    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with torch.device("meta"):
        shadow = kind.from_config(config, trust_remote_code=trusted)
    size = sum(4 * tensor.numel() for tensor in shadow.state_dict().values())
    if size > memory:
        raise ModelError(f"{name} has {size / 2**30:,.0f} GiB of weights; this machine has {memory / 2**30:,.0f} GiB")


# PIL's numbers for its filters, which processor files store.
_FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
_PROBES = ((301, 402), (403, 300), (233, 351), (150, 150))
"""Heights and widths of pictures on which a view is compared: both shapes, odd and even, larger and smaller."""

_LEVELS_APART = 0.05
"""Largest distance of a value from the processor's, in steps of 1/255 of a picture: rounding, and no more."""

_STATED = ("resize_px", "crop_px", "mean", "std")
_BY_HAND = "resize_px=…,crop_px=…,mean=…,std=… (and interpolation=, crop_mode=) state it by hand"


def load_processor(name: str, trusted: bool, local: bool) -> Any:
    """The processor of a model, in transformers' PIL form; runs no code of the model's own unless it is trusted.

    Args:
        name: folder, or name on the hub.
        trusted: whether code beside the model may run.
        local: whether nothing may be downloaded.

    Raises:
        OSError: there is no processor file.
    """
    import transformers

    pil = {"backend": "pil"} if int(transformers.__version__.partition(".")[0]) >= 5 else {"use_fast": False}
    return transformers.AutoImageProcessor.from_pretrained(
        name, trust_remote_code=trusted, local_files_only=local, **pil
    )


def stated_view(name: str, where: str, options: Mapping[str, str], trusted: bool = False) -> View:
    """The view of a model's own processor; where options state all of it by hand, these alone count.

    Args:
        name: folder, or name on the hub.
        where: the model's name, for messages.
        options: the person's.
        trusted: whether code beside the model may run.

    Raises:
        ArgumentError: its preprocessing is stated neither in its files nor by options, or cannot be followed.
    """
    if all(key in options for key in _STATED):
        return View()
    by_hand = f"state its preprocessing with {'=…,'.join(_STATED)}=…"
    try:
        processor = load_processor(name, trusted, respect_offline())
    except (OSError, DataError):
        raise ArgumentError(f"{where} has no preprocessor_config.json; {by_hand}") from None
    except Exception as error:
        raise ArgumentError(
            f"the preprocessor_config.json of {where} cannot be read: {first_line(error)}; {by_hand}"
        ) from error
    return view_of(processor, where)


def view_of(processor: Any, where: str) -> View:
    """The view that gives what the processor gives, to the last level.

    Args:
        processor: an image processor of transformers.
        where: the model's name, for messages.

    Raises:
        ArgumentError: its numbers are odd, or it does something that no view does: never guessed.
    """
    kind = type(processor).__name__.removesuffix("Pil")
    try:
        view = _described(processor, kind)
        compare_with_view(_applied(processor), view)
    except HardinessError as error:
        raise ArgumentError(f"{where}: its {kind} cannot be followed: {error}; {_BY_HAND}") from None
    except Exception as error:
        raise ArgumentError(
            f"{where}: its {kind} cannot be followed: {type(error).__name__}: {first_line(error)}; {_BY_HAND}"
        ) from error
    return view


def _described(processor: Any, kind: str) -> View:
    facts = {key: value for key, value in vars(processor).items() if value is not None}
    mean, std = _numbers(facts, "image_mean", 0.0), _numbers(facts, "image_std", 1.0)
    if not facts.get("do_normalize", False):
        mean, std = (0.0,) * 3, (1.0,) * 3
    full = facts.get("rescale_factor", 1 / 255) if facts.get("do_rescale", True) else 1.0
    if facts.get("rescale_offset"):  # EfficientNet: x * factor - 1, then mean and std
        mean = tuple(1.0 + value for value in mean)
    if facts.get("include_top") and kind.startswith("EfficientNet"):  # divided by std once more
        mean, std = mean, tuple(value * value for value in _numbers(facts, "image_std", 1.0))
    if not isinstance(full, int | float) or not 1e-6 < full <= 1:
        raise ArgumentError(f"its rescale_factor must lie between 0 and 1, was {full!r}")
    unit = full * 255
    if full == 1.0:
        mean, std, span = mean, std, "0..255"
    else:
        span = "0..1"
        if abs(unit - 1) > 1e-6:
            mean, std = tuple(value / unit for value in mean), tuple(value / unit for value in std)
    resample = int(facts.get("resample", 2))
    if resample not in range(len(_FILTERS)):
        raise ArgumentError(f"its resample must be one of PIL's six filters, was {resample}")
    return View(
        **_geometry(facts, kind),
        interpolation=_FILTERS[resample],  # type: ignore[arg-type]  # checked by View
        mean=mean,  # type: ignore[arg-type]  # checked by View
        std=std,  # type: ignore[arg-type]
        channel_order="BGR" if facts.get("do_flip_channel_order") else "RGB",
        range=span,  # type: ignore[arg-type]
    )


def _numbers(facts: Mapping[str, Any], key: str, default: float) -> tuple[float, ...]:
    value = facts.get(key, default)
    values = (value,) * 3 if isinstance(value, int | float) else tuple(value)
    if len(values) != 3 or not all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in values
    ):
        raise ArgumentError(f"its {key} must be three numbers, was {value!r}")
    return tuple(float(number) for number in values)


def _geometry(facts: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Resize and crop of a processor, in our terms.

    Source: transformers' image processors. ``crop_pct``: ConvNeXt resizes to size / crop_pct and crops, and from 384
    on it squashes; PoolFormer does the first at every size. LeViT enlarges its size by 256/224.
    """
    if not facts.get("do_resize", True):
        raise ArgumentError("it does not resize")
    size = _sides(facts, "size")
    side = size.get("shortest_edge") or size.get("height")
    cropped = facts.get("do_center_crop", False) and "crop_size" in facts
    crop = _sides(facts, "crop_size") if cropped else {"height": side, "width": side}
    if crop.get("height") != crop.get("width") or not side:
        raise ArgumentError(f"it takes images of size {dict(crop)}, and a square is needed")
    crop_px = crop["height"]
    if "shortest_edge" not in size:
        if size.get("height") != size.get("width"):
            raise ArgumentError(f"it takes images of size {dict(size)}, and a square is needed")
        if kind.startswith("PoolFormer") and "crop_pct" in facts:
            return {"resize_px": math.floor(side / facts["crop_pct"]), "crop_px": crop_px, "crop_mode": "center_floor"}
        return {"resize_px": side, "crop_px": crop_px, "crop_mode": "squash"}
    if kind.startswith("ConvNext") and side >= 384:
        return {"resize_px": side, "crop_px": side, "crop_mode": "squash"}
    if kind.startswith("ConvNext"):
        return {"resize_px": int(side / facts["crop_pct"]), "crop_px": side, "crop_mode": "center_floor"}
    if kind.startswith("PoolFormer") and "crop_pct" in facts:
        side = int(side / facts["crop_pct"])
    if kind.startswith("Levit"):
        side = int((256 / 224) * side)
    return {"resize_px": side, "crop_px": crop_px, "crop_mode": "center_floor"}


def _sides(facts: Mapping[str, Any], key: str) -> dict[str, int]:
    """Sides by name, of those that are given; a bare number is a square."""
    sizes = facts.get(key, {})
    if isinstance(sizes, int):
        sizes = {"height": sizes, "width": sizes}
    pairs = sizes if isinstance(sizes, Mapping) else vars(sizes)
    sides = {name: value for name, value in pairs.items() if value is not None}
    if not all(isinstance(value, int) and 0 < value <= 8192 for value in sides.values()):
        raise ArgumentError(f"its {key} must be whole numbers from 1 to 8,192, was {sides}")
    return sides


def _applied(processor: Any) -> Callable[[Image], Any]:
    from PIL import Image as PILImage

    return lambda picture: np.asarray(processor(PILImage.fromarray(picture), return_tensors="np")["pixel_values"][0])


def compare_with_view(apply: Callable[[Image], Any], view: View) -> None:
    """Raise where another library's preprocessing makes other values of four pictures than the view.

    Args:
        apply: from a picture to the input of the network, ``(3, H, W)``.
        view: made of the settings of the preprocessing.

    Raises:
        ArgumentError: naming the picture and the difference.
    """
    affine = Normalisation.from_view(view)
    for height, width in _PROBES:
        picture = _probe(height, width)
        expected = apply(picture)
        values = _normalised(on_canvas(picture, view.canvas), affine)
        if expected.shape != values.shape:
            raise ArgumentError(
                f"it makes {expected.shape} of a picture of {height} x {width} pixels, its settings {values.shape}"
            )
        level = 1 / 255 / min(affine.std)
        apart = float(np.abs(values - expected).max()) / level
        if not apart <= _LEVELS_APART:
            raise ArgumentError(
                f"a picture of {height} x {width} pixels comes out otherwise than its settings say, by up to "
                f"{apart:.1f} of 255 levels"
            )


def _normalised(image: Image, affine: Normalisation) -> NDArray[np.float64]:
    pixels = image.transpose(2, 0, 1) / 255.0
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (affine.mean, affine.std))
    normalised: NDArray[np.float64] = (pixels - mean) / std
    return normalised[::-1] if affine.reverse else normalised


def _probe(height: int, width: int) -> Image:
    """A picture of coarse patches under fine noise."""
    draws = rng(0, "probe", f"{height}x{width}")
    patches = draws.integers(0, 200, (height // 16 + 1, width // 16 + 1, 3))
    coarse = patches.repeat(16, 0).repeat(16, 1)[:height, :width]
    return (coarse + draws.integers(0, 56, (height, width, 3))).astype(np.uint8)


@dataclass(frozen=True)
class EncoderFamily:
    """A family of dual encoders.

    Attributes:
        prefix: before the model's name, e.g. ``"hf-clip"``.
        types: the ``model_type`` of configurations that are of it.
        context: tokens to which every sentence is padded; ``None`` for what the text tower's configuration says.
        lower: whether sentences are put in lower case first.
    """

    prefix: str
    types: tuple[str, ...]
    context: int | None = None
    lower: bool = False

    def spec(self, name: str, options: Mapping[str, str], build: str) -> ModelSpec:
        """The spec of a dual encoder on the hub or in a folder.

        Raises:
            ModelError: its configuration cannot be had, or it is of another family.
            ArgumentError: its preprocessing cannot be followed, or weights are given.
        """
        where = f"{self.prefix}:{name}"
        if options.get("weights") not in (None, RANDOM):
            raise ArgumentError(f"weights= is not for {self.prefix}: models, whose folder holds them; leave it out")
        config = self._config(name, where)
        try:
            processor = load_processor(name, trusted=False, local=respect_offline())
        except Exception as error:
            raise ArgumentError(
                f"the preprocessor_config.json of {where} cannot be read: {first_line(error)}"
            ) from error
        return ModelSpec(
            name=where,
            build=build,
            view=view_of(processor, where),
            input_px=config.vision_config.image_size,
            options=recorded(options.get("protocol", DEFAULT_PROTOCOL)),
            summary=f"transformers {config.model_type} {name}, zero-shot",
        )

    def build(self, spec: ModelSpec) -> BuilderResult:
        """The image tower with the classes' sentences as its head.

        Raises:
            ModelError: the weights or the tokeniser cannot be had.
        """
        name, random = spec.name.removeprefix(f"{self.prefix}:"), spec.weights == RANDOM
        config = self._config(name, spec.name)
        model: Any = load_network(transformers_package().AutoModel, name, config, spec).eval()
        context = self.context or int(config.text_config.max_position_embeddings)
        text = None if random else self._text(model, _tokeniser(name, spec.name), context)
        scale, bias = float(model.logit_scale.detach().exp()), getattr(model, "logit_bias", None)
        tower = ImageTower(
            _image_module(model), _image_embedding, _width(model), scale, 0.0 if bias is None else float(bias.detach())
        )
        facts = (("context", context), ("lower_case", self.lower), ("logit_scale", scale), ("logit_bias", tower.bias))
        network = classifier_of(tower, text, dict(spec.options))
        return BuilderResult(network, spec=replace(spec, options=(*spec.options, *facts)), notes=checked(name, spec))

    def _text(self, model: Any, tokenise: Any, context: int) -> TextTower:
        def tokens(sentences: Sequence[str]) -> Any:
            texts = [sentence.lower() for sentence in sentences] if self.lower else list(sentences)
            return tokenise(texts, padding="max_length", max_length=context, truncation=True, return_tensors="pt")

        def embed(encoded: Any) -> Tensor:
            # SigLIP was trained without a mask, on padded sentences.
            mask = encoded.get("attention_mask") if self.context is None else None
            pooled = model.text_model(input_ids=encoded["input_ids"], attention_mask=mask).pooler_output
            projection = getattr(model, "text_projection", None)
            embedding: Tensor = pooled if projection is None else projection(pooled)
            return embedding

        probe = tokens(["a photo of a Great White Shark, (nature)."])["input_ids"].tolist()
        return TextTower(model, tokens, embed, f"{type(tokenise).__qualname__}, {context}, {self.lower}, {probe}")

    def _config(self, name: str, where: str) -> Any:
        config = read_config(name, where)
        if config.model_type not in self.types:
            folder = "the folder" if Path(name).is_dir() else "it"
            raise ModelError(
                f"{where} must be of type {' or '.join(self.types)}, and {folder} holds a {config.model_type}; "
                "classifiers are named hf:"
            )
        return config


def _image_module(model: Any) -> nn.Module:
    """A module of the image tower and its projection alone; the text tower is left behind."""
    from torch import nn

    class ImageEmbedder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vision_model = model.vision_model
            self.visual_projection = getattr(model, "visual_projection", None) or nn.Identity()

        def forward(self, images: Tensor) -> Tensor:
            projected: Tensor = self.visual_projection(self.vision_model(pixel_values=images).pooler_output)
            return projected

    return ImageEmbedder().eval()


def _image_embedding(network: nn.Module, images: Tensor) -> Tensor:
    embeddings: Tensor = network(images)
    return embeddings


def _width(model: Any) -> int:
    projection = getattr(model, "visual_projection", None)
    return int(projection.out_features if projection is not None else model.config.vision_config.hidden_size)


def _tokeniser(name: str, where: str) -> Any:
    with foreign_errors(where, "has no tokeniser that can be loaded"):
        return transformers_package().AutoTokenizer.from_pretrained(
            name, trust_remote_code=False, local_files_only=respect_offline()
        )
